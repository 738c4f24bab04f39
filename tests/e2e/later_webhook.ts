/** A mutating webhook of somebody else, such as Kueue's, which the API server calls after ours: by the names of their objects (K35). */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import type { JsonPatchOperation } from "../../src/admission/json_patch.ts";
import { createLeaf } from "../../scripts/control_plane/certificates.ts";
import type { Cluster } from "./cluster.ts";
import { jobSet } from "./job_sets.ts";
import { dryCreate } from "./verdicts.ts";

const CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

export interface LaterWebhook {
  /** The objects that it was asked about, by their names. */
  readonly seen: ReadonlyMap<string, JsonObject>;
  stop(): Promise<void>;
}

/** It patches every new JobSet of the namespace. Resolves once the API server calls it. */
export async function startLaterWebhook(
  cluster: Cluster,
  patch: readonly JsonPatchOperation[],
): Promise<LaterWebhook> {
  const { caFile } = cluster.environment.description;
  const caPem = readFileSync(caFile, "utf8");
  const { certPem, keyPem } = createLeaf(
    { certPem: caPem, keyPem: readFileSync(join(dirname(caFile), "ca.key"), "utf8") },
    { commonName: "later", ipAddresses: ["127.0.0.1"] },
  );
  const seen = new Map<string, JsonObject>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: certPem, key: keyPem },
    idleTimeout: 120,
    fetch: async (request) => {
      const review: unknown = await request.json();
      const object = asObject(at(review, "request", "object")) ?? {};
      seen.set(asString(at(object, "metadata", "name")) ?? "", object);
      const response = {
        uid: at(review, "request", "uid"),
        allowed: true,
        patchType: "JSONPatch",
        patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
      };
      return Response.json({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response });
    },
  });
  const name = `kueue-${cluster.namespace}`;
  const stop = async () => {
    await cluster.api.request("DELETE", `${CONFIGURATIONS}/${name}`);
    await server.stop(true);
  };
  try {
    await cluster.api.create(CONFIGURATIONS, {
      metadata: { name },
      webhooks: [{
        name: "later.example.com",
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        clientConfig: {
          url: `https://127.0.0.1:${server.port}/mutate`,
          caBundle: Buffer.from(caPem).toString("base64"),
        },
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": cluster.namespace } },
        rules: [{
          apiGroups: ["jobset.x-k8s.io"],
          apiVersions: ["v1alpha2"],
          operations: ["CREATE"],
          resources: ["jobsets"],
        }],
      }],
    });
    await cluster.eventually("the API server to call the other webhook", async () => {
      await dryCreate(cluster, jobSet("probe", []));
      return seen.has("probe");
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { seen, stop };
}
