/** What a Job's status must be, and how it may change (Kubernetes 1.36). */
import { asArray, asInteger, asString, at, type JsonObject } from "../../../src/base/json.ts";
import { type FieldCause, invalidField, plainInvalid, requiredField } from "./server_refusal.ts";

const COUNTERS = ["active", "succeeded", "failed", "ready", "terminating"];
/** Once True they stay so. */
const TERMINAL = ["Failed", "Complete", "FailureTarget", "SuccessCriteriaMet"];
/** Two that exclude each other. */
const CONTRADICTIONS = [
  ["Complete", "Failed", "cannot set Complete=True and Failed=true conditions"],
  ["Complete", "FailureTarget", "cannot set Complete=True and FailureTarget=true conditions"],
  ["SuccessCriteriaMet", "Failed", "cannot set SuccessCriteriaMet=True and Failed=true conditions"],
  ["SuccessCriteriaMet", "FailureTarget", "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"],
] as const;
const CONDITIONS = "status.conditions";

export function jobStatusCauses(job: JsonObject, stored: JsonObject): readonly FieldCause[] {
  const status = job["status"];
  const old = stored["status"];
  const [now, before] = [trueTypes(status), trueTypes(old)];
  return [
    ...counterCauses(status),
    ...fallingCauses(job, old),
    ...timeCauses(status, { isSuspended: at(stored, "spec", "suspend") === true, old, now }),
    ...conditionCauses(now, before),
    ...(now.has("Complete") || now.has("Failed") ? finishedCauses(status) : []),
    ...indexCauses(job),
  ];
}

function counterCauses(status: unknown): readonly FieldCause[] {
  const causes: FieldCause[] = [];
  for (const counter of COUNTERS) {
    const value = at(status, counter);
    if (typeof value === "number" && value < 0) {
      causes.push(invalidField(`status.${counter}`, value, "must be greater than or equal to 0"));
    }
  }
  const ready = at(status, "ready");
  if (typeof ready === "number" && ready > countOf(status, "active")) {
    causes.push(invalidField("status.ready", ready, "cannot set more ready pods than active"));
  }
  return causes;
}

/** What has been counted stays counted; only a Job that shrinks forgets successes. */
function fallingCauses(job: JsonObject, old: unknown): readonly FieldCause[] {
  const { spec, status } = job;
  const isElastic = at(spec, "completionMode") === "Indexed" && at(spec, "completions") === at(spec, "parallelism");
  return (isElastic ? ["failed"] : ["failed", "succeeded"]).flatMap((counter) => {
    const count = countOf(status, counter);
    if (count >= countOf(old, counter)) return [];
    return [invalidField(`status.${counter}`, count, `cannot decrease the ${counter} counter`)];
  });
}

function timeCauses(
  status: unknown,
  { isSuspended, old, now }: {
    readonly isSuspended: boolean;
    readonly old: unknown;
    readonly now: ReadonlySet<string>;
  },
): readonly FieldCause[] {
  const causes: FieldCause[] = [];
  const [startTime, oldStart] = [at(status, "startTime"), at(old, "startTime")];
  if (oldStart !== undefined && startTime !== oldStart && !isSuspended) {
    causes.push(
      invalidField("status.startTime", startTime, "field is immutable for unsuspended job once set"),
    );
  }
  const completionTime = asString(at(status, "completionTime"));
  const field = "status.completionTime";
  if (completionTime === undefined) {
    if (now.has("Complete")) causes.push(requiredField(field, "completionTime is required for Complete jobs"));
    return causes;
  }
  if (!now.has("Complete")) {
    const why = "cannot set completionTime when there is no Complete=True condition";
    causes.push(invalidField(field, completionTime, why));
  }
  if (typeof startTime === "string" && Date.parse(completionTime) < Date.parse(startTime)) {
    causes.push(invalidField(field, completionTime, "must be equal to or after `startTime`"));
  }
  return causes;
}

function conditionCauses(now: ReadonlySet<string>, before: ReadonlySet<string>): readonly FieldCause[] {
  const causes: FieldCause[] = [];
  const refuse = (why: string) => causes.push(plainInvalid(CONDITIONS, why));
  if (now.has("Complete") && !now.has("SuccessCriteriaMet")) {
    refuse("cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
  }
  if (now.has("Failed") && !now.has("FailureTarget")) {
    refuse("cannot set Failed=True condition without the FailureTarget=true condition");
  }
  for (const type of TERMINAL) {
    if (before.has(type) && !now.has(type)) refuse(`cannot disable the terminal ${type}=True condition`);
  }
  for (const [one, other, why] of CONTRADICTIONS) if (now.has(one) && now.has(other)) refuse(why);
  return causes;
}

/** A finished Job has started, and has no Pod left. */
function finishedCauses(status: unknown): readonly FieldCause[] {
  const causes: FieldCause[] = [];
  if (at(status, "startTime") === undefined) {
    causes.push(requiredField("status.startTime", "startTime is required for finished job"));
  }
  for (const counter of ["active", "terminating"]) {
    const count = countOf(status, counter);
    if (count > 0) causes.push(invalidField(`status.${counter}`, count, `${counter}>0 is invalid for finished job`));
  }
  return causes;
}

function indexCauses(job: JsonObject): readonly FieldCause[] {
  const indexes = asString(at(job, "status", "completedIndexes")) ?? "";
  if (indexes === "" || at(job, "spec", "completionMode") === "Indexed") return [];
  const why = "cannot set non-empty completedIndexes when non-indexed completion mode";
  return [invalidField("status.completedIndexes", indexes, why)];
}

function trueTypes(status: unknown): ReadonlySet<string> {
  const types = new Set<string>();
  for (const condition of asArray(at(status, "conditions"))) {
    if (at(condition, "status") === "True") types.add(asString(at(condition, "type")) ?? "");
  }
  return types;
}

function countOf(status: unknown, counter: string): number {
  return asInteger(at(status, counter)) ?? 0;
}
