/** The rules of a new JobSet's name, network, managedBy and success policy (spec 2.2: 3, 4, 7). */
import { asString, at } from "../base/json.ts";
import { type FieldError, invalid, required } from "./field_error.ts";
import {
  dns1035LabelProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  domainPrefixedPathErrors,
  generateNameProblems,
  labelValueProblems,
  MAX_LABEL_LENGTH,
} from "./name_rules.ts";
import { type NewJobSet, stringEntries } from "./new_job_set.ts";
import { byteLength } from "./go_text.ts";

/** The API server checks these itself before it asks us; a file that is checked without one has only this. */
export function* nameErrors({ metadata }: NewJobSet): Generator<FieldError> {
  const name = asString(metadata["name"]) ?? "";
  const prefix = asString(metadata["generateName"]) ?? "";
  for (const problem of prefix === "" ? [] : generateNameProblems(prefix)) {
    yield invalid("metadata.generateName", prefix, problem);
  }
  for (const problem of name === "" ? [] : dns1123SubdomainProblems(name)) {
    yield invalid("metadata.name", name, problem);
  }
  if (name === "" && prefix === "") yield required("metadata.name", "name or generateName is required");
}

/** Rule 3: the subdomain names a Service. */
export function* networkErrors(jobSet: NewJobSet): Generator<FieldError> {
  const field = "spec.network.subdomain";
  const subdomain = asString(at(jobSet.spec, "network", "subdomain")) ?? "";
  if (jobSet.replicatedJobs.length === 0) yield* serviceErrors(jobSet, { isNamedByJobSet: subdomain === "" });
  if (subdomain === "") return;
  for (const problem of dns1123SubdomainProblems(subdomain)) yield invalid(field, subdomain, problem);
  const tooLong = `.${field} is too long, must be less than 63 characters`;
  for (const problem of label1035Problems(subdomain, tooLong)) yield invalid(field, subdomain, problem);
}

/**
 * Ours: the JobSet's name is a label of its Service, or names it. Where there are Jobs their names are stricter. The first character may
 * be a digit: API servers have taken that in the name of a Service since Kubernetes 1.36.
 */
function* serviceErrors(
  { spec, name, isNameFinal }: NewJobSet,
  { isNamedByJobSet }: { readonly isNamedByJobSet: boolean },
): Generator<FieldError> {
  const hasService = at(spec, "network", "enableDNSHostnames") !== false;
  if (!hasService || name === undefined || dns1123SubdomainProblems(name).length > 0) return;
  const problems = isNamedByJobSet ? dns1123LabelProblems(name) : labelValueProblems(name);
  const field = isNameFinal ? "metadata.name" : "metadata.generateName";
  const role = isNamedByJobSet ? "names the headless Service" : "is a label of the headless Service";
  for (const problem of problems) yield invalid(field, name, `${role}: ${problem}`);
}

/** Rule 4. */
export function* managedByErrors({ spec }: NewJobSet): Generator<FieldError> {
  const managedBy = asString(spec["managedBy"]);
  if (managedBy !== undefined) yield* domainPrefixedPathErrors("spec.managedBy", managedBy);
}

/** Rule 7, but for the failure policy. */
export function* successPolicyErrors({ spec, replicatedJobs }: NewJobSet): Generator<FieldError> {
  const names = new Set(replicatedJobs.map(({ name }) => name));
  for (const [index, target] of stringEntries(at(spec, "successPolicy", "targetReplicatedJobs"))) {
    if (names.has(target)) continue;
    const why = `invalid replicatedJob name '${target}' does not appear in .spec.ReplicatedJobs`;
    yield invalid(`spec.successPolicy.targetReplicatedJobs[${index}]`, target, why);
  }
}

/** Why this is no DNS-1035 label, with words of our own for one that is too long. */
export function label1035Problems(name: string, tooLong: string): readonly string[] {
  const problems = dns1035LabelProblems(name);
  return byteLength(name) > MAX_LABEL_LENGTH ? [tooLong, ...problems.slice(1)] : problems;
}
