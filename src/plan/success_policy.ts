/** When a JobSet has succeeded (spec 3.4). */
import type { JobSet } from "../api/job_set.ts";
import type { StatusDraft } from "./status_draft.ts";

/**
 * Whether the policy is met by these numbers of successful Jobs per replicatedJob.
 * Some Job must have succeeded, of a target or not (spec 3.2, step 5): a JobSet without Jobs never completes by itself.
 */
export function isSuccessPolicyMet(jobSet: JobSet, succeeded: ReadonlyMap<string, number>): boolean {
  const { operator, targetReplicatedJobs: targets } = jobSet.successPolicy;
  let wanted = 0;
  let reached = 0;
  let hasSuccess = false;
  for (const { name, replicas } of jobSet.replicatedJobs) {
    const count = succeeded.get(name) ?? 0;
    if (count > 0) hasSuccess = true;
    if (targets.length > 0 && !targets.includes(name)) continue;
    wanted += replicas;
    reached += count;
  }
  return hasSuccess && (operator === "Any" ? reached > 0 : reached >= wanted);
}

export function complete(draft: StatusDraft): void {
  const message = "jobset completed successfully";
  draft.setCondition({ type: "Completed", status: "True", reason: "AllJobsCompleted", message });
  draft.setCondition({ type: "RestartingJobSet", status: "False", reason: "JobSetCompleted", message });
  draft.setTerminalState("Completed");
}
