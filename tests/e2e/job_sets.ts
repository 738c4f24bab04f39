/** JobSets for the tests, short to write. */
import type { JsonObject } from "../../src/base/json.ts";

export const FATE = "fate.jobset-lite.dev/";

export interface GroupOptions {
  readonly replicas?: number;
  readonly parallelism?: number;
  /** What becomes of the Pods, in the words of scripts/kubelet/fate.ts; without it they run for ever. */
  readonly fate?: Readonly<Record<string, string>>;
  readonly dependsOn?: readonly { readonly name: string; readonly status: "Ready" | "Complete" }[];
  /** Further fields of the replicatedJob, of its Job and of its pod template. */
  readonly extra?: JsonObject;
  readonly job?: JsonObject;
  readonly jobMetadata?: JsonObject;
  readonly podMetadata?: JsonObject;
  readonly pod?: JsonObject;
  readonly container?: JsonObject;
}

/** A replicatedJob; one Job of one Pod that is not tried again, unless the options say otherwise. */
export function group(name: string, options: GroupOptions = {}): JsonObject {
  const parallelism = options.parallelism ?? 1;
  const { annotations, ...podMetadata } = options.podMetadata ?? {};
  const fates = Object.entries(options.fate ?? {}).map(([word, value]) => [FATE + word, value]);
  return {
    name,
    replicas: options.replicas ?? 1,
    ...(options.dependsOn === undefined ? {} : { dependsOn: options.dependsOn }),
    ...options.extra,
    template: {
      ...(options.jobMetadata === undefined ? {} : { metadata: options.jobMetadata }),
      spec: {
        backoffLimit: 0,
        parallelism,
        completions: parallelism,
        ...options.job,
        template: {
          metadata: { ...podMetadata, annotations: { ...Object(annotations), ...Object.fromEntries(fates) } },
          spec: {
            restartPolicy: "Never",
            containers: [{ name: "main", image: "example.com/none", ...options.container }],
            ...options.pod,
          },
        },
      },
    },
  };
}

/** A replicatedJob whose Jobs nobody runs: no Pods; the test writes their status (job_status.ts). */
export function byHand(name: string, options: GroupOptions = {}): JsonObject {
  return group(name, { ...options, job: { managedBy: "example.com/by-hand", ...options.job } });
}

export function jobSet(name: string, replicatedJobs: readonly JsonObject[], spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    metadata: { name },
    spec: { ...spec, replicatedJobs },
  };
}
