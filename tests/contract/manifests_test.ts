import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { asArray, asString, at } from "../../src/base/json.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { CRD, DEPLOYMENT, InstallServer, MUTATING, NAMESPACE } from "./install_server.ts";

const START_MS = 20 * 60_000;

let server: InstallServer;

beforeAll(async () => {
  server = await InstallServer.start();
}, START_MS);
afterAll(() => server.stop(), START_MS);

const apply = (...args: readonly string[]) => server.controlPlane.mustKubectl(["apply", ...args]);

async function remove(file: string): Promise<void> {
  await server.controlPlane.mustKubectl(["delete", "--wait=true", "--ignore-not-found", "-f", file]);
}

/** resourceVersions of what a re-apply must leave alone. */
async function versions(): Promise<readonly unknown[]> {
  const paths = [CRD, MUTATING, `/api/v1/namespaces/${NAMESPACE}/secrets/jobset-webhook-server-cert`];
  return await Promise.all(paths.map(async (path) => at(await server.api.get(path), "metadata", "resourceVersion")));
}

describe("the one file", () => {
  for (const flags of [[], ["--server-side"]] as const) {
    test(
      `is taken by kubectl apply ${flags.join(" ") || "alone"}, again without a change, and starts Pods`,
      async () => {
        const file = await server.manifest();
        const first = await apply(...flags, "-f", file);
        expect(first.trim().split("\n")).toHaveLength(22);
        await waitFor("the Deployment to be available", {
          timeoutMs: 60_000,
          check: async () => at(await server.api.get(DEPLOYMENT), "status", "availableReplicas") === 1,
          describe: async () => JSON.stringify((await server.api.get(DEPLOYMENT))["status"]),
        });
        const before = [await versions(), at(await server.api.get(DEPLOYMENT), "metadata", "generation")];
        const second = await apply(...flags, "-f", file);
        if (flags.length === 0) {
          for (const line of second.trim().split("\n")) expect(line).toEndWith(" unchanged");
        }
        expect([await versions(), at(await server.api.get(DEPLOYMENT), "metadata", "generation")]).toEqual(before);
        await remove(file);
      },
      120_000,
    );
  }

  test("is understood by kubectl without a single unknown field", async () => {
    await apply("-f", await server.manifest("--crds-only"));
    const file = await server.manifest("--skip-namespace", "--namespace=default", "--replicas=2");
    const printed = await apply("--dry-run=server", "--validate=strict", "-f", file);
    expect(printed).toContain("deployment.apps/jobset-controller-manager created (server dry run)");
    const tuned = await server.manifest("--feature-gates=RestartJob=true", "--webhook-url=https://head.example:9443");
    expect(await apply("--dry-run=client", "-f", tuned)).not.toContain("deployment");
  });

  test("empties no Secret and takes no CA bundle away when it is applied again", async () => {
    const file = await server.manifest("--webhook-url=https://127.0.0.1:9443");
    await apply("-f", file);
    const secret = `/api/v1/namespaces/${NAMESPACE}/secrets/jobset-webhook-server-cert`;
    await server.api.patch(secret, { data: { "ca.crt": btoa("made by the controller") } });
    const caBundle = btoa(server.controlPlane.caPem);
    await server.api.patch(
      MUTATING,
      [{ op: "add", path: "/webhooks/0/clientConfig/caBundle", value: caBundle }],
      "json",
    );
    await apply("-f", file);
    await apply("--server-side", "-f", file);
    expect(at(await server.api.get(secret), "data")).toEqual({ "ca.crt": btoa("made by the controller") });
    const [webhook] = asArray((await server.api.get(MUTATING))["webhooks"]);
    expect(asString(at(webhook, "clientConfig", "caBundle"))).toBe(caBundle);
    await remove(file);
  });
});

describe("in a namespace that another operator shares (R58)", () => {
  const labels = { "control-plane": "controller-manager", "app.kubernetes.io/name": "other" };
  const other = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "other-controller-manager", namespace: "ops" },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "manager", image: "other" }] } },
    },
  };

  test("neither selects the other's Pods", async () => {
    await server.api.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "ops" } });
    const deployments = "/apis/apps/v1/namespaces/ops/deployments";
    await server.api.create(deployments, other);
    const file = await server.manifest("--namespace=ops", "--skip-namespace", "--replicas=2");
    await apply("-f", file);
    for (const [name, ready] of [["other-controller-manager", 1], ["jobset-controller-manager", 2]] as const) {
      await waitFor(`${name} to be available`, {
        timeoutMs: 60_000,
        check: async () => at(await server.api.get(`${deployments}/${name}`), "status", "availableReplicas") === ready,
      });
    }
    for (const service of ["jobset-webhook-service", "jobset-controller-manager-metrics-service"]) {
      const path =
        `/apis/discovery.k8s.io/v1/namespaces/ops/endpointslices?labelSelector=kubernetes.io/service-name%3D${service}`;
      let pods: readonly string[] = [];
      await waitFor(`${service} to have endpoints`, {
        timeoutMs: 60_000,
        check: async () => {
          const endpoints = (await server.api.list(path)).flatMap((slice) => asArray(slice["endpoints"]));
          pods = endpoints.map((endpoint) => asString(at(endpoint, "targetRef", "name")) ?? "");
          return pods.length >= 2;
        },
      });
      expect(pods).toHaveLength(2);
      for (const pod of pods) expect(pod).toStartWith("jobset-controller-manager-");
    }
    await remove(file);
    expect(await server.find(`${deployments}/other-controller-manager`)).toBeDefined();
  }, 120_000);
});
