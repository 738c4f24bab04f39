import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { asString, at } from "../../src/base/json.ts";
import { loadClusterAccess } from "../../src/client/cluster_access.ts";
import { createKubeClient } from "../../src/client/kube_client.ts";
import { makeTestCertificate } from "../../src/client/test_certificates.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { type MetricsServer, startMetricsServer } from "../../src/server/metrics_server.ts";
import { kubeconfigText } from "../../scripts/control_plane/kubeconfig.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { type SharedServer, sharedServer, TestNamespace } from "./shared_server.ts";

const ROLES = new URL("../../manifests/rbac_metrics.yaml", import.meta.url).pathname;
const BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
const clock = systemClock();
const log = { info: () => undefined, error: () => undefined };
const folder = mkdtempSync(join(tmpdir(), "jobset-metrics-"));
const ends: (() => unknown)[] = [];

let server: SharedServer;
let space: TestNamespace;

beforeAll(async () => {
  server = await sharedServer();
  space = new TestNamespace(server.api);
  await space.create();
  const { code, text } = await server.kubectl("apply", "--server-side", "--force-conflicts", "-f", ROLES);
  if (code !== 0) throw new Error(`apply the roles of metrics: ${text}`);
});

afterAll(async () => {
  for (const end of ends.reverse()) await end();
  await space.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A token of a service account of its own, with the role of the manifest, if any. */
async function login(name: string, role?: string): Promise<string> {
  const accounts = `/api/v1/namespaces/${space.name}/serviceaccounts`;
  await server.api.create(accounts, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } });
  if (role !== undefined) {
    const binding = `${space.name}-${name}`;
    await server.api.create(BINDINGS, {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: binding },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
      subjects: [{ kind: "ServiceAccount", name, namespace: space.name }],
    });
    ends.push(() => server.api.delete(`${BINDINGS}/${binding}`));
  }
  const answer = await server.api.create(`${accounts}/${name}/token`, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { expirationSeconds: 3600 },
  });
  return asString(at(answer, "status", "token")) ?? "";
}

/** A metrics server that asks the API server with this token. */
async function serve(token: string): Promise<MetricsServer> {
  const { url, caPem } = server.api.access;
  const kubeconfig = join(folder, `${crypto.randomUUID()}.kubeconfig`);
  writeFileSync(kubeconfig, kubeconfigText({ url, caPem, user: "metrics", token }), { mode: 0o600 });
  const access = await loadClusterAccess({ kubeconfig, env: {}, clock, log });
  const metrics = createMetrics({ clock });
  const { onRequest } = metrics;
  const client = createKubeClient({ access, env: {}, qps: 0, burst: 0, userAgent: "test", clock, onRequest });
  const certificate = makeTestCertificate({ commonName: "metrics", ipAddresses: ["127.0.0.1"] });
  const started = await startMetricsServer({
    address: "127.0.0.1:0",
    metrics,
    client,
    certificates: { current: certificate, onChange: () => undefined },
    tls: { minVersion: "VersionTLS12", cipherSuites: [] },
    clock,
    log,
  });
  if (started === undefined) throw new Error("the metrics server is off");
  ends.push(() => client.close(), () => started.stop(0));
  return started;
}

async function scrape(to: MetricsServer, token?: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`https://127.0.0.1:${to.port}/metrics`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    tls: { rejectUnauthorized: false },
  });
  return { status: response.status, text: await response.text() };
}

test("the API server decides who reads the metrics; the manifest's roles suffice for it", async () => {
  const metrics = await serve(await login("controller", "jobset-proxy-role"));
  const reader = await login("prometheus", "jobset-metrics-reader");
  // The API server learns of a new role binding a moment later.
  await waitFor("the reader to be let in", {
    timeoutMs: 60_000,
    check: async () => (await scrape(metrics, reader)).status === 200,
  });
  const { text } = await scrape(metrics, reader);
  expect(text).toContain("# TYPE process_cpu_seconds_total counter");
  expect(text).toMatch(/^rest_client_requests_total\{code="201",method="POST",host="[^"]+"\} [1-9]/m);
  const stranger = await scrape(metrics, await login("stranger"));
  expect(stranger).toEqual({
    status: 403,
    text: `user "system:serviceaccount:${space.name}:stranger" may not get /metrics\n`,
  });
  expect((await scrape(metrics, `${reader}x`)).status).toBe(401);
  expect((await scrape(metrics)).status).toBe(401);
});

test("a controller that may not ask the API server lets nobody in", async () => {
  const metrics = await serve(await login("powerless"));
  expect((await scrape(metrics, await login("somebody", "jobset-metrics-reader"))).status).toBe(500);
});
