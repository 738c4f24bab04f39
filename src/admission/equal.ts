/**
 * Equality of replicatedJobs as the Kubernetes Go types see it (spec 2.3): a Go client reads a JobSet, writes it back through those
 * types, and must not be refused for what they add, drop or spell anew. Nothing else is equal: what a type keeps apart (a selector
 * of {} and none) stays apart. Any JSON may come in; the parts that no type describes are compared without recursion.
 */
import { asObject, type JsonObject } from "../base/json.ts";
import type { FieldRule } from "./field_rule.ts";
import { equalQuantities } from "../api/quantity.ts";
import { ZERO_VALUES } from "./zero_values.ts";

type StructRules = Readonly<Record<string, FieldRule>>;

const NO_RULES: StructRules = {};
const REPLICATED_JOB: StructRules = { template: ["struct", "JobTemplateSpec"] };
/** The schema's defaults (spec 1.1): an object that never met an API server means the same without them. */
const REPLICATED_JOB_DEFAULTS: JsonObject = { replicas: 1, groupName: "default" };

/** Whether two values of `spec.replicatedJobs` are equal; their order counts. */
export function equalReplicatedJobs(a: unknown, b: unknown): boolean {
  return equalLists(a, b, (left, right) =>
    equalObjects(
      left,
      right,
      (x, y) => equalFields(withDefaults(x), withDefaults(y), REPLICATED_JOB),
    ));
}

/** Whether two values of a type of the generated table are equal, such as two of `PersistentVolumeClaimSpec`. */
export function equalStructs(type: string, a: unknown, b: unknown): boolean {
  const rules = Object.hasOwn(ZERO_VALUES, type) ? ZERO_VALUES[type] : undefined;
  return equalObjects(a, b, (left, right) => equalFields(left, right, rules ?? NO_RULES));
}

/** Plain equality of JSON, but for null and empty lists, which are no value. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" && typeof b !== "object") return false;
  const open: [unknown, unknown][] = [[a, b]];
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [left, right] = pair;
    if (left === right || (isNothing(left) && isNothing(right))) continue;
    if (Array.isArray(left) && Array.isArray(right)) {
      if (left.length !== right.length) return false;
      left.forEach((item, i) => open.push([item, right[i]]));
      continue;
    }
    const [x, y] = [asObject(left), asObject(right)];
    if (x === undefined || y === undefined) return false;
    for (const field in x) open.push([x[field], own(y, field)]);
    for (const field in y) if (!Object.hasOwn(x, field)) open.push([undefined, y[field]]);
  }
  return true;
}

function equalFields(a: JsonObject, b: JsonObject, rules: StructRules): boolean {
  return equalEntries(a, b, (left, right, field) => {
    return equalField(Object.hasOwn(rules, field) ? rules[field] : undefined, left, right);
  });
}

/** JSON may name a field `constructor` or `__proto__`: what every object inherits is no field. */
function equalEntries(
  a: JsonObject,
  b: JsonObject,
  equalValues: (a: unknown, b: unknown, field: string) => boolean,
): boolean {
  for (const field in a) if (!equalValues(a[field], own(b, field), field)) return false;
  for (const field in b) if (!Object.hasOwn(a, field) && !equalValues(undefined, b[field], field)) return false;
  return true;
}

function equalField(rule: FieldRule | undefined, a: unknown, b: unknown): boolean {
  if (a === b) return true;
  switch (rule) {
    case undefined:
      return equalJson(a, b);
    case "zero":
      return equalJson(isZero(a) ? undefined : a, isZero(b) ? undefined : b);
    case "zeroNumber":
      return equalJson(a === 0 ? undefined : a, b === 0 ? undefined : b);
    case "quantity":
      return equalQuantities(a ?? "0", b ?? "0");
    case "optionalQuantity":
      return equalQuantities(a ?? undefined, b ?? undefined);
    case "map":
      return equalObjects(a, b, equalJson);
    case "quantities":
      return equalObjects(a, b, equalQuantityMaps);
    default:
      return equalStructField(rule, a, b);
  }
}

function equalStructField([kind, type]: Extract<FieldRule, readonly unknown[]>, a: unknown, b: unknown): boolean {
  if (kind === "list") return equalLists(a, b, (left, right) => equalStructs(type, left, right));
  if (kind === "optional" && (a ?? undefined) === undefined) return (b ?? undefined) === undefined;
  if (kind === "optional" && (b ?? undefined) === undefined) return false;
  return equalStructs(type, a, b);
}

function equalLists(a: unknown, b: unknown, equalItems: (a: unknown, b: unknown) => boolean): boolean {
  const [left, right] = [a ?? [], b ?? []];
  if (!Array.isArray(left) || !Array.isArray(right)) return equalJson(a, b);
  return left.length === right.length && left.every((item, i) => equalItems(item, right[i]));
}

/** Compares two objects, of which an absent one is empty; what is of another type equals only itself. */
function equalObjects(a: unknown, b: unknown, compare: (a: JsonObject, b: JsonObject) => boolean): boolean {
  const [left, right] = [asObject(a ?? {}), asObject(b ?? {})];
  return left === undefined || right === undefined ? equalJson(a, b) : compare(left, right);
}

/** A quantity of 0 is something else than none: a limit of 0, for instance. */
function equalQuantityMaps(a: JsonObject, b: JsonObject): boolean {
  return equalEntries(a, b, equalQuantities);
}

function withDefaults(job: JsonObject): JsonObject {
  const missing = Object.entries(REPLICATED_JOB_DEFAULTS).filter(([field]) => isNothing(job[field]));
  return missing.length === 0 ? job : { ...job, ...Object.fromEntries(missing) };
}

function isZero(value: unknown): boolean {
  return value === false || value === 0 || value === "";
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function own(object: JsonObject, field: string): unknown {
  return Object.hasOwn(object, field) ? object[field] : undefined;
}
