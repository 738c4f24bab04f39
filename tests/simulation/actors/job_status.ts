/** The status that the Job controller writes. */
import { asInteger, asString, type JsonObject } from "../../../src/base/json.ts";
import type { JobEnd } from "./job_end.ts";
import { isActive, isTerminating, type JobState } from "./job_state.ts";
import { conditionOf, conditionsOf, isDeleting, isTrue, specOf, statusOf, timestamp } from "./objects.ts";

/**
 * The new status, or undefined where nothing changes. `saysFinal`: the last word may be said, if no Pod is left. `clearsStartTime`:
 * a suspended Job loses its start time, as from Kubernetes 1.36 on.
 */
export function jobStatus(
  job: JsonObject,
  { state, end, saysFinal, clearsStartTime, nowMs }: {
    readonly state: JobState;
    readonly end: JobEnd | undefined;
    readonly saysFinal: boolean;
    readonly clearsStartTime: boolean;
    readonly nowMs: number;
  },
): JsonObject | undefined {
  const old = statusOf(job);
  const spec = specOf(job);
  const counts = countPods(state);
  const succeeded = state.succeeded(asInteger(spec["completions"]));
  const now = timestamp(nowMs);
  const conditions = newConditions(job, { end, now, isFinal: saysFinal && counts.active + counts.terminating === 0 });
  const startTime = newStartTime(job, { conditions, now, clearsStartTime });
  const isSame = conditions === undefined && startTime === asString(old["startTime"]) &&
    counts.active === numberOf(old["active"]) && counts.ready === numberOf(old["ready"]) &&
    counts.terminating === numberOf(old["terminating"]) && succeeded === numberOf(old["succeeded"]) &&
    state.failed === numberOf(old["failed"]);
  if (isSame) return undefined;
  const status: Record<string, unknown> = { ...old, ready: counts.ready, terminating: counts.terminating };
  setNumber(status, "active", counts.active);
  setNumber(status, "succeeded", succeeded);
  setNumber(status, "failed", state.failed);
  if (startTime === undefined) delete status["startTime"];
  else status["startTime"] = startTime;
  status["uncountedTerminatedPods"] = {};
  const completed = completedIndexes(state);
  if (completed !== "") status["completedIndexes"] = completed;
  if (conditions !== undefined) {
    status["conditions"] = conditions;
    if (isTrue(conditions, "Complete")) status["completionTime"] = now;
  }
  return status;
}

function countPods(state: JobState): { active: number; ready: number; terminating: number } {
  const counts = { active: 0, ready: 0, terminating: 0 };
  for (const pod of state.pods) {
    if (isActive(pod)) {
      counts.active += 1;
      if (pod.isReady) counts.ready += 1;
    } else if (isTerminating(pod)) counts.terminating += 1;
  }
  return counts;
}

/** The list with what is new in it, or undefined where nothing is. */
function newConditions(
  job: JsonObject,
  { end, now, isFinal }: { readonly end: JobEnd | undefined; readonly now: string; readonly isFinal: boolean },
): readonly unknown[] | undefined {
  const old = conditionsOf(job);
  if (end !== undefined) {
    const added: JsonObject[] = [];
    if (!isTrue(old, end.type)) added.push(condition(end.type, end, now));
    if (isFinal) added.push(condition(end.finalType, end, now));
    return added.length === 0 ? undefined : [...old, ...added];
  }
  // A Job that is being deleted is neither suspended nor resumed any more.
  if (isDeleting(job)) return undefined;
  const suspended = conditionOf(old, "Suspended");
  const isSuspended = suspended?.["status"] === "True";
  const wantsSuspended = specOf(job)["suspend"] === true;
  if (isSuspended === wantsSuspended) return undefined;
  const change = wantsSuspended
    ? condition("Suspended", { reason: "JobSuspended", message: "Job suspended" }, now)
    : condition("Suspended", { reason: "JobResumed", message: "Job resumed", status: "False" }, now);
  return suspended === undefined ? [...old, change] : old.map((entry) => entry === suspended ? change : entry);
}

/** Set when the Job starts, and again whenever it is resumed. */
function newStartTime(
  job: JsonObject,
  { conditions, now, clearsStartTime }: {
    readonly conditions: readonly unknown[] | undefined;
    readonly now: string;
    readonly clearsStartTime: boolean;
  },
): string | undefined {
  const old = asString(statusOf(job)["startTime"]);
  if (isDeleting(job)) return old;
  const isChanged = conditions !== undefined &&
    isTrue(conditions, "Suspended") !== isTrue(conditionsOf(job), "Suspended");
  if (specOf(job)["suspend"] === true) return isChanged && clearsStartTime ? undefined : old;
  return isChanged ? now : old ?? now;
}

function condition(
  type: string,
  { reason, message, status = "True" }: {
    readonly reason: string;
    readonly message: string;
    readonly status?: string;
  },
  now: string,
): JsonObject {
  return { type, status, reason, message, lastProbeTime: now, lastTransitionTime: now };
}

/** Such as `0,2-4`: two that follow each other are no range yet. */
function completedIndexes(state: JobState): string {
  const indexes = [...state.succeededIndexes].sort((one, other) => one - other);
  const parts: string[] = [];
  let first = 0;
  for (const [place, index] of indexes.entries()) {
    if (indexes[place + 1] === index + 1) continue;
    const run = indexes.slice(first, place + 1);
    parts.push(run.length > 2 ? `${run[0]}-${index}` : run.join(","));
    first = place + 1;
  }
  return parts.join(",");
}

function setNumber(status: Record<string, unknown>, field: string, value: number): void {
  if (value === 0) delete status[field];
  else status[field] = value;
}

function numberOf(value: unknown): number {
  return asInteger(value) ?? 0;
}
