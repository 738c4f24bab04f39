/**
 * Asks an API server how the Kubernetes Go types encode a Job. A mutating webhook of ours sees each Job of a dry-run create after it
 * went through the types and their defaults, and before validation, so that a question need not be a valid Job.
 */
import { asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import type { Api } from "../control_plane/api.ts";
import { createAuthority, createLeaf } from "../control_plane/certificates.ts";

const LABEL = "zero-values";
const CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const FIRST_CALL_TIMEOUT_MS = 20_000;
const FIRST_CALL_PAUSE_MS = 50;

/** A Job's spec as the API server's types write it; throws where the server does not take it. */
export type Ask = (spec: JsonObject) => Promise<JsonObject>;

/** Runs `work` with an `ask`, and takes the webhook away again. */
export async function withAsk<T>(api: Api, work: (ask: Ask) => Promise<T>): Promise<T> {
  const name = `zero-values-${crypto.randomUUID().slice(0, 8)}`;
  const seen = new Map<string, JsonObject>();
  const authority = createAuthority("zero-values");
  const leaf = createLeaf(authority, { commonName: "zero-values", ipAddresses: ["127.0.0.1"] });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: leaf.certPem, key: leaf.keyPem },
    fetch: async (request) => Response.json(answer(asObject(await request.json()) ?? {}, seen)),
  });
  const url = `https://127.0.0.1:${server.port}/`;
  const ask = async (spec: JsonObject): Promise<JsonObject> => {
    const job = `ask-${crypto.randomUUID()}`;
    const metadata = { name: job, labels: { [LABEL]: name } };
    const body = { apiVersion: "batch/v1", kind: "Job", metadata, spec };
    const reply = await api.request("POST", "/apis/batch/v1/namespaces/default/jobs?dryRun=All", body);
    const encoded = seen.get(job);
    if (encoded === undefined) {
      throw new Error(`ask for zero values: ${JSON.stringify(spec)}: ${reply.body["message"]}`);
    }
    return encoded;
  };
  try {
    await api.create(CONFIGURATIONS, configuration(name, url, authority.certPem));
    await firstAnswer(ask);
    return await work(ask);
  } finally {
    await api.request("DELETE", `${CONFIGURATIONS}/${name}`);
    await server.stop(true);
  }
}

/** Remembers the Job and refuses it: nothing after the webhook is of interest. */
function answer(review: JsonObject, seen: Map<string, JsonObject>): JsonObject {
  const job = asString(at(review, "request", "object", "metadata", "name")) ?? "";
  seen.set(job, asObject(at(review, "request", "object", "spec")) ?? {});
  const response = { uid: at(review, "request", "uid"), allowed: false, status: { message: "seen" } };
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
}

function configuration(name: string, url: string, caPem: string): JsonObject {
  const webhook = {
    name: "zero-values.example.com",
    admissionReviewVersions: ["v1"],
    clientConfig: { url, caBundle: btoa(caPem) },
    failurePolicy: "Ignore",
    matchPolicy: "Exact",
    sideEffects: "None",
    objectSelector: { matchLabels: { [LABEL]: name } },
    rules: [{ operations: ["CREATE"], apiGroups: ["batch"], apiVersions: ["v1"], resources: ["jobs"] }],
  };
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name },
    webhooks: [webhook],
  };
}

/** The API server takes a moment to learn of the webhook. */
async function firstAnswer(ask: Ask): Promise<void> {
  const deadline = performance.now() + FIRST_CALL_TIMEOUT_MS;
  for (;;) {
    try {
      await ask({});
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(FIRST_CALL_PAUSE_MS);
    }
  }
}
