/** The metadata of stored objects: fields in the order in which the real API server writes them, nothing that is empty. */
import { asArray, asObject, type JsonObject } from "../../../src/base/json.ts";
import type { ResourceInfo } from "./resource_info.ts";

/** As Go's types have it. */
const TYPED_ORDER = [
  "name",
  "generateName",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "labels",
  "annotations",
  "ownerReferences",
  "finalizers",
] as const;

/** As maps are written. */
const SORTED_ORDER = [...TYPED_ORDER].sort();

export type MetadataField = typeof TYPED_ORDER[number];
export type MetadataChange = { readonly [field in MetadataField]?: unknown };

/** What clients may change. */
const OWN_FIELDS = ["labels", "annotations", "ownerReferences", "finalizers"] as const;

/** The metadata with some fields replaced; undefined takes one away. */
export function withMetadata({ isCustom }: ResourceInfo, source: JsonObject, change: MetadataChange): JsonObject {
  return ordered(isCustom ? SORTED_ORDER : TYPED_ORDER, source, change);
}

/** In the order of a PartialObjectMetadata, whatever the resource. */
export function typedMetadata(source: JsonObject): JsonObject {
  return ordered(TYPED_ORDER, source, {});
}

function ordered(order: readonly MetadataField[], source: JsonObject, change: MetadataChange): JsonObject {
  const made: Record<string, unknown> = {};
  for (const field of order) {
    const value = field in change ? change[field] : source[field];
    if (!isEmpty(value)) made[field] = value;
  }
  return made;
}

/** Of the stored metadata all that the server owns, of the new one what clients may change. */
export function updatedMetadata(info: ResourceInfo, stored: JsonObject, next: JsonObject): JsonObject {
  const change: Partial<Record<MetadataField, unknown>> = {};
  for (const field of OWN_FIELDS) change[field] = next[field];
  return withMetadata(info, stored, change);
}

export function metadataOf(object: JsonObject): JsonObject {
  return asObject(object["metadata"]) ?? NOTHING;
}

export function nameOf(object: JsonObject): string {
  return textOf(metadataOf(object)["name"]);
}

export function namespaceOf(object: JsonObject): string {
  return textOf(metadataOf(object)["namespace"]);
}

export function uidOf(object: JsonObject): string {
  return textOf(metadataOf(object)["uid"]);
}

export function finalizersOf(object: JsonObject): readonly unknown[] {
  return asArray(metadataOf(object)["finalizers"]);
}

export function isDeleting(object: JsonObject): boolean {
  return metadataOf(object)["deletionTimestamp"] !== undefined;
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Absent, null, or a list or map without entries: Go's omitempty leaves it out. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value) return false;
  return true;
}

/** A point of time as the API writes it: whole seconds. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

const NOTHING: JsonObject = {};
