/** A structural schema at work: what it prunes, what it defaults, and what it refuses. */
import { asObject, at, type JsonObject } from "../../../src/base/json.ts";
import { goJson } from "../../../src/admission/go_text.ts";
import type { Schema } from "../../../src/api/crd/schema.ts";
import { type FieldCause, invalidField, requiredField, unsupportedField } from "./server_refusal.ts";

/** The value without unknown fields and without nulls, and with the defaults; the same object where that changes nothing. */
export function conformed(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) return conformedList(schema, value);
  const object = asObject(value);
  if (object === undefined || (schema.properties === undefined && schema.additionalProperties === undefined)) {
    return value;
  }
  const made: Record<string, unknown> = {};
  let isSame = true;
  for (const field in object) {
    const inner = innerSchema(schema, field);
    const kept = inner === undefined || object[field] === null ? undefined : conformed(inner, object[field]);
    if (kept !== object[field]) isSame = false;
    if (kept !== undefined) made[field] = kept;
  }
  for (const [field, inner] of Object.entries(schema.properties ?? {})) {
    if (inner.default === undefined || made[field] !== undefined) continue;
    made[field] = conformed(inner, inner.default);
    isSame = false;
  }
  return isSame ? object : made;
}

function conformedList({ items }: Schema, list: readonly unknown[]): readonly unknown[] {
  if (items === undefined) return list;
  const made = list.map((item) => conformed(items, item));
  return made.every((item, index) => item === list[index]) ? list : made;
}

function innerSchema(schema: Schema, field: string): Schema | undefined {
  const { properties } = schema;
  if (properties !== undefined && Object.hasOwn(properties, field)) return properties[field];
  return schema.additionalProperties;
}

/** What the schema refuses, beside its CEL rules. */
export function schemaCauses(
  schema: Schema,
  { value, path }: { readonly value: unknown; readonly path: string },
): readonly FieldCause[] {
  if (value === undefined || schema["x-kubernetes-int-or-string"]) return [];
  const wrongType = typeCause(schema, value, path);
  if (wrongType !== undefined) return [wrongType];
  if (typeof value === "string" || typeof value === "number") return scalarCauses(schema, { value, path });
  if (Array.isArray(value)) return listCauses(schema, { list: value, path });
  const object = asObject(value);
  if (object === undefined) return [];
  const causes: FieldCause[] = [];
  for (const field in object) {
    const inner = innerSchema(schema, field);
    if (inner !== undefined) causes.push(...schemaCauses(inner, { value: object[field], path: `${path}.${field}` }));
  }
  for (const field of schema.required ?? []) {
    if (object[field] === undefined) causes.push(requiredField(`${path}.${field}`));
  }
  return causes;
}

/** A status is looked at by itself. */
function bodyPath(path: string): string {
  return path.startsWith("status.") ? path.slice("status.".length) : path;
}

function typeCause(schema: Schema, value: unknown, path: string): FieldCause | undefined {
  const { type } = schema;
  const found = jsonType(value);
  if (type === undefined || type === found || (type === "number" && found === "integer")) return undefined;
  const message = `Invalid value: "${found}": ${bodyPath(path)} in body must be of type ${type}: "${found}"`;
  return { reason: "FieldValueTypeInvalid", message, field: path };
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (value === null) return "null";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function scalarCauses(
  schema: Schema,
  { value, path }: { readonly value: string | number; readonly path: string },
): readonly FieldCause[] {
  const causes: FieldCause[] = [];
  const refuse = (why: string) => causes.push(invalidField(path, value, `${bodyPath(path)} in body ${why}`));
  if (typeof value === "number") {
    if (value < (schema.minimum ?? -Infinity)) refuse(`should be greater than or equal to ${schema.minimum}`);
    if (schema.format === "int32" && Math.abs(value) >= 2 ** 31) refuse("must be of type integer with format int32");
    return causes;
  }
  const { enum: allowed, minLength = 0, maxLength = Infinity, pattern } = schema;
  if (value.length < minLength) refuse(`should be at least ${minLength} chars long`);
  if (value.length > maxLength) refuse(`should be at most ${maxLength} chars long`);
  if (pattern !== undefined && value.length >= minLength && !new RegExp(pattern).test(value)) {
    refuse(`should match '${pattern}'`);
  }
  if (allowed !== undefined && !allowed.includes(value)) causes.push(unsupportedField(path, value, allowed));
  return causes;
}

function listCauses(
  schema: Schema,
  { list, path }: { readonly list: readonly unknown[]; readonly path: string },
): readonly FieldCause[] {
  const { items, maxItems = Infinity } = schema;
  if (list.length > maxItems) {
    const message = `Too many: ${list.length}: must have at most ${maxItems} items`;
    return [{ reason: "FieldValueTooMany", message, field: path }];
  }
  const causes: FieldCause[] = [];
  const seen = new Set<string>();
  const keys = schema["x-kubernetes-list-map-keys"];
  for (const [index, item] of list.entries()) {
    const here = `${path}[${index}]`;
    if (items !== undefined) causes.push(...schemaCauses(items, { value: item, path: here }));
    if (keys === undefined) continue;
    const key = goJson(keyed(item, keys));
    if (seen.has(key)) causes.push({ reason: "FieldValueDuplicate", message: `Duplicate value: ${key}`, field: here });
    seen.add(key);
  }
  return causes;
}

function keyed(item: unknown, keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, at(item, key)]));
}

/** Mistakes for which the CEL rules are not even asked. */
const BLOCKING = ["FieldValueRequired", "FieldValueNotSupported", "FieldValueTypeInvalid", "FieldValueTooMany"];
const UNCHECKED: FieldCause = {
  reason: "FieldValueInvalid",
  message: "Invalid value: null: some validation rules were not checked because the object was invalid; " +
    "correct the existing errors to complete validation",
  field: "<nil>",
};

/** The mistakes, and where they block the rules the word that says so. */
export function withUnchecked(causes: readonly FieldCause[]): readonly FieldCause[] {
  return isBlocked(causes) ? [...causes, UNCHECKED] : causes;
}

export function isBlocked(causes: readonly FieldCause[]): boolean {
  return causes.some(({ reason }) => BLOCKING.includes(reason));
}
