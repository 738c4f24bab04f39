/** What keeps the executable from starting, or from serving (spec 6.3): one line that says what, and then it waits or ends. */
import { expect } from "bun:test";
import { createServer, type Server } from "node:net";
import { readFileSync } from "node:fs";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { kubeconfigText } from "../../scripts/control_plane/kubeconfig.ts";
import { asString, at } from "../../src/base/json.ts";
import type { Cluster } from "./cluster.ts";
import { Controller } from "./controller.ts";
import { configFile, NAMESPACE, type ReplicaPorts } from "./installation.ts";
import { ServiceProxy } from "./service_proxy.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
/** An API server that does not answer is waited for: it may be starting too. */
const PATIENCE_MS = 10_000;
const ENDED_MS = 20_000;
/** With nothing to finish. */
const STOPPED_MS = 5_000;

interface Started {
  readonly controller: Controller;
  /** Of its health probes. */
  readonly port: number;
}

/** As installed, not waited for; gone after `body`. */
async function launched(
  cluster: Cluster,
  { kubeconfig, ports = {} }: { readonly kubeconfig: string; readonly ports?: ReplicaPorts },
  body: (started: Started) => Promise<void>,
): Promise<void> {
  const { environment, namespace } = cluster;
  const config = await configFile(environment, ports);
  const flags = [`--config=${config}`, `--namespace=${namespace}`, "--zap-log-level=0"];
  const controller = new Controller(environment, kubeconfig, { flags });
  try {
    await body({ controller, port: await controller.launch() });
  } finally {
    await controller.dispose();
  }
}

async function probe(port: number, path: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}/${path}`);
  return { status: response.status, text: await response.text() };
}

/** The lines by which it said that something is wrong. */
function complaints(controller: Controller): readonly string[] {
  return controller.logLines("").filter((line) => / ERROR |^error: /.test(line));
}

function listening(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port }, () => resolve(server));
  });
}

e2e.test("an API server that is away: alive and not ready for ten seconds, then one line and exit code 1", async (cluster) => {
  const [nobody = 0] = await findFreePorts(1);
  const kubeconfig = await cluster.environment.controllerKubeconfig(`https://127.0.0.1:${nobody}`);
  await launched(cluster, { kubeconfig }, async ({ controller, port }) => {
    const startedAt = performance.now();
    await cluster.eventually("its probes", async () => (await probe(port, "healthz")).status === 200);
    expect((await probe(port, "readyz")).status).toBe(500);
    await cluster.eventually("its end", () => Promise.resolve(!controller.isRunning()), ENDED_MS);
    expect(performance.now() - startedAt).toBeGreaterThan(PATIENCE_MS - 1_000);
    expect(await controller.exitCode()).toBe(1);
    expect(complaints(controller)).toHaveLength(1);
    expect(complaints(controller)[0]).toStartWith(`error: reach the API server at https://127.0.0.1:${nobody}: `);
  });
});

e2e.test("a login that does not come: SIGTERM ends it all the same, with exit code 0", async (cluster) => {
  const { environment } = cluster;
  const asked = environment.writeFile("asked", "");
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "sh",
    args: ["-c", `echo yes > ${asked}; exec sleep 30`],
    interactiveMode: "Never",
  };
  const text = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "here",
    contexts: [{ name: "here", context: { cluster: "here", user: "here" } }],
    clusters: [{ name: "here", cluster: { server: environment.description.url } }],
    users: [{ name: "here", user: { exec } }],
  });
  const kubeconfig = environment.writeFile("exec.kubeconfig", text);
  await launched(cluster, { kubeconfig }, async ({ controller }) => {
    await cluster.eventually("the plugin to be asked", () => Promise.resolve(readFileSync(asked, "utf8") !== ""));
    const startedAt = performance.now();
    expect(await controller.terminate()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(STOPPED_MS);
  });
});

e2e.test("an API server that comes within that time is taken", async (cluster) => {
  const [port = 0] = await findFreePorts(1);
  const kubeconfig = await cluster.environment.controllerKubeconfig(`https://127.0.0.1:${port}`);
  await launched(cluster, { kubeconfig }, async ({ controller, port: probes }) => {
    await cluster.eventually("its probes", async () => (await probe(probes, "readyz")).status === 500);
    const apiServer = await ServiceProxy.start(port);
    try {
      apiServer.setEndpoints([Number(new URL(cluster.environment.description.url).port)]);
      await cluster.eventually("it to be ready", async () => (await probe(probes, "readyz")).status === 200);
      expect(complaints(controller)).toEqual([]);
      expect(await controller.terminate()).toBe(0);
    } finally {
      await apiServer.stop();
    }
  });
});

for (const what of ["webhooks", "metrics"] as const) {
  e2e.test(`a port of the ${what} that is taken: one line that names it, exit code 1, and the lease is left free`, async (cluster) => {
    const [port = 0] = await findFreePorts(1);
    const other = await listening(port);
    try {
      const kubeconfig = await cluster.environment.controllerKubeconfig();
      await launched(cluster, { kubeconfig, ports: { [what]: port } }, async ({ controller }) => {
        await cluster.eventually("its end", () => Promise.resolve(!controller.isRunning()), ENDED_MS);
        expect(await controller.exitCode()).toBe(1);
        expect(complaints(controller)).toHaveLength(1);
        expect(complaints(controller)[0]).toContain(`error: serve ${what} on "127.0.0.1:${port}": the port is taken`);
        expect(controller.logLines("released the lease").length).toBe(controller.logLines("became the leader").length);
      });
    } finally {
      other.close();
    }
  });
}

/** A service account that may do all that the controller may, but for the Secret and its configurations. */
async function withoutCertificates(cluster: Cluster): Promise<{ readonly kubeconfig: string; readonly user: string }> {
  const { api, namespace, environment } = cluster;
  const name = "powerless";
  await api.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const answer = await api.create(path, { spec: { expirationSeconds: 3600 } });
  const token = asString(at(answer, "status", "token")) ?? "";
  const { url, caFile } = environment.description;
  const text = kubeconfigText({ url, caPem: readFileSync(caFile, "utf8"), user: name, token });
  const user = `system:serviceaccount:${namespace}:${name}`;
  return { kubeconfig: environment.writeFile("powerless.kubeconfig", text), user };
}

async function bind(
  cluster: Cluster,
  { kind, name, within }: { readonly kind: "Role" | "ClusterRole"; readonly name: string; readonly within?: string },
): Promise<string> {
  const bindings = within === undefined ? `${RBAC}/clusterrolebindings` : `${RBAC}/namespaces/${within}/rolebindings`;
  const binding = `${cluster.namespace}-${name}`;
  await cluster.api.create(bindings, {
    metadata: { name: binding },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name },
    subjects: [{ kind: "ServiceAccount", name: "powerless", namespace: cluster.namespace }],
  });
  return `${bindings}/${binding}`;
}

e2e.test("a Secret that may not be read: told once, alive, not ready; serving once that is granted", async (cluster) => {
  const { kubeconfig, user } = await withoutCertificates(cluster);
  const granted = [
    await bind(cluster, { kind: "ClusterRole", name: "jobset-manager-role" }),
    await bind(cluster, { kind: "Role", name: "jobset-leader-election-role", within: NAMESPACE }),
  ];
  try {
    await launched(cluster, { kubeconfig }, async ({ controller, port }) => {
      await cluster.eventually(
        "the refusal to be told",
        () => Promise.resolve(controller.logLines("secrets").length > 0),
      );
      await cluster.eventually("caches", () => Promise.resolve(controller.logLines("caches are filled").length > 0));
      expect((await probe(port, "healthz")).status).toBe(200);
      const { status, text } = await probe(port, "readyz");
      expect(status).toBe(500);
      expect(text).toMatch(/cannot (list|watch) resource "secrets"/);
      const told = complaints(controller);
      expect(told.filter((line) => line.includes("secrets"))).toHaveLength(1);
      expect(told.find((line) => line.includes("secrets"))).toContain(user);
      granted.push(
        await bind(cluster, { kind: "Role", name: "jobset-manager-secrets-role", within: NAMESPACE }),
        await bind(cluster, { kind: "ClusterRole", name: "jobset-proxy-role" }),
      );
      await cluster.eventually("it to be ready", async () => (await probe(port, "readyz")).status === 200, 60_000);
      expect(await controller.terminate()).toBe(0);
      expect(complaints(controller)).toEqual(told);
    });
  } finally {
    for (const path of granted) await cluster.api.delete(path);
  }
});
