/**
 * The JobSet rules as a library: what a JobSet means and what a controller would do about it now.
 * Pure functions over plain JSON; they run in Bun, in Deno, and in a Node that takes TypeScript (22.18 or newer).
 *
 * ```ts
 * import { jobFactory, nothingKnown, plan, readJobSet } from "@jobset-lite/jobset";
 *
 * const jobSet = readJobSet(JSON.parse(text)); // of `kubectl get jobset NAME -o json`
 * if (jobSet !== undefined) {
 *   const known = nothingKnown();
 *   const { creates } = plan({ jobSet, jobs: [], hasService: true, ...known, now: 0 });
 *   const build = jobFactory(jobSet, known);
 *   for (const create of creates) console.log(build(create));
 * }
 * ```
 *
 * And what the webhooks do, without a cluster: defaults as a JSON patch, and every mistake with its field.
 *
 * ```ts
 * import { applyPatch, DEFAULT_FEATURE_GATES, defaultJobSet, errorText, validateCreate } from "@jobset-lite/jobset";
 *
 * const jobSet = applyPatch(object, defaultJobSet(object)); // of a manifest
 * const errors = validateCreate({ object: jobSet, gates: DEFAULT_FEATURE_GATES, claims: "offline" });
 * for (const error of errors) console.error(errorText(error));
 * ```
 *
 * And what would be created, for a look before anything is:
 *
 * ```ts
 * import { render } from "@jobset-lite/jobset";
 *
 * for (const object of render(manifest)) console.log(JSON.stringify(object)); // the Service, the claims, every Job
 * ```
 *
 * @module
 */
export { defaultJobSet } from "./src/admission/defaults.ts";
export type { ExistingClaim, ExistingClaims } from "./src/admission/existing_claim.ts";
export { errorText, type FieldError, type FieldErrorType } from "./src/admission/field_error.ts";
export { applyPatch, type JsonPatchOperation } from "./src/admission/json_patch.ts";
export { refusal } from "./src/admission/refusal.ts";
export { claimsToLookUp, type CreateInput, validateCreate } from "./src/admission/validate_create.ts";
export { DEFAULT_FEATURE_GATES, type FeatureGate, type FeatureGates } from "./src/api/feature_gates.ts";
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
export { render, type RenderOptions } from "./src/plan/render.ts";
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
