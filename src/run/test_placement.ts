/** For tests: JobSets, Pods and Nodes of exclusive placement, as an API server has them. */
import type { JsonObject } from "../base/json.ts";

export const ZONE = "topology.kubernetes.io/zone";
export const RACK = "example.com/rack";
export const KEY = "0123456789abcdef0123456789abcdef01234567";
const EXCLUSIVE = "alpha.jobset.sigs.k8s.io/exclusive-topology";
const INDEX = "batch.kubernetes.io/job-completion-index";

export interface TestPod {
  readonly name: string;
  readonly index?: number;
  readonly namespace?: string;
  readonly jobUid?: string | undefined;
  readonly jobSet?: string;
  readonly node?: string | undefined;
  /** Of its annotation; null: none. */
  readonly topology?: string | null;
  readonly selector?: JsonObject | undefined;
  readonly phase?: string;
  readonly isDeleting?: boolean;
  readonly annotations?: JsonObject;
  readonly status?: JsonObject;
}

/** A Pod of Job `j-uid` of JobSet `js`: index 0 is the leader. */
export function podBody(
  { name, index = 0, namespace = "ns", jobUid = "j-uid", jobSet = "js", node, topology = ZONE, ...pod }: TestPod,
): JsonObject {
  return {
    kind: "Pod",
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      labels: { "jobset.sigs.k8s.io/jobset-name": jobSet, "jobset.sigs.k8s.io/job-key": KEY, [INDEX]: String(index) },
      annotations: {
        [INDEX]: String(index),
        ...(topology === null ? {} : { [EXCLUSIVE]: topology }),
        ...pod.annotations,
      },
      ownerReferences: [{ kind: "Job", name: "j", uid: jobUid, controller: true }],
      ...(pod.isDeleting ? { deletionTimestamp: "2030-01-01T00:00:00Z" } : {}),
    },
    spec: {
      ...(node === undefined ? {} : { nodeName: node }),
      ...(pod.selector === undefined ? {} : { nodeSelector: pod.selector }),
    },
    status: { phase: pod.phase ?? "Running", ...pod.status },
  };
}

export function nodeBody(name: string, labels: JsonObject = {}): JsonObject {
  return { kind: "PartialObjectMetadata", metadata: { name, uid: `uid-${name}`, labels } };
}

/** A JobSet of one replicatedJob; with exclusive placement by these labels, one replicatedJob for each of them. */
export function jobSetBody(name: string, topologies: readonly string[] = [], spec: JsonObject = {}): JsonObject {
  const replicatedJobs = topologies.map((topology, position) => ({
    name: `r${position}`,
    template: { metadata: { annotations: { [EXCLUSIVE]: topology } }, spec: {} },
  }));
  const plain = [{ name: "r", template: { spec: {} } }];
  return {
    metadata: { namespace: "ns", name, uid: `uid-${name}`, resourceVersion: "1" },
    spec: { replicatedJobs: topologies.length === 0 ? plain : replicatedJobs, ...spec },
  };
}
