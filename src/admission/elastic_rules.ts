/** What gate ElasticJobSet lets change: the size of Indexed Jobs while the JobSet is not finished (spec 2.3). */
import { readConditions, trueCondition } from "../api/conditions.ts";
import { childJobName } from "../api/names.ts";
import { asArray, asInteger, asObject, asString, at, type JsonObject } from "../base/json.ts";
import { equalJson } from "./equal.ts";
import { type FieldError, forbidden, invalid } from "./field_error.ts";
import { MAX_LABEL_LENGTH } from "./name_rules.ts";

const FINISHED = "Cannot mutate parallelism or completions when JobSet is in a terminal state (Completed or Failed)";
const UNEQUAL = "completions must be equal to parallelism for Elastic Indexed Jobs";
const HOSTNAME_TOO_LONG =
  `JobSet name is too long, hostnames of the last pods will exceed ${MAX_LABEL_LENGTH} characters`;

/** The names of the new object's replicatedJobs whose parallelism and completions may change. */
export function elasticNames(object: unknown): ReadonlySet<string> {
  const elastic = asArray(at(object, "spec", "replicatedJobs")).filter(isIndexed);
  return new Set(elastic.map(nameOf));
}

/** The mistakes of each replicatedJob whose size changed, in the order of the new object. */
export function elasticErrors(
  { object, oldObject }: { readonly object: unknown; readonly oldObject: unknown },
): readonly FieldError[] {
  const old = new Map(asArray(at(oldObject, "spec", "replicatedJobs")).map((job) => [nameOf(job), jobSpec(job)]));
  const isFinished = [oldObject, object].some(isTerminal);
  return asArray(at(object, "spec", "replicatedJobs")).flatMap((job, i) => {
    const before = old.get(nameOf(job));
    if (before === undefined || !isIndexed(job)) return [];
    const path = `spec.replicatedJobs[${i}].template.spec`;
    const after = jobSpec(job);
    const errors = sizeErrors(path, { before, after, isFinished });
    return errors.length > 0 ? errors : hostnameErrors(path, { lastJob: lastJobName(object, job), before, after });
  });
}

function sizeErrors(
  path: string,
  { before, after, isFinished }: {
    readonly before: JsonObject;
    readonly after: JsonObject;
    readonly isFinished: boolean;
  },
): readonly FieldError[] {
  const changed = (["parallelism", "completions"] as const).filter((field) => !equalJson(before[field], after[field]));
  if (changed.length === 0) return [];
  if (isFinished) return [forbidden(path, FINISHED)];
  const tooSmall = changed.filter((field) => isSet(after[field]) && !isPositive(after[field]));
  const errors = tooSmall.map((field) => invalid(`${path}.${field}`, after[field], `${field} must be >= 1`));
  const { parallelism, completions } = after;
  if (!isSet(parallelism) || !isSet(completions) || parallelism === completions) return errors;
  return [...errors, invalid(`${path}.completions`, completions, UNEQUAL)];
}

/**
 * Ours: the Job controller cuts the names of Pods to fit, as they grow by a digit, but their hostnames hold Job and index whole: no Pod
 * with a longer one can be made, and nobody else looks again.
 */
function hostnameErrors(
  path: string,
  { lastJob, before, after }: { readonly lastJob: string; readonly before: JsonObject; readonly after: JsonObject },
): readonly FieldError[] {
  const [old = 0, completions = 0] = [asInteger(before["completions"]), asInteger(after["completions"])];
  const hostname = `${lastJob}-${completions - 1}`;
  if (completions <= old || hostname.length <= MAX_LABEL_LENGTH) return [];
  return [invalid(`${path}.completions`, hostname, HOSTNAME_TOO_LONG)];
}

function lastJobName(jobSet: unknown, job: unknown): string {
  const replicas = asInteger(at(job, "replicas")) ?? 1;
  return childJobName(asString(at(jobSet, "metadata", "name")) ?? "", nameOf(job), Math.max(replicas - 1, 0));
}

function isTerminal(jobSet: unknown): boolean {
  const conditions = readConditions(at(jobSet, "status", "conditions"));
  return trueCondition(conditions, "Completed") !== undefined || trueCondition(conditions, "Failed") !== undefined;
}

function isIndexed(job: unknown): boolean {
  return jobSpec(job)["completionMode"] === "Indexed";
}

function jobSpec(job: unknown): JsonObject {
  return asObject(at(job, "template", "spec")) ?? {};
}

function nameOf(job: unknown): string {
  return asString(at(job, "name")) ?? "";
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isPositive(value: unknown): boolean {
  return typeof value === "number" && value >= 1;
}
