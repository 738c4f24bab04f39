/** What a recorded watch of Pods and Nodes says about placement, as the checker reads it (placement_checker.ts). Pure. */
import { asArray, asInteger, asString, asStringMap, at, type JsonObject } from "../../src/base/json.ts";

/** One event of a watch, and when it came by the monotonic clock. */
export interface Frame {
  readonly atMs: number;
  readonly kind: "pod" | "node";
  readonly type: string;
  readonly object: JsonObject;
}

/** A Pod of a JobSet in one of its states. */
export interface SeenPod {
  readonly uid: string;
  /** `namespace/name` */
  readonly name: string;
  readonly jobUid: string;
  readonly jobKey: string;
  readonly isLeader: boolean;
  /** The priority label of spec 4.1. */
  readonly priority: string;
  readonly nodeName: string;
  /** What its nodeSelector says of the topology key. */
  readonly pinnedTo: string | undefined;
  /** Placed by affinity, by its own annotations. */
  readonly isExclusive: boolean;
  /** Neither finished nor being deleted. */
  readonly isLive: boolean;
  /** The Pod controller has called it a violating follower. */
  readonly isMarked: boolean;
}

const ALPHA = "alpha.jobset.sigs.k8s.io/";
const PREFIX = "jobset.sigs.k8s.io/";
const INDEX = "batch.kubernetes.io/job-completion-index";

/** The Pod, where it belongs to a JobSet. */
export function readPod(object: JsonObject, topologyKey: string): SeenPod | undefined {
  const labels = asStringMap(at(object, "metadata", "labels"));
  const annotations = asStringMap(at(object, "metadata", "annotations"));
  if (labels[`${PREFIX}jobset-name`] === undefined) return undefined;
  const field = (...path: readonly string[]) => asString(at(object, ...path)) ?? "";
  const owner = asArray(at(object, "metadata", "ownerReferences"))[0];
  const isTopology = annotations[`${ALPHA}exclusive-topology`] === topologyKey;
  return {
    uid: field("metadata", "uid"),
    name: `${field("metadata", "namespace")}/${field("metadata", "name")}`,
    jobUid: asString(at(owner, "uid")) ?? "",
    jobKey: labels[`${PREFIX}job-key`] ?? "",
    isLeader: annotations[INDEX] === "0",
    priority: labels[`${PREFIX}priority`] ?? "",
    nodeName: field("spec", "nodeName"),
    pinnedTo: asStringMap(at(object, "spec", "nodeSelector"))[topologyKey],
    isExclusive: isTopology && annotations[`${ALPHA}node-selector`] === undefined,
    isLive: at(object, "metadata", "deletionTimestamp") === undefined &&
      !["Succeeded", "Failed"].includes(field("status", "phase")),
    isMarked: asArray(at(object, "status", "conditions")).some((condition) =>
      at(condition, "type") === "DisruptionTarget" && at(condition, "reason") === "ExclusivePlacementViolation"
    ),
  };
}

/** The frames in the order in which they happened: two watches do not keep pace, but one store counts for both. */
export function inOrder(frames: readonly Frame[]): readonly Frame[] {
  return frames.toSorted((a, b) => versionOf(a) - versionOf(b));
}

function versionOf({ object }: Frame): number {
  const text = asString(at(object, "metadata", "resourceVersion")) ?? "0";
  return asInteger(Number(text)) ?? 0;
}
