/** The three kinds of patch. What a patch does not touch stays the same object. */
import { asArray, asObject, asString, at, type JsonObject } from "../../../src/base/json.ts";
import { deepEqual } from "./deep_equal.ts";
import { badRequest, patchFailed, unsupportedMediaType } from "./server_refusal.ts";

export const MERGE_PATCH = "application/merge-patch+json";
export const JSON_PATCH = "application/json-patch+json";
export const STRATEGIC_PATCH = "application/strategic-merge-patch+json";

/** The object as the patch makes it. Throws a refusal where it cannot be applied. */
export function patched(
  object: JsonObject,
  { contentType, patch, isCustom }: {
    readonly contentType: string;
    readonly patch: unknown;
    readonly isCustom: boolean;
  },
): JsonObject {
  switch (contentType) {
    case MERGE_PATCH:
      return asPatch(mergePatch(object, asPatch(patch)));
    case JSON_PATCH:
      if (!Array.isArray(patch)) throw badRequest("error decoding patch: json: cannot unmarshal object into a list");
      return asPatch(jsonPatch(object, patch));
    case STRATEGIC_PATCH:
      if (!isCustom) return asPatch(strategicPatch(object, asPatch(patch)));
      break;
    default:
  }
  throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, ...(isCustom ? [] : [STRATEGIC_PATCH])]);
}

function asPatch(value: unknown): JsonObject {
  const object = asObject(value);
  if (object === undefined) throw badRequest("error decoding patch: it is no object");
  return object;
}

/** RFC 7396. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  const changes = asObject(patch);
  if (changes === undefined) return patch;
  const merged: Record<string, unknown> = { ...asObject(target) };
  for (const field in changes) {
    const change = changes[field];
    if (change === null) delete merged[field];
    else merged[field] = typeof change === "object" ? mergePatch(merged[field], change) : change;
  }
  return merged;
}

/** Lists that are merged entry by entry, by this field of the entries. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  conditions: "type",
  ownerReferences: "uid",
  containers: "name",
  initContainers: "name",
  volumes: "name",
};

function strategicPatch(target: unknown, patch: unknown): unknown {
  const changes = asObject(patch);
  if (changes === undefined) return patch;
  const merged: Record<string, unknown> = { ...asObject(target) };
  for (const field in changes) {
    const change = changes[field];
    const key = MERGE_KEYS[field];
    if (change === null) delete merged[field];
    else if (key !== undefined && Array.isArray(change)) {
      merged[field] = mergeLists(asArray(merged[field]), change, key);
    } else if (field === "finalizers") merged[field] = [...new Set([...asArray(merged[field]), ...asArray(change)])];
    else merged[field] = typeof change === "object" ? strategicPatch(merged[field], change) : change;
  }
  return merged;
}

/** What is new stands before what was there. */
function mergeLists(old: readonly unknown[], changes: readonly unknown[], key: string): readonly unknown[] {
  const isOf = (change: unknown) => (entry: unknown) => at(entry, key) === at(change, key);
  const changed = old.flatMap((entry) => {
    const change = changes.find(isOf(entry));
    if (change === undefined) return [entry];
    return at(change, "$patch") === "delete" ? [] : [strategicPatch(entry, change)];
  });
  const isNew = (change: unknown) => at(change, "$patch") === undefined && !old.some(isOf(change));
  return [...changes.filter(isNew), ...changed];
}

/** RFC 6902, without `move` and `copy`. */
function jsonPatch(object: JsonObject, operations: readonly unknown[]): unknown {
  return operations.reduce<unknown>((document, operation) => {
    const [op, path] = [asString(at(operation, "op")), asString(at(operation, "path"))];
    if (op === undefined || path === undefined) throw patchFailed();
    const steps = path === "" ? [] : path.split("/").slice(1).map(unescape);
    const value = at(operation, "value");
    switch (op) {
      case "test":
        if (!deepEqual(valueAt(document, steps) ?? null, value ?? null)) throw patchFailed();
        return document;
      case "add":
      case "replace":
      case "remove":
        return changedAt(document, steps, { op, value });
      default:
        throw patchFailed();
    }
  }, object);
}

function unescape(step: string): string {
  return step.includes("~") ? step.replaceAll("~1", "/").replaceAll("~0", "~") : step;
}

function valueAt(document: unknown, steps: readonly string[]): unknown {
  return steps.reduce<unknown>((here, step, index) => {
    if (Array.isArray(here)) return here[indexOf(step, here.length - 1)];
    const object = asObject(here);
    const isLast = index === steps.length - 1;
    if (object === undefined || (!isLast && !Object.hasOwn(object, step))) throw patchFailed();
    return object[step];
  }, document);
}

interface Change {
  readonly op: "add" | "replace" | "remove";
  readonly value: unknown;
}

function changedAt(here: unknown, steps: readonly string[], change: Change): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return change.value;
  const isAdd = change.op === "add";
  if (Array.isArray(here)) {
    if (rest.length > 0) {
      const index = indexOf(step, here.length - 1);
      return here.with(index, changedAt(here[index], rest, change));
    }
    const index = isAdd && step === "-" ? here.length : indexOf(step, isAdd ? here.length : here.length - 1);
    return here.toSpliced(index, isAdd ? 0 : 1, ...(change.op === "remove" ? [] : [change.value]));
  }
  const object = asObject(here);
  // Of an object even what is not there can be replaced.
  const mustExist = rest.length > 0 || change.op === "remove";
  if (object === undefined || (mustExist && !Object.hasOwn(object, step))) throw patchFailed();
  const made: Record<string, unknown> = { ...object };
  if (rest.length > 0) made[step] = changedAt(object[step], rest, change);
  else if (change.op === "remove") delete made[step];
  else made[step] = change.value;
  return made;
}

function indexOf(step: string, last: number): number {
  const index = /^(0|[1-9]\d*)$/.test(step) ? Number(step) : -1;
  if (index < 0 || index > last) throw patchFailed();
  return index;
}
