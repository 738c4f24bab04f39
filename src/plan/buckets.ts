/** Sorts the Jobs of a JobSet (spec 3.1). */
import type { Job, JobFailure } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import { jobIndexAfter, splitChildJobName } from "../api/names.ts";
import { standingOf } from "./job_restarts.ts";
import type { Gates } from "./types.ts";

/** A Job that the failure policy looks at, with the reason that counts. */
export interface FailedJob {
  readonly job: Job;
  readonly failure: JobFailure;
}

export interface Buckets {
  /** Jobs of an earlier attempt. */
  readonly previous: readonly Job[];
  /** All others, in whatever state. */
  readonly current: readonly Job[];
  /** Current, with a true Failed or FailureTarget. */
  readonly failed: readonly FailedJob[];
  /** Current, with a true Complete. */
  readonly successful: readonly Job[];
  /** Current and neither failed nor successful. */
  readonly active: readonly Job[];
  /** Names owned in any bucket: no Job of such a name is created. */
  readonly ownedNames: ReadonlySet<string>;
  /** How many of these names each replicatedJob has, by its position in the spec. */
  readonly ownedCounts: readonly number[];
  readonly positions: Positions;
  /** Jobs left alone because a label that tells their attempt is no integer. */
  readonly malformed: readonly Job[];
}

/** Positions of the replicatedJobs by what their Jobs' names begin with. */
export type Positions = ReadonlyMap<string, number>;

export function positionsOf({ name: jobSet, replicatedJobs }: JobSet): Positions {
  return new Map(replicatedJobs.map(({ name }, position) => [`${jobSet}-${name}`, position]));
}

/** Jobs owned by another uid, such as an older JobSet of the same name, are passed over. */
export function sortJobs(jobSet: JobSet, jobs: Iterable<Job>, gates: Gates): Buckets {
  const previous: Job[] = [];
  const current: Job[] = [];
  const failed: FailedJob[] = [];
  const successful: Job[] = [];
  const active: Job[] = [];
  const malformed: Job[] = [];
  const ownedNames = new Set<string>();
  const ownedCounts = jobSet.replicatedJobs.map(() => 0);
  const positions = positionsOf(jobSet);
  const standing = standingOf(jobSet, gates);
  for (const job of jobs) {
    if (job.ownerUid !== jobSet.uid) continue;
    ownedNames.add(job.name);
    const position = positionOf(jobSet, positions, job.name);
    if (position !== undefined) ownedCounts[position] = (ownedCounts[position] ?? 0) + 1;
    const which = standing(job);
    if (which === "malformed") malformed.push(job);
    if (which === "previous") previous.push(job);
    if (which !== "current") continue;
    current.push(job);
    if (job.phase.kind === "failed" || job.phase.kind === "failing") failed.push({ job, failure: job.phase.failure });
    else if (job.phase.kind === "complete") successful.push(job);
    else active.push(job);
  }
  return { previous, current, failed, successful, active, ownedNames, ownedCounts, positions, malformed };
}

/** So many prefixes are tried one after the other: that costs half of what taking the name apart does, for each Job of each plan. */
const FEW = 4;

/** The position of the replicatedJob that has a Job of this name; undefined for a name that none of them has. */
export function positionOf(jobSet: JobSet, positions: Positions, jobName: string): number | undefined {
  if (positions.size > FEW) return positionByParts(jobSet, positions, jobName);
  for (const [prefix, position] of positions) {
    const jobIndex = jobIndexAfter(jobName, prefix);
    if (jobIndex !== undefined) return jobIndex < replicasAt(jobSet, position) ? position : undefined;
  }
  return undefined;
}

function positionByParts(jobSet: JobSet, positions: Positions, jobName: string): number | undefined {
  const parts = splitChildJobName(jobName);
  const position = parts === undefined ? undefined : positions.get(parts.prefix);
  if (parts === undefined || position === undefined) return undefined;
  return parts.jobIndex < replicasAt(jobSet, position) ? position : undefined;
}

function replicasAt({ replicatedJobs }: JobSet, position: number): number {
  return replicatedJobs[position]?.replicas ?? 0;
}

/** Whether the Job has a true Complete or Failed: FailureTarget alone does not make it finished (spec 1.2). */
export function isJobFinished(job: Job): boolean {
  return job.phase.kind === "complete" || job.phase.kind === "failed";
}
