/** Restarts of single Jobs (gate RestartJob; spec 1.2, 3.1, 3.3). */
import type { Job } from "../api/job.ts";
import type { JobSet, ReplicatedJobStatus } from "../api/job_set.ts";
import { splitChildJobName } from "../api/names.ts";
import type { Gates } from "./types.ts";

/** As many Jobs' restarts the status can count (spec 1.2). */
export const MAX_COUNTED_REPLICAS = 1024;

/** Which attempt a Job belongs to; `malformed`: its labels do not say. */
export type Standing = "previous" | "current" | "malformed";

/** Tells each Job of this JobSet, by its name, how often it was restarted alone. */
export function jobRestartsOf(jobSet: JobSet): (jobName: string) => number {
  const lists = new Map<string, readonly number[]>();
  for (const { name, jobRestarts } of jobSet.status.replicatedJobs) {
    if (jobRestarts.length > 0) lists.set(`${jobSet.name}-${name}`, jobRestarts);
  }
  if (lists.size === 0) return () => 0;
  return (jobName) => {
    const parts = splitChildJobName(jobName);
    return parts === undefined ? 0 : lists.get(parts.prefix)?.[parts.jobIndex] ?? 0;
  };
}

/** Spec 3.1: of an older attempt than the JobSet's, or, with the gate on, than the Job's own. */
export function standingOf(jobSet: JobSet, gates: Gates): (job: Job) => Standing {
  const restartsOf = gates.RestartJob ? jobRestartsOf(jobSet) : undefined;
  return (job) => {
    if (job.restartAttempt === undefined) return "malformed";
    if (job.restartAttempt < jobSet.status.restarts) return "previous";
    // Without the label it is current: it was made while the gate was off.
    if (restartsOf === undefined || job.jobRestartAttempt === undefined) return "current";
    if (job.jobRestartAttempt === "malformed") return "malformed";
    return job.jobRestartAttempt < restartsOf(job.name) ? "previous" : "current";
  };
}

/** Whether a Job of this name has the same place in the attempts of both states of the JobSet. */
export function isSameAttempt(left: JobSet, right: JobSet, jobName: string): boolean {
  return left.status.restarts === right.status.restarts &&
    jobRestartsOf(left)(jobName) === jobRestartsOf(right)(jobName);
}

/** Spec 3.3: the restarts that count towards maxRestarts. */
export function restartsUsed({ status }: JobSet, gates: Gates): number {
  if (!gates.RestartJob) return status.restartsCountTowardsMax;
  const ofJobs = status.replicatedJobs.flatMap(({ jobRestartsCountTowardsMax }) => jobRestartsCountTowardsMax);
  return ofJobs.reduce((sum, count) => sum + count, status.restartsCountTowardsMax);
}

/** The lists of one replicatedJob's status that change. */
export type JobRestartLists = Partial<
  Pick<ReplicatedJobStatus, "jobRestarts" | "jobRestartsCountTowardsMax">
>;

/** One more restart of one Job: a list is as long as there are replicas, whatever length it had (spec 1.2). */
export function raiseJobRestarts(
  { status, replicas, jobIndex, countsTowardsMax }: {
    status: JobRestartLists | undefined;
    replicas: number;
    jobIndex: number;
    countsTowardsMax: boolean;
  },
): JobRestartLists {
  const raised = (list: readonly number[] = []) =>
    Array.from({ length: replicas }, (_, index) => (list[index] ?? 0) + (index === jobIndex ? 1 : 0));
  return {
    jobRestarts: raised(status?.jobRestarts),
    ...(countsTowardsMax ? { jobRestartsCountTowardsMax: raised(status?.jobRestartsCountTowardsMax) } : {}),
  };
}
