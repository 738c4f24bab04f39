/**
 * Counts the runs of a JobSet (spec 3.12, gate ExecutionAttemptsTracking). A run's number is in the status; a Job's annotation says
 * in which run it takes part, or took part last.
 *
 * Each event is told by the annotations, not by what this process remembers, so that it is counted once whatever is retried:
 * - A restart of ours raises `restarts` and the count in one write. One that somebody else made by raising `restarts` alone leaves
 *   Jobs of an older attempt with the number of the status: it is counted, and only then are they deleted.
 * - A suspended Job with the number of the status took part in that run, and is to start anew: that is a resume. The write that
 *   counts it makes the two differ. Until it is seen, no Job is unsuspended and none is made; each Job gets the new number in the
 *   patch that unsuspends it. So after a crash, or a second suspension, between any two of these writes the rest of the Jobs, which
 *   have the old number, are resumed into the run that was counted for them. A Job that was unsuspended already and is suspended
 *   again has the new number: that is the next resume.
 * - A write of a stale view conflicts: it carries the resourceVersion.
 *
 * For this the annotation of a suspended Job must be right even if it ran unannotated (the gate was off) or went on running while the
 * others were suspended and resumed: the patch that suspends a Job sets it to the number of the status. Running Jobs are never
 * patched for its sake. Jobs made for a suspended JobSet get the number too, as successors of those that ran; before the first
 * run there is none, and its Jobs get none.
 *
 * The first number is that of the restarts, 0 as a rule. Where no Job is there yet the first ones need not wait until it is written:
 * they carry what it will be, and would be found as running without it. So no number is ever used for two runs of a Job; where a run ends before
 * its first Job (suspended at once, or restarted while suspended) one may stay unused. Who suspended a Job, JobSet or somebody
 * else, makes no difference: its Pods ended, and begin anew.
 */
import type { Job } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import type { Buckets } from "./buckets.ts";
import type { StatusDraft } from "./status_draft.ts";
import type { Gates } from "./types.ts";

interface Count {
  readonly jobSet: JobSet;
  readonly gates: Gates;
  readonly draft: StatusDraft;
}

/** The number that a new Job carries; undefined where it carries none. */
export function executionAttempt(jobSet: JobSet, gates: Gates): number | undefined {
  return gates.ExecutionAttemptsTracking ? runOf(jobSet) : undefined;
}

/** The number of the run that a Job takes part in which is suspended now; undefined with the gate off. */
export function endedAttempt({ status }: JobSet, gates: Gates): number | undefined {
  return gates.ExecutionAttemptsTracking ? status.executionAttempts ?? status.restarts : undefined;
}

/** Whether what was made for the one state of the JobSet is of the same run as the other. */
export function isSameRun(left: JobSet, right: JobSet): boolean {
  return left.status.restarts === right.status.restarts && runOf(left) === runOf(right);
}

/** The number that its new Jobs carry, or would with the gate on. */
function runOf({ status, suspend }: JobSet): number | undefined {
  return status.executionAttempts ?? (suspend ? undefined : status.restarts);
}

/** With the write that raises `restarts`. */
export function countRestart({ jobSet: { status }, gates, draft }: Count): void {
  if (!gates.ExecutionAttemptsTracking || !draft.isRestarting) return;
  draft.setExecutionAttempts((status.executionAttempts ?? status.restarts) + 1);
}

/** Counts a restart that somebody else made; if it did, the old Jobs must not be deleted before that is written. */
export function countForeignRestart(
  { jobSet: { status }, gates, draft, buckets }: Count & { buckets: Buckets },
): boolean {
  const { executionAttempts: current } = status;
  if (!gates.ExecutionAttemptsTracking || current === undefined) return false;
  const isOld = ({ restartAttempt }: Job) => restartAttempt !== undefined && restartAttempt < status.restarts;
  if (!buckets.previous.some((job) => isOld(job) && job.executionAttempt === current)) return false;
  draft.setExecutionAttempts(current + 1);
  return true;
}

/**
 * Counts the run that begins, if one does; true if nothing may be resumed or created before that is written. `isReady`: all that
 * the first Job needs is there.
 */
export function countExecution(
  { jobSet, gates, draft, buckets, isReady }: Count & { buckets: Buckets; isReady: boolean },
): boolean {
  if (!gates.ExecutionAttemptsTracking) return false;
  const { executionAttempts: current, restarts } = jobSet.status;
  const suspended = buckets.active.filter((job) => job.suspend);
  if (current === undefined) {
    const isRunning = buckets.current.some((job) => !job.suspend);
    if (!isRunning && (jobSet.suspend || !isReady)) return false;
    draft.setExecutionAttempts(restarts);
    return jobSet.suspend || suspended.length > 0;
  }
  if (jobSet.suspend || !suspended.some((job) => job.executionAttempt === current)) return false;
  draft.setExecutionAttempts(current + 1);
  return true;
}
