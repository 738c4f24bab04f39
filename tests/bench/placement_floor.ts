/** A namespace whose Pods pass a webhook that does nothing (floor_webhook.ts): what of the cost is the API server's own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority, createLeaf } from "../../scripts/control_plane/certificates.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { Cluster } from "../e2e/cluster.ts";
import { WEBHOOKS_OFF } from "../e2e/installation.ts";
import type { OwnInstallation } from "../e2e/own_installation.ts";
import { hasDefaultAccount } from "./placement_cluster.ts";
import { BLOCK } from "./placement_objects.ts";

const MARK = { "jobset-lite.test/floor": "on" };
const CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const CALLED_MS = 30_000;

export async function startFloor(environment: OwnInstallation): Promise<Cluster> {
  const { controlPlane } = environment;
  const ca = createAuthority("bench");
  const leaf = createLeaf(ca, { commonName: "floor", dnsNames: [], ipAddresses: ["127.0.0.1"] });
  const [certFile, keyFile] = ["floor.crt", "floor.key"].map((name) => join(controlPlane.dir, name));
  writeFileSync(certFile ?? "", leaf.certPem);
  writeFileSync(keyFile ?? "", leaf.keyPem, { mode: 0o600 });
  const [port = 0] = await findFreePorts(1);
  const script = new URL("floor_webhook.ts", import.meta.url).pathname;
  const command = [process.execPath, script, certFile ?? "", keyFile ?? "", String(port), BLOCK, "floor"];
  const server = controlPlane.processes.spawn(command, { logFile: join(controlPlane.dir, "floor.log") });
  const cluster = await Cluster.create(environment, { ...WEBHOOKS_OFF, ...MARK });
  await environment.api.create(CONFIGURATIONS, {
    metadata: { name: "floor" },
    webhooks: [{
      name: "floor.bench.dev",
      admissionReviewVersions: ["v1"],
      clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: btoa(ca.certPem) },
      namespaceSelector: { matchLabels: MARK },
      rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
      failurePolicy: "Fail",
      sideEffects: "None",
    }],
  });
  await hasDefaultAccount(cluster);
  await waitFor("the floor's webhook to be called", {
    timeoutMs: CALLED_MS,
    check: async () => (await probe(cluster)).includes('"floor"'),
    describe: () => server.lastLines(5),
  });
  return cluster;
}

/** The spec of a Pod as it would be made, in JSON; empty where it was refused, as it is until the webhook listens. */
async function probe(cluster: Cluster): Promise<string> {
  const answer = await cluster.api.request("POST", `${cluster.path("pods")}?dryRun=All`, {
    metadata: { name: "probe" },
    spec: { containers: [{ name: "main", image: "registry.example/worker:1" }] },
  });
  return JSON.stringify(answer.body["spec"] ?? "");
}
