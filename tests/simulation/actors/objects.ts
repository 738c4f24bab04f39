/** What the actors read of an object, with as little work as can be: they look at every write. */
import { asArray, asObject, asString, type JsonObject } from "../../../src/base/json.ts";
import type { ObjectKey } from "../types.ts";

const NOTHING: JsonObject = {};

export function metadataOf(object: JsonObject): JsonObject {
  return asObject(object["metadata"]) ?? NOTHING;
}

export function specOf(object: JsonObject): JsonObject {
  return asObject(object["spec"]) ?? NOTHING;
}

export function statusOf(object: JsonObject): JsonObject {
  return asObject(object["status"]) ?? NOTHING;
}

export function uidOf(object: JsonObject): string {
  return asString(metadataOf(object)["uid"]) ?? "";
}

export function keyOf(object: JsonObject): ObjectKey {
  const metadata = metadataOf(object);
  return { namespace: asString(metadata["namespace"]) ?? "", name: asString(metadata["name"]) ?? "" };
}

export function isDeleting(object: JsonObject): boolean {
  return metadataOf(object)["deletionTimestamp"] !== undefined;
}

export function hasFinalizer(object: JsonObject, finalizer: string): boolean {
  return asArray(metadataOf(object)["finalizers"]).includes(finalizer);
}

/** The uid of the owner that controls it; empty where there is none. */
export function controllerUid(object: JsonObject): string {
  for (const reference of asArray(metadataOf(object)["ownerReferences"])) {
    const owner = asObject(reference);
    if (owner?.["controller"] === true) return asString(owner["uid"]) ?? "";
  }
  return "";
}

export function conditionsOf(object: JsonObject): readonly unknown[] {
  return asArray(statusOf(object)["conditions"]);
}

/** The condition of this type, whatever its status. */
export function conditionOf(conditions: readonly unknown[], type: string): JsonObject | undefined {
  for (const condition of conditions) {
    const object = asObject(condition);
    if (object?.["type"] === type) return object;
  }
  return undefined;
}

export function isTrue(conditions: readonly unknown[], type: string): boolean {
  return conditionOf(conditions, type)?.["status"] === "True";
}

/** Whether a Job is finished: Complete or Failed. */
export function isFinishedJob(job: JsonObject): boolean {
  const conditions = conditionsOf(job);
  return conditions.length > 0 && (isTrue(conditions, "Complete") || isTrue(conditions, "Failed"));
}

/** A point of time as the API writes it: whole seconds. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
