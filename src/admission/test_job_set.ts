/** JobSets on their way in, for the tests of the rules. */
import { DEFAULT_FEATURE_GATES, type FeatureGate, type FeatureGates } from "../api/feature_gates.ts";
import type { JsonObject } from "../base/json.ts";
import type { ExistingClaims } from "./existing_claim.ts";
import { errorText } from "./field_error.ts";
import { validateCreate } from "./validate_create.ts";

/** A JobSet called `js` in namespace `ns`. */
export function newJobSet(spec: JsonObject, metadata: JsonObject = { name: "js", namespace: "ns" }): JsonObject {
  return { apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet", metadata, spec };
}

/** A replicatedJob with one container; `job` goes into the Job's spec, `pod` into the Pod's. */
export function group(
  name: string,
  { job = {}, pod = {}, metadata = {}, ...own }: {
    readonly job?: JsonObject;
    readonly pod?: JsonObject;
    readonly metadata?: JsonObject;
    readonly [field: string]: unknown;
  } = {},
): JsonObject {
  const containers = [{ name: "main", image: "busybox:1.36" }];
  return { name, template: { metadata, spec: { template: { spec: { containers, ...pod } }, ...job } }, ...own };
}

/** All gates at their defaults, but for these. */
export function gatesWith(...on: readonly FeatureGate[]): FeatureGates {
  return { ...DEFAULT_FEATURE_GATES, ...Object.fromEntries(on.map((gate) => [gate, true])) };
}

/** The lines of what is wrong with a new JobSet. */
export function problems(
  object: unknown,
  { gates = DEFAULT_FEATURE_GATES, claims = "offline" }: {
    readonly gates?: FeatureGates;
    readonly claims?: ExistingClaims;
  } = {},
): readonly string[] {
  return validateCreate({ object, gates, claims }).map(errorText);
}
