/** The rules that a new JobSet must keep (spec 2.2). */
import type { FeatureGates } from "../api/feature_gates.ts";
import { asArray, at } from "../base/json.ts";
import { claimErrors, generatedClaimNames } from "./claim_rules.ts";
import { coordinatorErrors } from "./coordinator_rules.ts";
import type { ExistingClaims } from "./existing_claim.ts";
import { failurePolicyErrors, strategyErrors, wantsInPlaceRestart } from "./failure_policy_rules.ts";
import { type FieldError, tooMany } from "./field_error.ts";
import { MAX_FAILURE_POLICY_RULES, MAX_REPLICATED_JOBS } from "./limits.ts";
import { type NewJobSet, readNewJobSet } from "./new_job_set.ts";
import { dependsOnErrors, inPlaceRestartErrors, placementErrors, sizeAndNameErrors } from "./replicated_job_rules.ts";
import { managedByErrors, nameErrors, networkErrors, successPolicyErrors } from "./spec_rules.ts";

/** More are no help to anybody, and a body may be made to have millions. */
const MAX_ERRORS = 1_000;
const MAX_VALUE_LENGTH = 1_024;
const MAX_DETAIL_LENGTH = 4_096;

/** What a new JobSet is checked against. */
export interface CreateInput {
  /** The whole JobSet, with its defaults or without them. */
  readonly object: unknown;
  readonly gates: FeatureGates;
  /** The claims named by `claimsToLookUp`, each one of them; a name that is missing counts as a failed look-up. */
  readonly claims: ExistingClaims;
}

/**
 * Every mistake of a new JobSet, in the order of the rules; none where it may be created. Never throws: a part of a wrong type is
 * left to the CRD's schema, an absent one counts as its default.
 *
 * ```ts
 * const errors = validateCreate({ object, gates: DEFAULT_FEATURE_GATES, claims: "offline" });
 * for (const error of errors) console.error(errorText(error)); // spec.coordinator.jobIndex: Invalid value: 7: …
 * ```
 */
export function validateCreate({ object, gates, claims }: CreateInput): readonly FieldError[] {
  const oversize = oversizeErrors(object);
  if (oversize.length > 0) return oversize;
  const jobSet = readNewJobSet(object);
  if (jobSet === undefined) return [];
  const errors: FieldError[] = [];
  for (const error of allErrors(jobSet, { gates, claims })) {
    if (errors.length === MAX_ERRORS) return [...errors, andMore()];
    errors.push(shortened(error));
  }
  return errors;
}

/**
 * The names of the PersistentVolumeClaims that the rules want to know of, each once and 2,500 at most. None while the JobSet's own
 * name is not fixed yet (generateName): such claims can't exist.
 */
export function claimsToLookUp(object: unknown): readonly string[] {
  if (oversizeErrors(object).length > 0) return [];
  const jobSet = readNewJobSet(object);
  return jobSet === undefined ? [] : generatedClaimNames(jobSet);
}

function* allErrors(
  jobSet: NewJobSet,
  { gates, claims }: { readonly gates: FeatureGates; readonly claims: ExistingClaims },
): Generator<FieldError> {
  yield* nameErrors(jobSet);
  yield* strategyErrors(jobSet, gates);
  yield* dependsOnErrors(jobSet);
  yield* networkErrors(jobSet);
  yield* managedByErrors(jobSet);
  yield* sizeAndNameErrors(jobSet);
  if (gates.InPlaceRestart && wantsInPlaceRestart(jobSet)) yield* inPlaceRestartErrors(jobSet);
  yield* successPolicyErrors(jobSet);
  yield* failurePolicyErrors(jobSet, gates);
  yield* coordinatorErrors(jobSet);
  yield* claimErrors(jobSet, claims);
  yield* placementErrors(jobSet);
}

/** Checked alone: nothing more is worth saying of such a body, and it would take long. */
function oversizeErrors(object: unknown): readonly FieldError[] {
  const rules = asArray(at(object, "spec", "failurePolicy", "rules")).length;
  const replicatedJobs = asArray(at(object, "spec", "replicatedJobs")).length;
  return [
    ...(replicatedJobs > MAX_REPLICATED_JOBS
      ? [tooMany("spec.replicatedJobs", replicatedJobs, MAX_REPLICATED_JOBS)]
      : []),
    ...(rules > MAX_FAILURE_POLICY_RULES ? [tooMany("spec.failurePolicy.rules", rules, MAX_FAILURE_POLICY_RULES)] : []),
  ];
}

/** A value of megabytes would stand four times in the answer. */
function shortened(error: FieldError): FieldError {
  const { badValue, detail } = error;
  const short = Array.isArray(badValue) ? badValue.map(shortText) : shortText(badValue);
  return { ...error, ...(badValue === undefined ? {} : { badValue: short }), detail: cut(detail, MAX_DETAIL_LENGTH) };
}

function shortText(value: unknown): unknown {
  return typeof value === "string" ? cut(value, MAX_VALUE_LENGTH) : value;
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}…` : text;
}

function andMore(): FieldError {
  return { type: "FieldValueInvalid", field: "spec", detail: `has more errors than the ${MAX_ERRORS} listed here` };
}
