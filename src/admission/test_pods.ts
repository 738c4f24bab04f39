/** For tests: Pods as the Job controller creates them, and what a cluster answers about their leaders. */
import { asArray, asObject, at, type JsonObject } from "../base/json.ts";
import type { AdmissionRequest } from "./admission_review.ts";
import type { Leader, PodLookUps } from "./routes_pods.ts";

export const JOBSET_NAME = "jobset.sigs.k8s.io/jobset-name";
export const JOB_KEY = "jobset.sigs.k8s.io/job-key";
export const PRIORITY = "jobset.sigs.k8s.io/priority";
export const EXCLUSIVE = "alpha.jobset.sigs.k8s.io/exclusive-topology";
export const NODE_SELECTOR = "alpha.jobset.sigs.k8s.io/node-selector";
export const INDEX = "batch.kubernetes.io/job-completion-index";
export const ZONE = "topology.kubernetes.io/zone";
export const KEY = "0123456789abcdef0123456789abcdef01234567";
export const UID = "11111111-2222-3333-4444-555555555555";

export interface PodOptions {
  /** Undefined: without the annotation. */
  readonly index?: string | undefined;
  /** Added to those of a Pod with exclusive placement by zone; undefined takes one away. */
  readonly annotations?: Readonly<Record<string, string | undefined>>;
  readonly labels?: Readonly<Record<string, string | undefined>>;
  readonly owners?: readonly JsonObject[];
  readonly spec?: JsonObject;
}

/** A new Pod of JobSet `train`, Job `train-a-0`, with exclusive placement by zone. */
export function podOf(
  { index, annotations, labels, owners = [jobOwner(UID)], spec = {} }: PodOptions = {},
): JsonObject {
  return {
    metadata: {
      generateName: `train-a-0-${index ?? ""}-`,
      annotations: defined({ [JOBSET_NAME]: "train", [EXCLUSIVE]: ZONE, [INDEX]: index, ...annotations }),
      labels: defined({ [JOBSET_NAME]: "train", [JOB_KEY]: KEY, "job-name": "train-a-0", ...labels }),
      ownerReferences: owners,
    },
    spec: { containers: [{ name: "main", image: "example.com/none" }], ...spec },
  };
}

/** A follower with everything that the rules look at. */
export const PINNED_POD = podOf({
  index: "1",
  labels: { [PRIORITY]: "1" },
  spec: { priority: -1, nodeSelector: { [ZONE]: "zone-1" } },
});

export function jobOwner(uid: string, name = "train-a-0"): JsonObject {
  return { apiVersion: "batch/v1", kind: "Job", name, uid, controller: true, blockOwnerDeletion: true };
}

/** A running leader of the Job that `podOf` belongs to. */
export function leader(more: Partial<Leader> = {}): Leader {
  return { name: "train-a-0-0-abcde", ownerUid: UID, nodeName: "node-1", isSucceeded: false, ...more };
}

export function requestFor(object: JsonObject | undefined, operation = "CREATE"): AdmissionRequest {
  return { uid: "1", operation, groupKind: "/Pod", subResource: "", namespace: "ns", object, oldObject: undefined };
}

/** A cluster of such leaders, whose nodes have a zone each; `stale` is what a cache says in their place. */
export class FakeCluster implements PodLookUps {
  readonly asked: string[] = [];
  leadersNow: readonly Leader[] = [];
  stale: readonly Leader[] | undefined;
  zones: Readonly<Record<string, string>> = { "node-1": "zone-1", "node-2": "zone-2" };
  staleZones: Readonly<Record<string, string>> | undefined;

  leaders({ namespace, jobKey, isCertain }: Parameters<PodLookUps["leaders"]>[0]): Promise<readonly Leader[]> {
    this.asked.push(`leaders ${namespace}/${jobKey.slice(0, 4)}${isCertain ? " for certain" : ""}`);
    return Promise.resolve(isCertain ? this.leadersNow : this.stale ?? this.leadersNow);
  }

  domain({ nodeName, topologyKey, isCertain }: Parameters<PodLookUps["domain"]>[0]): Promise<string | undefined> {
    this.asked.push(`domain ${nodeName}${isCertain ? " for certain" : ""}`);
    const zones = isCertain ? this.zones : this.staleZones ?? this.zones;
    return Promise.resolve(topologyKey === ZONE ? zones[nodeName] : undefined);
  }
}

/** The terms that a Pod requires, of affinity or anti-affinity. */
export function terms(pod: unknown, kind: "podAffinity" | "podAntiAffinity"): readonly JsonObject[] {
  return asArray(at(pod, "spec", "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution"))
    .map((term) => asObject(term) ?? {});
}

function defined(map: Readonly<Record<string, string | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined));
}
