/** The rules that a new JobSet must keep (spec 2.2). */
import type { FeatureGates } from "../api/feature_gates.ts";
import type { ExistingClaims } from "./existing_claim.ts";
import type { FieldError } from "./field_error.ts";

/** Every mistake of a new JobSet; none where it may be created. */
export function validateCreate(_: {
  readonly object: unknown;
  readonly gates: FeatureGates;
  readonly claims: ExistingClaims;
}): readonly FieldError[] {
  return [];
}

/** The names of the claims that the rules want to know of; none while the JobSet's own name is not fixed yet. */
export function claimsToLookUp(_object: unknown): readonly string[] {
  return [];
}
