/** When a JobSet has succeeded (spec 3.4). */
import type { JobSet } from "../api/job_set.ts";
import type { StatusDraft } from "./status_draft.ts";

/**
 * Whether the policy is met by these numbers of successful Jobs per replicatedJob.
 * At least one success is needed: a JobSet without Jobs never completes by itself.
 */
export function isSuccessPolicyMet(jobSet: JobSet, succeeded: ReadonlyMap<string, number>): boolean {
  const { operator, targetReplicatedJobs: targets } = jobSet.successPolicy;
  let wanted = 0;
  let reached = 0;
  for (const { name, replicas } of jobSet.replicatedJobs) {
    if (targets.length > 0 && !targets.includes(name)) continue;
    wanted += replicas;
    reached += succeeded.get(name) ?? 0;
  }
  if (reached === 0) return false;
  return operator === "Any" || reached >= wanted;
}

export function complete(draft: StatusDraft): void {
  const message = "jobset completed successfully";
  draft.setCondition({ type: "Completed", status: "True", reason: "AllJobsCompleted", message });
  draft.setCondition({ type: "RestartingJobSet", status: "False", reason: "JobSetCompleted", message });
  draft.setTerminalState("Completed");
}
