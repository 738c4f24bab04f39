/** The compiled controller with its webhooks on, and a real API server before them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MUTATE_PATH, VALIDATE_PATH } from "../../src/admission/routes.ts";
import { reviewedJobSet } from "../../src/admission/test_reviews.ts";
import { API_VERSION } from "../../src/api/keys.ts";
import { buildBinary } from "../../scripts/build.ts";
import { type ControlPlane, startControlPlane } from "../../scripts/control_plane.ts";
import { createAuthority, createLeaf } from "../../scripts/control_plane/certificates.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import type { Load, Measured } from "./admission_protocol.ts";
import type { LineProcess } from "./line_process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const GROUP = "/apis/admissionregistration.k8s.io/v1";
const JOBSETS = `/apis/${API_VERSION}/namespaces/default/jobsets?dryRun=All`;
const REQUESTS = { 1: 1_000, 50: 3_000 } as const;
const WARM_UP = 300;
const START_TIMEOUT_MS = 30_000;

export interface WebhookServer {
  readonly url: string;
  readonly caPem: string;
  readonly pid: number;
}

export async function startCluster(say: (line: string) => void): Promise<ControlPlane> {
  const controlPlane = await startControlPlane({ scheduler: false, controllerManager: false, report: say });
  await controlPlane.mustKubectl(["apply", "--server-side", "-f", join(ROOT, "crds")]);
  for (const file of ["namespace.yaml", "rbac.yaml"]) {
    await controlPlane.mustKubectl(["apply", "-f", join(ROOT, "manifests", file)]);
  }
  await waitFor("the CRD to be served", {
    timeoutMs: START_TIMEOUT_MS,
    check: async () => (await controlPlane.api.request("GET", `/apis/${API_VERSION}/jobsets`)).code === 200,
  });
  return controlPlane;
}

/** The product with everything on; it ends with the control plane. */
export async function startWebhooks(
  controlPlane: ControlPlane,
  say: (line: string) => void,
): Promise<WebhookServer> {
  const binary = await buildBinary(say);
  const [port = 0, metricsPort = 0, healthPort = 0] = await findFreePorts(3);
  const ca = createAuthority("bench");
  const { certPem, keyPem } = createLeaf(ca, { commonName: "webhook", dnsNames: [], ipAddresses: ["127.0.0.1"] });
  const dir = join(controlPlane.dir, "webhooks");
  mkdirSync(dir);
  writeFileSync(join(dir, "tls.crt"), certPem);
  writeFileSync(join(dir, "tls.key"), keyPem);
  const config = join(dir, "config.yaml");
  writeFileSync(
    config,
    JSON.stringify({
      apiVersion: "config.jobset.x-k8s.io/v1alpha1",
      kind: "Configuration",
      webhook: { host: "127.0.0.1", port, certDir: dir },
      metrics: { bindAddress: `127.0.0.1:${metricsPort}`, certDir: dir },
      health: { healthProbeBindAddress: `127.0.0.1:${healthPort}` },
      internalCertManagement: { enable: false },
    }),
  );
  const kubeconfig = await controlPlane.serviceAccountKubeconfig("jobset-system", "jobset-controller-manager");
  const command = [binary, "controller", `--config=${config}`, `--kubeconfig=${kubeconfig}`];
  const process = controlPlane.processes.spawn(command, { logFile: join(dir, "log") });
  await waitFor("the webhooks to be served", {
    timeoutMs: START_TIMEOUT_MS,
    check: () => {
      if (!process.isRunning()) throw new Error(`start the controller: it ended:\n${process.lastLines(5)}`);
      return fetch(`http://127.0.0.1:${healthPort}/readyz`).then(({ ok }) => ok, () => false);
    },
  });
  return { url: `https://127.0.0.1:${port}`, caPem: ca.certPem, pid: process.pid };
}

/** Prints the figures; they depend on the API server more than on us, and none is judged. */
export async function measureBehindApiServer(
  { controlPlane, webhooks, client, say }: {
    readonly controlPlane: ControlPlane;
    readonly webhooks: WebhookServer;
    readonly client: LineProcess;
    readonly say: (line: string) => void;
  },
): Promise<void> {
  say("API server, dry run   connections    p50 ms    p99 ms   per second");
  for (const connections of [1, 50] as const) {
    say(line("without webhooks", connections, await creates(controlPlane, client, connections)));
  }
  await register(controlPlane, webhooks);
  say(line("with both", 1, await creates(controlPlane, client, 1)));
  for (const name of ["mjobset.kb.io", "vjobset.kb.io"]) say(await meanOf(controlPlane, name));
  say(line("with both", 50, await creates(controlPlane, client, 50)));
}

export function line(what: string, connections: number, { p50Ms, p99Ms, perSecond }: Measured): string {
  return `${what.padEnd(28)}${String(connections).padStart(5)}${p50Ms.toFixed(2).padStart(10)}` +
    `${p99Ms.toFixed(2).padStart(10)}${perSecond.toFixed(0).padStart(13)}`;
}

async function creates(
  { url, caPem, adminToken }: ControlPlane,
  client: LineProcess,
  connections: 1 | 50,
): Promise<Measured> {
  const body = JSON.stringify({ ...reviewedJobSet(), metadata: { generateName: "bench-" } });
  const load = { url: `${url}${JOBSETS}`, caPem, token: adminToken, body, expected: '"kind":"JobSet"', connections };
  await client.ask<Measured>({ ...load, requests: WARM_UP } satisfies Load);
  return await client.ask<Measured>({ ...load, requests: REQUESTS[connections] } satisfies Load);
}

/** Both configurations, with a URL in place of a Service, and waits until the API server heeds them. */
async function register({ api }: ControlPlane, { url, caPem }: WebhookServer): Promise<void> {
  const kinds = [
    {
      kind: "MutatingWebhookConfiguration",
      collection: "mutatingwebhookconfigurations",
      name: "mjobset.kb.io",
      path: MUTATE_PATH,
    },
    {
      kind: "ValidatingWebhookConfiguration",
      collection: "validatingwebhookconfigurations",
      name: "vjobset.kb.io",
      path: VALIDATE_PATH,
    },
  ];
  for (const { kind, collection, name, path } of kinds) {
    await api.create(`${GROUP}/${collection}`, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind,
      metadata: { name: "bench" },
      webhooks: [{
        name,
        admissionReviewVersions: ["v1"],
        clientConfig: { url: `${url}${path}`, caBundle: Buffer.from(caPem).toString("base64") },
        rules: [{
          apiGroups: ["jobset.x-k8s.io"],
          apiVersions: ["v1alpha2"],
          operations: ["CREATE"],
          resources: ["jobsets"],
        }],
        failurePolicy: "Fail",
        sideEffects: "None",
      }],
    });
  }
  const wrong = { ...reviewedJobSet(), spec: { network: { subdomain: "UPPER" }, replicatedJobs: [] } };
  await waitFor("the API server to ask the webhooks", {
    timeoutMs: 30_000,
    check: async () => (await api.request("POST", JOBSETS, wrong)).code === 422,
  });
}

/** The API server's own measure of a webhook: it has no better than a mean. */
async function meanOf({ api }: ControlPlane, name: string): Promise<string> {
  const text = await (await api.raw("GET", "/metrics")).text();
  const metric = "apiserver_admission_webhook_admission_duration_seconds";
  const values = (suffix: string) =>
    [...text.matchAll(new RegExp(`^${metric}_${suffix}\\{[^}]*name="${name}"[^}]*\\} (\\S+)$`, "gm"))]
      .reduce((sum, match) => sum + Number(match[1]), 0);
  const meanMs = 1000 * values("sum") / values("count");
  return `${name} as the API server times it: ${meanMs.toFixed(2)} ms on average, ${values("count")} calls`;
}
