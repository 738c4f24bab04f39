/** For tests and benches: AdmissionReviews as the API server sends them. */
import type { JsonObject } from "../base/json.ts";

export interface ReviewOptions {
  readonly operation?: string;
  readonly object?: unknown;
  readonly oldObject?: unknown;
}

/** An AdmissionReview of a JobSet. */
export function admissionReview({ operation = "CREATE", object = null, oldObject = null }: ReviewOptions): JsonObject {
  return {
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
      kind: { group: "jobset.x-k8s.io", version: "v1alpha2", kind: "JobSet" },
      resource: { group: "jobset.x-k8s.io", version: "v1alpha2", resource: "jobsets" },
      requestKind: { group: "jobset.x-k8s.io", version: "v1alpha2", kind: "JobSet" },
      requestResource: { group: "jobset.x-k8s.io", version: "v1alpha2", resource: "jobsets" },
      name: "training",
      namespace: "default",
      operation,
      userInfo: { username: "admin", groups: ["system:masters", "system:authenticated"] },
      object,
      oldObject,
      dryRun: false,
      options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1", fieldManager: "kubectl-client-side-apply" },
    },
  };
}

/** A valid JobSet of so many replicatedJobs; without its defaults unless they are asked for. */
export function reviewedJobSet(
  { replicatedJobs = 1, isDefaulted = false }: { replicatedJobs?: number; isDefaulted?: boolean } = {},
): JsonObject {
  const jobSpec = isDefaulted ? { completionMode: "Indexed" } : {};
  const podSpec = isDefaulted ? { restartPolicy: "OnFailure" } : {};
  const defaults = {
    successPolicy: { operator: "All" },
    startupPolicy: { startupPolicyOrder: "AnyOrder" },
    network: { enableDNSHostnames: true, publishNotReadyAddresses: true },
  };
  return {
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    metadata: { name: "training", namespace: "default", labels: { "example.com/team": "blue" } },
    spec: {
      ...(isDefaulted ? defaults : {}),
      replicatedJobs: Array.from({ length: replicatedJobs }, (_, index) => ({
        name: `workers-${index}`,
        replicas: 2,
        template: {
          metadata: { labels: { "example.com/part": `part-${index}` } },
          spec: {
            parallelism: 4,
            completions: 4,
            backoffLimit: 0,
            ...jobSpec,
            template: {
              metadata: { labels: { "example.com/part": `part-${index}` } },
              spec: {
                ...podSpec,
                nodeSelector: { "example.com/pool": "gpu" },
                tolerations: [{ key: "example.com/gpu", operator: "Exists", effect: "NoSchedule" }],
                containers: [{
                  name: "trainer",
                  image: "registry.example/trainer:1.2.3",
                  command: ["python", "-m", "train", "--steps=1000"],
                  env: [
                    { name: "RANK", valueFrom: { fieldRef: { fieldPath: "metadata.annotations['index']" } } },
                    { name: "MASTER_ADDR", value: "training-workers-0-0.training" },
                  ],
                  resources: { requests: { cpu: "4", memory: "16Gi" }, limits: { "example.com/gpu": "8" } },
                  ports: [{ containerPort: 29500 }],
                  volumeMounts: [{ name: "scratch", mountPath: "/scratch" }],
                }],
                volumes: [{ name: "scratch", emptyDir: { sizeLimit: "10Gi" } }],
              },
            },
          },
        },
      })),
    },
  };
}
