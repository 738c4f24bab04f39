/**
 * Recovery from dead nodes (spec 7.11): a Job of an old attempt goes only after its last Pod, and a Pod on a dead node never goes
 * by itself. Which Pods may be forced is decided here; src/apply/old_pods.ts asks for what the decision needs.
 */
import { asArray, asObject, asString, at, type JsonObject } from "../base/json.ts";
import { parseDuration } from "../base/duration.ts";
import type { Job } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import { FORCE_DELETE_AFTER } from "../api/keys.ts";
import { controllerJobUid } from "../api/pod.ts";
import type { EventDraft } from "./types.ts";

/** A Pod on a healthy Node, or one that is not even being deleted, is looked at again after so long at the least. */
const LOOK_AGAIN_MS = 5_000;

/** Old Jobs whose Pods may be forced off dead nodes. */
export interface OldPodsCheck {
  /** How long after a Pod's deletion deadline. */
  readonly afterMs: number;
  /** Uids of the Jobs of an old attempt: only their Pods are old. */
  readonly jobs: ReadonlySet<string>;
  /** Some of them are being deleted already, since nobody knows when. */
  readonly isUnderWay: boolean;
}

/** What the plan says of old Pods: nothing without the annotation, no check where no old Job is left. */
export function oldPodsCheck(
  { forceDeleteAfter }: JobSet,
  previous: readonly Job[],
): { readonly check?: OldPodsCheck; readonly notice?: EventDraft } {
  if (forceDeleteAfter === undefined) return {};
  const afterMs = parseDuration(forceDeleteAfter);
  if (afterMs === undefined || afterMs < 0) {
    const value = JSON.stringify(forceDeleteAfter.slice(0, 100));
    const note = `annotation ${FORCE_DELETE_AFTER}: ${value} is no duration such as 90s or 5m: no Pod is forced`;
    return { notice: { type: "Warning", reason: "InvalidForceDeleteAfter", note } };
  }
  if (previous.length === 0) return {};
  const jobs = new Set(previous.map(({ uid }) => uid));
  return { check: { afterMs, jobs, isUnderWay: previous.some(({ isDeleting }) => isDeleting) } };
}

export interface OldPod {
  readonly name: string;
  readonly uid: string;
  readonly nodeName: string;
  /** When its grace period is over, in milliseconds since 1970; undefined while it is not being deleted. */
  readonly deadline: number | undefined;
}

/** The Pod, if it is one of these Jobs' and bound to a Node: the API server deletes the others at once. */
export function readOldPod(body: JsonObject, jobs: ReadonlySet<string>): OldPod | undefined {
  const metadata = asObject(body["metadata"]);
  const name = asString(metadata?.["name"]);
  const uid = asString(metadata?.["uid"]);
  const nodeName = asString(at(body, "spec", "nodeName")) ?? "";
  if (name === undefined || uid === undefined || nodeName === "") return undefined;
  if (!jobs.has(controllerJobUid(metadata) ?? "")) return undefined;
  const deadline = Date.parse(asString(metadata?.["deletionTimestamp"]) ?? "");
  return { name, uid, nodeName, deadline: Number.isNaN(deadline) ? undefined : deadline };
}

/** What a Node is, as far as its Pods are concerned. */
export type NodeHealth = "healthy" | "not ready" | "unknown" | "gone";

/** Health by the Ready condition; one that says nothing of it is as unknown as one that its kubelet left. */
export function readNodeHealth(body: unknown): NodeHealth {
  const ready = asArray(at(body, "status", "conditions")).find((condition) => at(condition, "type") === "Ready");
  switch (at(ready, "status")) {
    case "True":
      return "healthy";
    case "False":
      return "not ready";
    default:
      return "unknown";
  }
}

/** The Nodes that must be asked for now: those of Pods that are due. */
export function nodesToAsk(pods: readonly OldPod[], { afterMs, now }: { afterMs: number; now: number }): string[] {
  return [...new Set(pods.filter((pod) => isDue(pod, afterMs, now)).map(({ nodeName }) => nodeName))];
}

export interface ForcedPod {
  readonly pod: OldPod;
  readonly health: Exclude<NodeHealth, "healthy">;
}

/** Which Pods are deleted by force, and when the next may be due; no time where no old Pod is left. */
export function judgeOldPods(
  { pods, nodes, afterMs, now }: {
    pods: readonly OldPod[];
    nodes: ReadonlyMap<string, NodeHealth>;
    afterMs: number;
    now: number;
  },
): { readonly forced: readonly ForcedPod[]; readonly lookAgainAt?: number } {
  const forced: ForcedPod[] = [];
  let lookAgainAt = Number.POSITIVE_INFINITY;
  for (const pod of pods) {
    const health = nodes.get(pod.nodeName);
    if (!isDue(pod, afterMs, now)) {
      lookAgainAt = Math.min(lookAgainAt, dueAt(pod, afterMs) ?? now + Math.max(afterMs, LOOK_AGAIN_MS));
    } else if (health === undefined || health === "healthy") {
      lookAgainAt = Math.min(lookAgainAt, now + Math.max(afterMs, LOOK_AGAIN_MS));
    } else {
      forced.push({ pod, health });
    }
  }
  return Number.isFinite(lookAgainAt) ? { forced, lookAgainAt } : { forced };
}

/** The event that tells of one Pod. */
export function forcedEvent({ pod, health }: ForcedPod): EventDraft {
  const node = health === "unknown" ? "of unknown health" : health;
  return {
    type: "Warning",
    reason: "ForceDeletedPod",
    note: `deleted Pod "${pod.name}" of an old attempt by force: Node "${pod.nodeName}" is ${node}`,
  };
}

function isDue(pod: OldPod, afterMs: number, now: number): boolean {
  const at = dueAt(pod, afterMs);
  return at !== undefined && at <= now;
}

function dueAt({ deadline }: OldPod, afterMs: number): number | undefined {
  return deadline === undefined ? undefined : deadline + afterMs;
}
