/** Restarts one Job alone (spec 3.3: RestartJob and RestartJobAndIgnoreMaxRestarts; gate RestartJob). */
import type { Job } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import { splitChildJobName } from "../api/names.ts";
import { positionOf, type Positions } from "./buckets.ts";
import { type Counters, countersWithout } from "./counters.ts";
import { jobRestartsOf, MAX_COUNTED_REPLICAS, raiseJobRestarts } from "./job_restarts.ts";
import type { StatusDraft } from "./status_draft.ts";
import type { EventDraft, InFlight, JobPatch } from "./types.ts";

/**
 * Counts one restart of the Job, which makes it one of a previous attempt: the same write takes it out of the counters, as
 * the one that restarts all sets them to 0. The answer of text says why it can't be counted.
 *
 * A Job without the label job-restart-attempt would stay current, and its one failure be counted without end: it gets
 * the label first.
 */
export function restartJob(
  { jobSet, positions, counters, job, draft, inFlight, event, countsTowardsMax }: {
    jobSet: JobSet;
    positions: Positions;
    counters: ReadonlyMap<string, Counters>;
    job: Job;
    draft: StatusDraft;
    inFlight: InFlight;
    event: EventDraft;
    countsTowardsMax: boolean;
  },
): { readonly patches?: readonly JobPatch[] } | string {
  const replicatedJob = jobSet.replicatedJobs[positionOf(jobSet, positions, job.name) ?? -1];
  const jobIndex = splitChildJobName(job.name)?.jobIndex;
  if (replicatedJob === undefined || jobIndex === undefined) return "the spec has no Job of that name";
  const { name, replicas } = replicatedJob;
  if (replicas > MAX_COUNTED_REPLICAS) {
    return `replicatedJob "${name}" has ${replicas} replicas: the restarts of at most ${MAX_COUNTED_REPLICAS} can be counted`;
  }
  if (job.jobRestartAttempt === undefined) return { patches: labelJob(jobSet, job, inFlight) };
  const status = jobSet.status.replicatedJobs.find((entry) => entry.name === name);
  draft.addEvent(event);
  draft.setJobRestarts(name, raiseJobRestarts({ status, replicas, jobIndex, countsTowardsMax }));
  draft.setCounters(countersWithout(counters, job));
  return {};
}

function labelJob(jobSet: JobSet, { name, uid, isDeleting }: Job, { patches }: InFlight): readonly JobPatch[] {
  if (isDeleting || patches.has(uid)) return [];
  return [{ name, uid, change: { kind: "label", jobRestartAttempt: jobRestartsOf(jobSet)(name) } }];
}
