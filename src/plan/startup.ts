/** Which replicatedJobs may start (spec 3.7: dependsOn and startupPolicy). */
import type { JobSet, ReplicatedJob } from "../api/job_set.ts";
import type { Counters } from "./counters.ts";
import type { StatusDraft } from "./status_draft.ts";

type CountersByName = ReadonlyMap<string, Counters>;

/** Whether every dependency has reached its state. A dependency that the spec does not list is never reached. */
function areDependenciesReached(
  { dependsOn }: ReplicatedJob,
  byName: ReadonlyMap<string, ReplicatedJob>,
  counters: CountersByName,
): boolean {
  return dependsOn.every(({ name, status }) => {
    const dependency = byName.get(name);
    const counter = counters.get(name);
    if (dependency === undefined || counter === undefined) return false;
    return status === "Complete" ? counter.succeeded === dependency.replicas : isStarted(dependency, counters);
  });
}

/** Started: every Job is ready, has succeeded or has failed. */
function isStarted({ name, replicas }: ReplicatedJob, counters: CountersByName): boolean {
  const counter = counters.get(name);
  return counter !== undefined && counter.ready + counter.succeeded + counter.failed === replicas;
}

/**
 * The replicatedJobs, by position, that may have running Jobs now. With InOrder those are the started ones and the
 * first that is not; a suspended JobSet has no order (all its Jobs are created, suspended).
 */
export function startableReplicatedJobs(jobSet: JobSet, counters: CountersByName): ReadonlySet<number> {
  const startable = new Set<number>();
  const byName = new Map(jobSet.replicatedJobs.map((replicatedJob) => [replicatedJob.name, replicatedJob]));
  for (const [position, replicatedJob] of jobSet.replicatedJobs.entries()) {
    if (areDependenciesReached(replicatedJob, byName, counters)) startable.add(position);
    if (isInOrder(jobSet) && !isStarted(replicatedJob, counters)) break;
  }
  return startable;
}

/** Sets the two startup conditions; true once nothing is left to wait for. */
export function reportStartup(jobSet: JobSet, counters: CountersByName, draft: StatusDraft): boolean {
  if (!isInOrder(jobSet)) return true;
  if (jobSet.replicatedJobs.some((replicatedJob) => !isStarted(replicatedJob, counters))) {
    draft.setCondition({
      type: "StartupPolicyInProgress",
      status: "True",
      reason: "InOrderStartupPolicyInProgress",
      message: "in order startup policy is in progress",
    });
    return false;
  }
  draft.setCondition({
    type: "StartupPolicyCompleted",
    status: "True",
    reason: "InOrderStartupPolicyCompleted",
    message: "in order startup policy has completed",
  });
  return true;
}

function isInOrder(jobSet: JobSet): boolean {
  return jobSet.startupPolicyOrder === "InOrder" && !jobSet.suspend;
}
