/** What a new Pod is to exclusive placement (spec 4), by its own annotations and labels. */
import { asArray, asInteger, asObject, asString, asStringMap, at, type JsonObject } from "../base/json.ts";
import { JOB_COMPLETION_INDEX, JOB_KEY, JOBSET_NAME, NODE_SELECTOR } from "../api/keys.ts";
import { controllerJobUid, exclusiveTopology } from "../api/pod.ts";

export type PodRole =
  /** Of no JobSet, or placed by the node selector: the Pod webhooks leave it as it is. */
  | { readonly kind: "none" }
  /** Of a JobSet that does not ask for exclusive placement: only its label `priority` counts. */
  | { readonly kind: "plain" }
  | Leader
  | Follower;

/** Completion index 0: where it lands, its Job's other Pods follow. */
interface Leader {
  readonly kind: "leader";
  readonly topologyKey: string;
  /** Empty where the Pod has no such label. */
  readonly jobKey: string;
}

/** Any other completion index, or none at all: a Pod that is no leader can only follow one. */
export interface Follower {
  readonly kind: "follower";
  readonly topologyKey: string;
  /** Empty where the Pod has no such label. */
  readonly jobKey: string;
  /** Of the Job that controls it; empty where none does. */
  readonly jobUid: string;
  readonly jobName: string;
  /** Undefined where it selects no nodes. */
  readonly nodeSelector: Readonly<Record<string, string>> | undefined;
}

const JOB_NAME_LABELS = ["batch.kubernetes.io/job-name", "job-name"];

export function podRole(pod: JsonObject | undefined): PodRole {
  const metadata = asObject(pod?.["metadata"]);
  const annotations = asObject(metadata?.["annotations"]);
  if (annotations === undefined || !Object.hasOwn(annotations, JOBSET_NAME)) return { kind: "none" };
  if (Object.hasOwn(annotations, NODE_SELECTOR)) return { kind: "none" };
  const topologyKey = exclusiveTopology(annotations);
  if (topologyKey === undefined) return { kind: "plain" };
  const jobKey = asString(at(metadata, "labels", JOB_KEY)) ?? "";
  if (annotations[JOB_COMPLETION_INDEX] === "0") return { kind: "leader", topologyKey, jobKey };
  const nodeSelector = asStringMap(at(pod, "spec", "nodeSelector"));
  return {
    kind: "follower",
    topologyKey,
    jobKey,
    jobUid: controllerJobUid(metadata) ?? "",
    jobName: jobNameOf(metadata),
    nodeSelector: Object.keys(nodeSelector).length === 0 ? undefined : nodeSelector,
  };
}

/** `spec.priority` as the API server resolved it from the PriorityClass; undefined where nothing resolves it. */
export function podPriority(pod: JsonObject | undefined): number | undefined {
  return asInteger(at(pod, "spec", "priority"));
}

/** For messages: by its controller, else by the labels that the Job controller sets. */
function jobNameOf(metadata: JsonObject | undefined): string {
  const owner = asArray(metadata?.["ownerReferences"]).find((entry) =>
    at(entry, "controller") === true && at(entry, "kind") === "Job"
  );
  const names = [at(owner, "name"), ...JOB_NAME_LABELS.map((label) => at(metadata, "labels", label))];
  return names.map(asString).find((name) => name !== undefined && name !== "") ?? "";
}
