/** What a Job must be, and what of it may change (Kubernetes 1.36). */
import { asArray, asInteger, asObject, asString, asStringMap, at, type JsonObject } from "../../../src/base/json.ts";
import { deepEqual } from "./deep_equal.ts";
import { nameOf, uidOf } from "./metadata.ts";
import { type FieldCause, invalidField, plainInvalid, requiredField } from "./server_refusal.ts";

const RESTART_POLICIES = ["OnFailure", "Never"];
const TEMPLATE = "spec.template";
const MAX_LABEL = 63;
const COUNTS = ["parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"];
/** Never changed once the Job is made. */
const FIXED = ["selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"];
/** What a queue may set in the template of a suspended Job. */
const DIRECTIVES = ["nodeSelector", "tolerations", "schedulingGates"];

export function jobCreateCauses(job: JsonObject): readonly FieldCause[] {
  return [...nameCauses(job), ...specCauses(job)];
}

export function jobUpdateCauses(job: JsonObject, stored: JsonObject): readonly FieldCause[] {
  const [spec, old] = [asObject(job["spec"]) ?? {}, asObject(stored["spec"]) ?? {}];
  if (spec === old) return [];
  return [
    ...specCauses(job),
    ...completionsCauses(job, stored),
    ...templateCauses(job, stored),
    ...FIXED.flatMap((field) =>
      deepEqual(spec[field], old[field]) ? [] : [invalidField(`spec.${field}`, spec[field], "field is immutable")]
    ),
  ];
}

function nameCauses(job: JsonObject): readonly FieldCause[] {
  const name = nameOf(job);
  const completions = asInteger(at(job, "spec", "completions")) ?? 0;
  const longest = `${name}-${Math.max(completions - 1, 0)}`;
  const isIndexed = at(job, "spec", "completionMode") === "Indexed";
  return isIndexed && name.length <= MAX_LABEL && longest.length > MAX_LABEL
    ? [invalidField("metadata.name", name, `will not able to create pod with invalid DNS label: ${longest}`)]
    : [];
}

function specCauses(job: JsonObject): readonly FieldCause[] {
  const spec = asObject(job["spec"]) ?? {};
  const causes: FieldCause[] = [];
  for (const field of COUNTS) {
    const value = spec[field];
    if (typeof value === "number" && value < 0) {
      causes.push(invalidField(`spec.${field}`, value, "must be greater than or equal to 0"));
    }
  }
  if (spec["completionMode"] === "Indexed" && asInteger(spec["completions"]) === undefined) {
    causes.push(requiredField("spec.completions", "when completion mode is Indexed"));
  }
  causes.push(...podCauses(asObject(at(spec, "template", "spec")) ?? {}));
  causes.push(...labelCauses(job));
  return causes;
}

function podCauses(spec: JsonObject): readonly FieldCause[] {
  const causes: FieldCause[] = [];
  if (asArray(spec["containers"]).length === 0) causes.push(requiredField(`${TEMPLATE}.spec.containers`));
  const policy = asString(spec["restartPolicy"]) ?? "";
  const field = `${TEMPLATE}.spec.restartPolicy`;
  if (!RESTART_POLICIES.includes(policy)) causes.push(requiredField(field, 'valid values: "OnFailure", "Never"'));
  return causes;
}

/** A Job's Pods carry its name and uid, and no label value is longer than 63 bytes. */
function labelCauses(job: JsonObject): readonly FieldCause[] {
  const labels = asStringMap(at(job, "spec", "template", "metadata", "labels"));
  const causes: FieldCause[] = [];
  const expected = [
    ["controller-uid", uidOf(job)],
    ["batch.kubernetes.io/controller-uid", uidOf(job)],
    ["job-name", nameOf(job)],
    ["batch.kubernetes.io/job-name", nameOf(job)],
  ] as const;
  for (const [key, value] of at(job, "spec", "manualSelector") === true ? [] : expected) {
    if (labels[key] === value) continue;
    causes.push(invalidField(`${TEMPLATE}.metadata.labels[${key}]`, labels, `must be '${value}'`));
  }
  for (const value of Object.values(labels)) {
    if (value.length <= MAX_LABEL) continue;
    causes.push(invalidField(`${TEMPLATE}.labels`, value, `must be no more than ${MAX_LABEL} bytes`));
  }
  return causes;
}

/** Only an Indexed Job grows and shrinks, its two sizes together. */
function completionsCauses(job: JsonObject, stored: JsonObject): readonly FieldCause[] {
  const completions = at(job, "spec", "completions");
  if (completions === at(stored, "spec", "completions")) return [];
  const field = "spec.completions";
  const isElastic = at(job, "spec", "completionMode") === "Indexed" && at(stored, "spec", "completions") !== undefined;
  if (!isElastic || completions === undefined) return [invalidField(field, completions, "field is immutable")];
  if (completions === at(job, "spec", "parallelism")) return [];
  return [invalidField(field, completions, "can only be modified in tandem with spec.parallelism")];
}

function templateCauses(job: JsonObject, stored: JsonObject): readonly FieldCause[] {
  const [template, old] = [at(job, "spec", "template"), at(stored, "spec", "template")];
  if (template === old || deepEqual(template, old)) return [];
  const refused = (field: string) => [plainInvalid(field, "{…}: field is immutable")];
  if (!takesTemplate(stored)) return refused(TEMPLATE);
  return deepEqual(withoutDirectives(template), withoutDirectives(old)) ? [] : refused(`${TEMPLATE}.spec`);
}

/** Suspended, without Pods; and never started, or the Job controller has said that it is suspended. */
export function takesTemplate(job: JsonObject): boolean {
  if (at(job, "spec", "suspend") !== true || (asInteger(at(job, "status", "active")) ?? 0) > 0) return false;
  if (at(job, "status", "startTime") === undefined) return true;
  return asArray(at(job, "status", "conditions"))
    .some((condition) => at(condition, "type") === "Suspended" && at(condition, "status") === "True");
}

function withoutDirectives(template: unknown): JsonObject {
  const metadata = without(at(template, "metadata"), ["labels", "annotations"]);
  const spec: Record<string, unknown> = without(at(template, "spec"), DIRECTIVES);
  for (const list of ["containers", "initContainers"]) {
    if (spec[list] !== undefined) spec[list] = asArray(spec[list]).map((each) => without(each, ["resources"]));
  }
  const affinity = without(spec["affinity"], ["nodeAffinity"]);
  if (Object.keys(affinity).length === 0) delete spec["affinity"];
  else spec["affinity"] = affinity;
  return { ...asObject(template), metadata, spec };
}

function without(value: unknown, fields: readonly string[]): Record<string, unknown> {
  const made: Record<string, unknown> = { ...asObject(value) };
  for (const field of fields) delete made[field];
  return made;
}
