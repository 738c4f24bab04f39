/** What the cache keeps of a Pod: the fields that spec 4 and 5 read, nothing else. */
import { asArray, asInteger, asObject, asString, at, type JsonObject } from "../base/json.ts";
import {
  EXCLUSIVE_TOPOLOGY,
  IN_PLACE_RESTART_ATTEMPT,
  JOB_COMPLETION_INDEX,
  JOB_KEY,
  JOBSET_NAME,
  JOBSET_UID,
  NODE_SELECTOR,
} from "./keys.ts";
import { objectKey } from "./names.ts";

/** A Pod with label jobset-name, as the cache holds it. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** `namespace/name` of the JobSet that its label names. */
  readonly ownerKey: string;
  /** Label jobset-uid. */
  readonly jobSetUid: string | undefined;
  /** Label job-key. */
  readonly jobKey: string | undefined;
  /** Of the Job that controls it. */
  readonly jobUid: string | undefined;
  /** The completion index as its annotation has it. */
  readonly index: string | undefined;
  readonly isDeleting: boolean;
  readonly phase: string;
  /** Empty until it is scheduled. */
  readonly nodeName: string;
  /** Of a Pod with exclusive placement by affinity: the node label that makes its topology (spec 4). */
  readonly topologyKey: string | undefined;
  /** What its node selector asks for of that label. */
  readonly topologyValue: string | undefined;
  /** The highest of its containers and init containers. */
  readonly restartCount: number;
  /** The annotation in-place-restart-attempt, unread: it may be no integer. */
  readonly inPlaceRestartAttempt: string | undefined;
}

/** Trims a Pod for the cache; undefined for one without label jobset-name. */
export function readPod(body: JsonObject): Pod | undefined {
  const metadata = asObject(body["metadata"]);
  const labels = asObject(metadata?.["labels"]);
  const annotations = asObject(metadata?.["annotations"]);
  const namespace = asString(metadata?.["namespace"]);
  const name = asString(metadata?.["name"]);
  const uid = asString(metadata?.["uid"]);
  const jobSet = asString(labels?.[JOBSET_NAME]);
  if (namespace === undefined || name === undefined || uid === undefined || jobSet === undefined) return undefined;
  const topologyKey = exclusiveTopology(annotations);
  const selector = topologyKey === undefined ? undefined : at(body, "spec", "nodeSelector", topologyKey);
  return {
    namespace,
    name,
    uid,
    resourceVersion: asString(metadata?.["resourceVersion"]) ?? "",
    ownerKey: objectKey(namespace, jobSet),
    jobSetUid: asString(labels?.[JOBSET_UID]),
    jobKey: asString(labels?.[JOB_KEY]),
    jobUid: controllerJobUid(metadata),
    index: asString(annotations?.[JOB_COMPLETION_INDEX]),
    isDeleting: asString(metadata?.["deletionTimestamp"]) !== undefined,
    phase: asString(at(body, "status", "phase")) ?? "",
    nodeName: asString(at(body, "spec", "nodeName")) ?? "",
    topologyKey,
    topologyValue: asString(selector),
    restartCount: restartCount(body["status"]),
    inPlaceRestartAttempt: asString(annotations?.[IN_PLACE_RESTART_ATTEMPT]),
  };
}

/** Spec 4.1: completion index 0 of a Job, neither being deleted nor finished. */
export function isLeader(pod: Pod): boolean {
  return hasLeaderIndex(pod) && pod.jobUid !== undefined && !isEnding(pod);
}

/** Whether it is its Job's leader, or was. */
export function hasLeaderIndex({ index }: Pod): boolean {
  return index === "0";
}

/** A leader, or one that has completed: where no other one is, its Job's followers still belong to its domain. */
export function givesDomain(pod: Pod): boolean {
  return isLeader(pod) ||
    (hasLeaderIndex(pod) && pod.jobUid !== undefined && !pod.isDeleting && pod.phase === "Succeeded");
}

/** Finished, or being deleted: nothing that it needs or holds counts any more. */
export function isEnding({ isDeleting, phase }: Pod): boolean {
  return isDeleting || phase === "Succeeded" || phase === "Failed";
}

/** Spec 4: exclusive placement by affinity, by the Pod's own annotations. */
export function exclusiveTopology(annotations: JsonObject | undefined): string | undefined {
  if (annotations === undefined || NODE_SELECTOR in annotations) return undefined;
  return asString(annotations[EXCLUSIVE_TOPOLOGY]);
}

/** The uid of the Job that controls an object, by its owner reference. */
export function controllerJobUid(metadata: JsonObject | undefined): string | undefined {
  const owner = asArray(metadata?.["ownerReferences"]).map(asObject)
    .find((reference) => reference?.["controller"] === true && reference["kind"] === "Job");
  return asString(owner?.["uid"]);
}

function restartCount(status: unknown): number {
  const counts = ["containerStatuses", "initContainerStatuses"]
    .flatMap((field) => asArray(at(status, field)))
    .map((entry) => asInteger(at(entry, "restartCount")) ?? 0);
  return Math.max(0, ...counts);
}
