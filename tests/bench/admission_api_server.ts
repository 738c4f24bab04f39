/** The webhooks with a real API server before them: dry-run creates, with and without the webhook configurations. */
import { join } from "node:path";
import { MUTATE_PATH, VALIDATE_PATH } from "../../src/admission/routes.ts";
import { reviewedJobSet } from "../../src/admission/test_reviews.ts";
import { API_VERSION } from "../../src/api/keys.ts";
import { type ControlPlane, startControlPlane } from "../../scripts/control_plane.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { line, type WebhookServer } from "./admission.ts";
import type { Load, Measured } from "./admission_protocol.ts";
import type { LineProcess } from "./line_process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const GROUP = "/apis/admissionregistration.k8s.io/v1";
const JOBSETS = `/apis/${API_VERSION}/namespaces/default/jobsets?dryRun=All`;
const REQUESTS = { 1: 1_000, 50: 3_000 } as const;
const WARM_UP = 300;

interface Arguments {
  readonly webhooks: WebhookServer;
  readonly client: LineProcess;
  readonly say: (line: string) => void;
}

/** Prints the figures; they depend on the API server more than on us, and none is judged. */
export async function measureBehindApiServer({ webhooks, client, say }: Arguments): Promise<void> {
  const controlPlane = await startControlPlane({ scheduler: false, controllerManager: false, report: say });
  try {
    await controlPlane.mustKubectl(["apply", "--server-side", "-f", join(ROOT, "crds")]);
    await waitFor("the CRD to be served", {
      timeoutMs: 30_000,
      check: async () => (await controlPlane.api.request("GET", `/apis/${API_VERSION}/jobsets`)).code === 200,
    });
    say("API server, dry run   connections    p50 ms    p99 ms   per second");
    await creates(controlPlane, client, { what: "without webhooks", say });
    await register(controlPlane, webhooks);
    await creates(controlPlane, client, { what: "with both", say });
    for (const name of ["mjobset.kb.io", "vjobset.kb.io"]) say(await meanOf(controlPlane, name));
  } finally {
    await controlPlane.stop();
  }
}

async function creates(
  { url, caPem, adminToken }: ControlPlane,
  client: LineProcess,
  { what, say }: { readonly what: string; readonly say: (line: string) => void },
): Promise<void> {
  const body = JSON.stringify({ ...reviewedJobSet(), metadata: { generateName: "bench-" } });
  const load = { url: `${url}${JOBSETS}`, caPem, token: adminToken, body, expected: '"kind":"JobSet"' };
  await client.ask<Measured>({ ...load, connections: 1, requests: WARM_UP } satisfies Load);
  for (const connections of [1, 50] as const) {
    const measured = await client.ask<Measured>({ ...load, connections, requests: REQUESTS[connections] });
    say(line(what, connections, measured));
  }
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
