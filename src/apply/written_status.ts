/** What a JobSet says of a status write that got no answer (R10). */
import { asArray, asObject, at, canonicalJson } from "../base/json.ts";
import type { JobSet } from "../api/job_set.ts";
import type { StatusWrite } from "../plan/types.ts";

/** Whether the status says what the write was to say. Times apart: each try has its own. */
export function isWritten({ status }: JobSet, { fields }: StatusWrite): boolean {
  const seen = status.conditions.map(({ raw }) => raw);
  if (fields["restarts"] !== status.restarts) return false;
  if (withoutTimes(fields["conditions"] ?? seen) !== withoutTimes(seen)) return false;
  const stored = status.replicatedJobs.map(({ raw }) => raw);
  return jobRestarts(fields["replicatedJobsStatus"] ?? stored) === jobRestarts(stored);
}

/** The restarts of single Jobs: a write that raises them changes nothing else that must be told. */
function jobRestarts(replicatedJobsStatus: unknown): string {
  const lists = asArray(replicatedJobsStatus)
    .map((entry) => [at(entry, "name"), at(entry, "jobRestarts"), at(entry, "jobRestartsCountTowardsMax")]);
  return lists.map(canonicalJson).sort().join();
}

function withoutTimes(conditions: unknown): string {
  return canonicalJson(asArray(conditions).map((condition) => ({ ...asObject(condition), lastTransitionTime: "" })));
}
