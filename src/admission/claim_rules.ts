/** The rules of a new JobSet's volume claim policies (spec 2.2: 10). */
import { volumeClaimName } from "../api/names.ts";
import { asArray, asString, at } from "../base/json.ts";
import { equalClaimSpecs } from "./equal_claim_specs.ts";
import type { ExistingClaim, ExistingClaims } from "./existing_claim.ts";
import { type FieldError, internalError, invalid } from "./field_error.ts";
import { byteLength } from "./go_text.ts";
import { MAX_CLAIM_TEMPLATES } from "./limits.ts";
import { dns1123SubdomainProblems, MAX_LABEL_LENGTH } from "./name_rules.ts";
import type { NewJobSet } from "./new_job_set.ts";

interface ClaimTemplate {
  /** `spec.volumeClaimPolicies[0].template[0]` (spec 2.4) */
  readonly path: string;
  readonly name: string;
  readonly spec: unknown;
  readonly isRetained: boolean;
}

/** The names that the claims of a JobSet will have; none while its own is not fixed. */
export function generatedClaimNames(jobSet: NewJobSet): readonly string[] {
  const { name: jobSetName, isNameFinal } = jobSet;
  if (jobSetName === undefined || !isNameFinal) return [];
  const names = new Set<string>();
  for (const { name } of claimTemplates(jobSet)) {
    if (canBeLookedUp(name, jobSetName)) names.add(volumeClaimName(name, jobSetName));
  }
  return [...names];
}

/** All of rule 10. */
export function* claimErrors(jobSet: NewJobSet, claims: ExistingClaims): Generator<FieldError> {
  const seen = new Set<string>();
  const { mounts, volumes } = podVolumes(jobSet);
  for (const template of claimTemplates(jobSet)) {
    const { path, name } = template;
    if (seen.has(name)) yield invalid(path, name, "names must be unique for VolumeClaimPolicies template");
    seen.add(name);
    const problems = dns1123SubdomainProblems(name);
    for (const problem of problems) yield invalid(path, name, problem);
    // Ours: it names a volume of the Pods too, and each Job would be refused for that.
    if (problems.length === 0 && name.includes(".")) yield invalid(path, name, "must not contain dots");
    if (jobSet.name !== undefined && byteLength(volumeClaimName(name, jobSet.name)) > MAX_LABEL_LENGTH) {
      yield invalid(path, name, "VolumeClaimPolicies template name is too long");
    }
    if (volumes.has(name)) {
      yield invalid(path, name, `volume name conflicts with VolumeClaimPolicy template name: ${name}`);
    }
    if (!mounts.has(name)) {
      const why = `replicatedJob containers don't have a matching volumeMount: ${name} from VolumeClaimPolicies`;
      yield invalid(path, name, why);
    }
    yield* existingClaimErrors(jobSet, template, claims);
  }
}

function* existingClaimErrors(
  { name: jobSetName, isNameFinal, namespace }: NewJobSet,
  template: ClaimTemplate,
  claims: ExistingClaims,
): Generator<FieldError> {
  if (claims === "offline" || jobSetName === undefined || !isNameFinal) return;
  if (!canBeLookedUp(template.name, jobSetName)) return;
  const { path } = template;
  const name = volumeClaimName(template.name, jobSetName);
  const existing: ExistingClaim = claims.get(name) ?? { kind: "error", message: "it was not looked up" };
  if (existing.kind === "absent") return;
  if (existing.kind === "error") {
    yield internalError(path, `failed to check for existing PVC ${name}: ${existing.message}`);
    return;
  }
  if (!equalClaimSpecs(template.spec, existing.claim["spec"])) {
    yield invalid(path, template.name, `spec does not match existing PVC ${name} in namespace ${namespace}`);
  }
  if (!template.isRetained) yield invalid(path, template.name, "retentionPolicy must be retain when PVC exists");
}

/** A claim of another name can't exist, and asking for it would only be refused. */
function canBeLookedUp(templateName: string, jobSetName: string): boolean {
  return templateName !== "" && dns1123SubdomainProblems(volumeClaimName(templateName, jobSetName)).length === 0;
}

/** A name of a wrong type, and what is more than the schema allows, is left to it; an absent name is empty. */
function* claimTemplates({ spec }: NewJobSet): Generator<ClaimTemplate> {
  let count = 0;
  for (const [policyIndex, policy] of asArray(spec["volumeClaimPolicies"]).entries()) {
    const isRetained = at(policy, "retentionPolicy", "whenDeleted") === "Retain";
    for (const [index, template] of asArray(at(policy, "templates")).entries()) {
      const name = asString(at(template, "metadata", "name") ?? "");
      if (count++ === MAX_CLAIM_TEMPLATES) return;
      if (name === undefined) continue;
      const path = `spec.volumeClaimPolicies[${policyIndex}].template[${index}]`;
      yield { path, name, spec: at(template, "spec"), isRetained };
    }
  }
}

/** The names that containers of any replicatedJob mount, and those of the volumes that Pods bring themselves. */
function podVolumes(
  { replicatedJobs }: NewJobSet,
): { readonly mounts: ReadonlySet<unknown>; readonly volumes: ReadonlySet<unknown> } {
  const mounts = new Set<unknown>();
  const volumes = new Set<unknown>();
  for (const { podSpec } of replicatedJobs) {
    for (const field of ["initContainers", "containers"]) {
      for (const container of asArray(podSpec[field])) {
        for (const mount of asArray(at(container, "volumeMounts"))) mounts.add(at(mount, "name"));
      }
    }
    for (const volume of asArray(podSpec["volumes"])) volumes.add(at(volume, "name"));
  }
  return { mounts, volumes };
}
