/** Jobs that succeeded and were deleted since are neither run again nor forgotten (spec 3.7, R81). */
import { trueCondition } from "../api/conditions.ts";
import type { JobSet } from "../api/job_set.ts";
import { childJobName } from "../api/names.ts";
import { type Buckets, positionOf } from "./buckets.ts";
import type { Counters } from "./counters.ts";

/** No plan names more absent Jobs than this: a JobSet may ask for 2,147,483,647 of them. The next plan goes on. */
export const MAX_ABSENT_NAMES = 5_000;

/** What is known of the Jobs of one replicatedJob that do not exist. */
export interface Absence {
  /** How many of them are to be created. */
  readonly toCreate: number;
  /** How many of them count as succeeded. */
  readonly succeeded: number;
  /** Whether the status alone tells that they succeeded: their names are worth remembering. */
  readonly isInferred: boolean;
  /**
   * The stored status counts successes that this plan no longer believes, because it is not known which Jobs they were.
   * The status is written first: created before that, the new Jobs would be taken for the vanished ones.
   */
  readonly isStatusFirst: boolean;
}

interface AbsenceInput {
  readonly jobSet: JobSet;
  readonly buckets: Buckets;
  readonly counters: ReadonlyMap<string, Counters>;
  readonly succeededAndGone: ReadonlyMap<string, number>;
  readonly isFinished: boolean;
}

/** One entry per replicatedJob, in spec order. Counts only, so that its cost follows from the Jobs that exist. */
export function findAbsences(input: AbsenceInput): readonly Absence[] {
  const { jobSet, buckets, counters, isFinished } = input;
  const { conditions } = jobSet.status;
  // A status that another controller left may still count the successes of the old attempt. A Job restarted alone leaves
  // the others' successes as they are.
  const isRestarting = buckets.previous.some(({ restartAttempt = 0 }) => restartAttempt < jobSet.status.restarts);
  const mayBeStale = isRestarting || trueCondition(conditions, "RestartingJobSet") !== undefined;
  const stored = new Map(jobSet.status.replicatedJobs.map(({ name, succeeded }) => [name, succeeded]));
  const knownByPosition = countKnown(input);
  return jobSet.replicatedJobs.map(({ name, replicas }, position) => {
    const missing = replicas - (buckets.ownedCounts[position] ?? 0);
    const known = knownByPosition[position] ?? 0;
    const seen = counters.get(name)?.succeeded ?? 0;
    const vanished = mayBeStale ? 0 : Math.max(0, (stored.get(name) ?? 0) - seen);
    if (isFinished) return { ...NONE, succeeded: Math.min(missing, Math.max(vanished, known)) };
    if (missing <= vanished) return { ...NONE, succeeded: missing, isInferred: missing > known };
    return { toCreate: missing - known, succeeded: known, isInferred: false, isStatusFirst: vanished > known };
  });
}

const NONE: Absence = { toCreate: 0, succeeded: 0, isInferred: false, isStatusFirst: false };

/** How many of the absent Jobs of each replicatedJob were seen Complete in this attempt. */
function countKnown({ jobSet, buckets, succeededAndGone }: AbsenceInput): readonly number[] {
  const counts = jobSet.replicatedJobs.map(() => 0);
  for (const [name, attempt] of succeededAndGone) {
    if (attempt !== jobSet.status.restarts || buckets.ownedNames.has(name)) continue;
    const position = positionOf(jobSet, buckets.positions, name);
    if (position !== undefined) counts[position] = (counts[position] ?? 0) + 1;
  }
  return counts;
}

/** The first `limit` indexes without a Job that are not known to have succeeded. */
export function absentIndexes(
  { jobSet, buckets, succeededAndGone, position, limit }: {
    jobSet: JobSet;
    buckets: Buckets;
    succeededAndGone: ReadonlyMap<string, number>;
    position: number;
    limit: number;
  },
): readonly number[] {
  const { name, replicas } = jobSet.replicatedJobs[position] ?? { name: "", replicas: 0 };
  const indexes: number[] = [];
  for (let index = 0; index < replicas && indexes.length < limit; index++) {
    const jobName = childJobName(jobSet.name, name, index);
    if (buckets.ownedNames.has(jobName) || succeededAndGone.get(jobName) === jobSet.status.restarts) continue;
    indexes.push(index);
  }
  return indexes;
}
