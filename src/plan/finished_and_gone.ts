/** Jobs that succeeded and were deleted since are neither run again nor forgotten (spec 3.7, R81). */
import { trueCondition } from "../api/conditions.ts";
import type { JobSet } from "../api/job_set.ts";
import { childJobName } from "../api/names.ts";
import type { Buckets } from "./buckets.ts";
import type { Counters } from "./counters.ts";

/** What is known of the Jobs of one replicatedJob that do not exist. */
export interface Absence {
  /** Indexes to create a Job for. */
  readonly missing: readonly number[];
  /** How many of the absent Jobs count as succeeded. */
  readonly succeeded: number;
  /**
   * The stored status counts successes that this plan no longer believes, because it is not known which Jobs they were.
   * The status is written first: created before that, the new Jobs would be taken for the vanished ones.
   */
  readonly isStatusFirst: boolean;
}

/** One entry per replicatedJob, in spec order. */
export function findAbsences(
  { jobSet, buckets, counters, succeededAndGone, isFinished }: {
    jobSet: JobSet;
    buckets: Buckets;
    counters: ReadonlyMap<string, Counters>;
    succeededAndGone: ReadonlyMap<string, number>;
    isFinished: boolean;
  },
): readonly Absence[] {
  const { restarts, conditions } = jobSet.status;
  // A status that another controller left may still count the successes of the old attempt.
  const mayBeStale = buckets.previous.length > 0 || trueCondition(conditions, "RestartingJobSet") !== undefined;
  const stored = new Map(jobSet.status.replicatedJobs.map(({ name, succeeded }) => [name, succeeded]));
  return jobSet.replicatedJobs.map(({ name, replicas }) => {
    const missing: number[] = [];
    const unknown: number[] = [];
    for (let index = 0; index < replicas; index++) {
      const jobName = childJobName(jobSet.name, name, index);
      if (buckets.ownedNames.has(jobName)) continue;
      missing.push(index);
      if (succeededAndGone.get(jobName) !== restarts) unknown.push(index);
    }
    const known = missing.length - unknown.length;
    const seen = counters.get(name)?.succeeded ?? 0;
    const vanished = mayBeStale ? 0 : Math.max(0, (stored.get(name) ?? 0) - seen);
    if (isFinished) {
      return { missing: [], succeeded: Math.min(missing.length, Math.max(vanished, known)), isStatusFirst: false };
    }
    if (missing.length <= vanished) return { missing: [], succeeded: missing.length, isStatusFirst: false };
    return { missing: unknown, succeeded: known, isStatusFirst: vanished > known };
  });
}
