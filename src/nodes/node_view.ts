import { readConditions, trueCondition } from "../api/conditions.ts";
import { NAMESPACED_JOB, NO_SCHEDULE } from "../api/keys.ts";
import { asArray, asObject, asString, asStringMap, at, type JsonObject } from "../base/json.ts";

/** A Node as the labelling reads it. */
export interface NodeView {
  readonly name: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As stored: a write must give all of them back. */
  readonly taints: readonly JsonObject[];
  /** Ready, open for new Pods, and not being deleted. Taints of others are not weighed: Pods may tolerate them. */
  readonly isUsable: boolean;
}

export function readNode(body: JsonObject): NodeView {
  const metadata = asObject(body["metadata"]);
  const isReady = trueCondition(readConditions(at(body, "status", "conditions")), "Ready") !== undefined;
  return {
    name: asString(metadata?.["name"]) ?? "",
    resourceVersion: asString(metadata?.["resourceVersion"]) ?? "",
    labels: asStringMap(metadata?.["labels"]),
    taints: asArray(at(body, "spec", "taints")).map((taint) => asObject(taint) ?? {}),
    isUsable: isReady && at(body, "spec", "unschedulable") !== true && metadata?.["deletionTimestamp"] === undefined,
  };
}

/** The Job that the Node is labelled for, as `<namespace>_<job>`. */
export function holderOf(node: NodeView): string | undefined {
  return node.labels[NAMESPACED_JOB];
}

/** The taint that keeps other Pods away, whoever set it and with whatever value. */
export function isNoSchedule(taint: JsonObject): boolean {
  return taint["key"] === NO_SCHEDULE && taint["effect"] === "NoSchedule";
}

export function isTainted({ taints }: NodeView): boolean {
  return taints.some(isNoSchedule);
}
