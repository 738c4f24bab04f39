/** The counters of `status.replicatedJobsStatus` (spec 1.2). */
import type { JsonObject } from "../base/json.ts";
import type { Job } from "../api/job.ts";
import type { JobSet, ReplicatedJobStatus } from "../api/job_set.ts";
import { isJobFinished } from "./buckets.ts";
import type { JobRestartLists } from "./job_restarts.ts";

export interface Counters {
  ready: number;
  succeeded: number;
  failed: number;
  active: number;
  suspended: number;
}

const NAMES = ["ready", "succeeded", "failed", "active", "suspended"] as const;

export function noCounters(): Counters {
  return { ready: 0, succeeded: 0, failed: 0, active: 0, suspended: 0 };
}

/** Counts the current Jobs by replicatedJob; Jobs of a replicatedJob that the spec does not name are returned apart. */
export function countJobs(
  jobSet: JobSet,
  current: readonly Job[],
): { counters: Map<string, Counters>; strangers: readonly Job[] } {
  const counters = new Map(jobSet.replicatedJobs.map((replicatedJob) => [replicatedJob.name, noCounters()]));
  const strangers: Job[] = [];
  for (const job of current) {
    const counter = job.replicatedJob === undefined ? undefined : counters.get(job.replicatedJob);
    if (counter === undefined) strangers.push(job);
    else countJob(counter, job, 1);
  }
  return { counters, strangers };
}

/** The counters once this Job, which they count, is one of a previous attempt. */
export function countersWithout(counters: ReadonlyMap<string, Counters>, job: Job): ReadonlyMap<string, Counters> {
  const counter = job.replicatedJob === undefined ? undefined : counters.get(job.replicatedJob);
  if (job.replicatedJob === undefined || counter === undefined) return counters;
  const less = { ...counter };
  countJob(less, job, -1);
  return new Map([...counters, [job.replicatedJob, less]]);
}

function countJob(counter: Counters, job: Job, by: 1 | -1): void {
  if (job.phase.kind === "complete") counter.succeeded += by;
  if (job.phase.kind === "failed") counter.failed += by;
  if (isJobFinished(job)) return;
  const parallelism = job.parallelism ?? 1;
  if (job.ready + job.succeeded >= Math.min(parallelism, job.completions ?? parallelism)) counter.ready += by;
  if (job.active > 0) counter.active += by;
  if (job.suspend) counter.suspended += by;
}

/** The list as it is to stand in the status: one entry per name, in spec order, jobRestarts and the like kept or raised. */
export function replicatedJobsStatus(
  jobSet: JobSet,
  counters: ReadonlyMap<string, Counters>,
  raised: ReadonlyMap<string, JobRestartLists>,
): readonly JsonObject[] {
  const stored = new Map(jobSet.status.replicatedJobs.map((entry) => [entry.name, entry]));
  return Array.from(
    counters,
    ([name, counter]) => ({ ...stored.get(name)?.raw, name, ...counter, ...raised.get(name) }),
  );
}

/** Whether the stored counters differ from these; the order of the entries is never a difference. */
export function countersDiffer(jobSet: JobSet, counters: ReadonlyMap<string, Counters>): boolean {
  const stored = jobSet.status.replicatedJobs;
  if (stored.length !== counters.size) return true;
  return stored.some((entry) => entryDiffers(entry, counters.get(entry.name)));
}

function entryDiffers(entry: ReplicatedJobStatus, counter: Counters | undefined): boolean {
  // The CRD requires all five: an entry that lacks one (written by another tool) is completed.
  return counter === undefined || NAMES.some((name) => entry.raw[name] !== counter[name]);
}
