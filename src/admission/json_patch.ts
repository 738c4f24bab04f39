/** JSON Patch (RFC 6902), the two operations that our webhooks need. */
import { asObject, type JsonObject } from "../base/json.ts";

/** One change. `path` is a JSON Pointer; `add` of a member that exists replaces it. */
export interface JsonPatchOperation {
  readonly op: "add" | "replace";
  readonly path: string;
  readonly value: unknown;
}

/** A JSON Pointer: each step escaped, so that a key such as `example.com/a` stays one step. */
export function jsonPointer(...steps: readonly (string | number)[]): string {
  return steps.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/**
 * The operation that gives a member this value, with the objects that are absent (or null) on the way; a last step `-` after a list
 * appends. Undefined where something else than an object stands in the way: that is for the schema to refuse.
 */
export function setOperation(
  document: unknown,
  steps: readonly string[],
  value: unknown,
): JsonPatchOperation | undefined {
  let here = document;
  for (const [depth, step] of steps.entries()) {
    const isLast = depth === steps.length - 1;
    const object = asObject(here);
    if (object === undefined && !(isLast && step === "-" && Array.isArray(here))) return undefined;
    const next = object !== undefined && Object.hasOwn(object, step) ? object[step] : undefined;
    if (isLast || next === undefined || next === null) {
      const whole = steps.slice(depth + 1).reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
      return { op: "add", path: jsonPointer(...steps.slice(0, depth + 1)), value: whole };
    }
    here = next;
  }
  return undefined;
}

/**
 * The document with the patch applied; the input stays as it is.
 *
 * @throws {RangeError} where a path leads to no object or array, or beyond an array's end
 */
export function applyPatch(document: unknown, patch: readonly JsonPatchOperation[]): unknown {
  return patch.reduce((result, operation) => {
    const steps = operation.path.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    return applyAt(result, steps, operation);
  }, document);
}

function applyAt(here: unknown, steps: readonly string[], operation: JsonPatchOperation): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return operation.value;
  if (Array.isArray(here)) return applyInArray(here, { step, rest, operation });
  const object = asObject(here);
  if (object === undefined) throw new RangeError(`apply patch: no object at "${step}" of "${operation.path}"`);
  const isNew = rest.length === 0 && operation.op === "add";
  if (!isNew && !Object.hasOwn(object, step)) {
    throw new RangeError(`apply patch: no member "${step}" of "${operation.path}"`);
  }
  return withMember(object, step, applyAt(object[step], rest, operation));
}

function applyInArray(
  array: readonly unknown[],
  { step, rest, operation }: {
    readonly step: string;
    readonly rest: readonly string[];
    readonly operation: JsonPatchOperation;
  },
): readonly unknown[] {
  const isAdd = rest.length === 0 && operation.op === "add";
  const index = isAdd && step === "-" ? array.length : Number(step);
  const end = isAdd ? array.length : array.length - 1;
  if (!/^(0|[1-9][0-9]*|-)$/.test(step) || !(index <= end)) {
    throw new RangeError(`apply patch: no item "${step}" of "${operation.path}"`);
  }
  return array.toSpliced(index, isAdd ? 0 : 1, applyAt(array[index], rest, operation));
}

/** Built entry by entry: a key such as `__proto__` stays a key. */
function withMember(object: JsonObject, key: string, value: unknown): JsonObject {
  return Object.fromEntries([...Object.entries(object), [key, value]]);
}
