/** Writes the status of Jobs that nobody runs, as a Job controller would. */
import { asInteger, asString, at, type JsonObject } from "../../src/base/json.ts";
import type { Cluster } from "./cluster.ts";

export interface Failure {
  readonly reason?: string;
  readonly message?: string;
  /** When the Job failed; now where absent. */
  readonly at?: Date;
}

/** Its Pods run; they are ready unless said otherwise. */
export async function run(cluster: Cluster, job: string, isReady = true): Promise<void> {
  const stored = await cluster.get("jobs", job);
  const active = asInteger(at(stored, "spec", "parallelism")) ?? 1;
  await cluster.patchStatus("jobs", job, { ...started(stored), active, ready: isReady ? active : 0 });
}

/** Failed, with the conditions in the order in which a Job controller sets them. */
export async function fail(cluster: Cluster, job: string, failure: Failure = {}): Promise<void> {
  const conditions = ["FailureTarget", "Failed"].map((type) => conditionOf(type, failure));
  const stored = await cluster.get("jobs", job);
  await cluster.patchStatus("jobs", job, { ...started(stored), active: 0, ready: 0, conditions });
}

/** Suspended, its Pods gone; it keeps its start time, as some writers leave it. */
export async function suspendJob(cluster: Cluster, job: string): Promise<void> {
  const conditions = [conditionOf("Suspended", { reason: "JobSuspended" })];
  await cluster.patchStatus("jobs", job, { active: 0, ready: 0, conditions });
}

/** About to fail: its last Pods are still ending (spec 3.1). */
export async function startToFail(cluster: Cluster, job: string, failure: Failure = {}): Promise<void> {
  const conditions = [conditionOf("FailureTarget", failure)];
  await cluster.patchStatus("jobs", job, { ...started(await cluster.get("jobs", job)), conditions });
}

/** About to complete: its last Pods are still ending. */
export async function startToComplete(cluster: Cluster, job: string): Promise<void> {
  const conditions = [conditionOf("SuccessCriteriaMet", { reason: "CompletionsReached" })];
  await cluster.patchStatus("jobs", job, { ...started(await cluster.get("jobs", job)), conditions });
}

export async function complete(cluster: Cluster, job: string): Promise<void> {
  const stored = await cluster.get("jobs", job);
  const completions = asInteger(at(stored, "spec", "completions")) ?? 1;
  const reason = { reason: "CompletionsReached" };
  await cluster.patchStatus("jobs", job, {
    ...started(stored),
    completionTime: time(new Date()),
    active: 0,
    ready: 0,
    succeeded: completions,
    completedIndexes: completions === 1 ? "0" : `0-${completions - 1}`,
    conditions: ["SuccessCriteriaMet", "Complete"].map((type) => conditionOf(type, reason)),
  });
}

/** The start time, which must not change once it is set. */
function started(job: JsonObject): JsonObject {
  return { startTime: asString(at(job, "status", "startTime")) ?? time(new Date()) };
}

function conditionOf(type: string, { reason = "BackoffLimitExceeded", message = "", at = new Date() }: Failure) {
  const now = time(at);
  return { type, status: "True", reason, message, lastProbeTime: now, lastTransitionTime: now };
}

/** As the API writes times: whole seconds. */
function time(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
