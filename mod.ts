/**
 * The JobSet rules as a library: what a JobSet means and what a controller would do about it now.
 * Pure functions over plain JSON; they run in Bun, in Deno, and in a Node that takes TypeScript (22.18 or newer).
 *
 * ```ts
 * import { jobFactory, nothingKnown, plan, readJobSet } from "@jobset-lite/jobset";
 *
 * const jobSet = readJobSet(JSON.parse(text)); // of `kubectl get jobset NAME -o json`
 * if (jobSet !== undefined) {
 *   const { creates } = plan({ jobSet, jobs: [], hasService: true, ...nothingKnown(), now: 0 });
 *   const build = jobFactory(jobSet);
 *   for (const create of creates) console.log(build(create));
 * }
 * ```
 *
 * @module
 */
export * from "./src/api/keys.ts";
export { childJobName, jobKey, volumeClaimName } from "./src/api/names.ts";
export { type Condition, type JobSetConditionType } from "./src/api/conditions.ts";
export { type Job, type JobFailure, type JobPhase, readJob } from "./src/api/job.ts";
export {
  type Coordinator,
  type FailurePolicy,
  type FailurePolicyRule,
  type JobSet,
  type JobSetStatus,
  readJobSet,
  type ReplicatedJob,
  type ReplicatedJobStatus,
  terminalCondition,
  type VolumeClaimPolicy,
} from "./src/api/job_set.ts";
export { type Scheduling } from "./src/api/scheduling.ts";
export { jobFactory } from "./src/plan/job_factory.ts";
export { plan } from "./src/plan/plan.ts";
export type {
  EventDraft,
  Gates,
  InFlight,
  JobChange,
  JobCreate,
  JobDelete,
  JobPatch,
  ObjectCreate,
  Plan,
  PlanInput,
  StatusWrite,
} from "./src/plan/types.ts";
export { nothingKnown } from "./src/plan/nothing_known.ts";
