import type { JobSet } from "../../../src/api/job_set.ts";

/** Why nothing may be sent for a JobSet, as it is known, that was meant by its uid; or nothing (spec 3). */
export function whyUntouchable(jobSet: JobSet | undefined, uid: string | undefined): string | undefined {
  if (jobSet === undefined) return "the JobSet is gone";
  if (jobSet.uid !== uid) return `the JobSet of that name is ${jobSet.uid}, not ${uid}`;
  if (jobSet.isDeleting) return "the JobSet is being deleted";
  return jobSet.isManagedHere ? undefined : "the JobSet is another controller's";
}
