/** The types below a Job's spec, as the committed OpenAPI definitions tell them: which fields, and what they hold. */
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import type { Definitions } from "../../src/api/crd/embed_schema.ts";

/** What a field holds; `scalar`, and `scalars` for its items, carry the zero value. */
export type FieldType =
  | { readonly kind: "scalar"; readonly zero: false | 0 | "" }
  | { readonly kind: "scalars"; readonly zero: 0 | "" }
  | { readonly kind: "intOrString" | "quantity" | "quantities" | "map" }
  | { readonly kind: "struct" | "structs"; readonly type: string };

/** One type: its fields by name, and a way to it from the Job's spec. */
export interface StructType {
  readonly name: string;
  readonly path: readonly Step[];
  readonly fields: ReadonlyMap<string, FieldType>;
}

export interface Step {
  readonly field: string;
  readonly isList: boolean;
}

const REF_PREFIX = "#/components/schemas/";
const ROOT = "io.k8s.api.batch.v1.JobSpec";
const QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/** The five fields of a template's metadata that the CRD keeps (spec 1.1); the definitions leave the type out. */
const OBJECT_META_DEFINITION: JsonObject = {
  properties: {
    annotations: { type: "object", additionalProperties: { type: "string" } },
    finalizers: { type: "array", items: { type: "string" } },
    labels: { type: "object", additionalProperties: { type: "string" } },
    name: { type: "string" },
    namespace: { type: "string" },
  },
};

/** All types from JobSpec down, each once, nearest first. */
export function structTypes(definitions: Definitions): readonly StructType[] {
  const known: Definitions = { ...definitions, [OBJECT_META]: OBJECT_META_DEFINITION };
  const found: StructType[] = [];
  const seen = new Set([ROOT]);
  const open: { readonly name: string; readonly path: readonly Step[] }[] = [{ name: ROOT, path: [] }];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const fields = new Map<string, FieldType>();
    for (const [field, schema] of Object.entries(asObject(at(known[next.name], "properties")) ?? {})) {
      const reference = referenceOf(schema) ?? referenceOf(at(schema, "items"));
      const type = fieldType(schema, `${next.name}.${field}`);
      fields.set(field, type);
      if ((type.kind !== "struct" && type.kind !== "structs") || reference === undefined || seen.has(reference)) {
        continue;
      }
      seen.add(reference);
      open.push({ name: reference, path: [...next.path, { field, isList: type.kind === "structs" }] });
    }
    if (fields.size === 0) throw new Error(`zero values: no definition of "${next.name}"`);
    found.push({ name: shortName(next.name), path: next.path, fields });
  }
  const names = new Set(found.map(({ name }) => name));
  if (names.size !== found.length) throw new Error("zero values: two types of one short name");
  return found;
}

function fieldType(schema: unknown, where: string): FieldType {
  const reference = referenceOf(schema);
  if (reference === QUANTITY) return { kind: "quantity" };
  if (reference === INT_OR_STRING) return { kind: "intOrString" };
  if (reference !== undefined) return { kind: "struct", type: shortName(reference) };
  switch (asString(at(schema, "type"))) {
    case "boolean":
      return { kind: "scalar", zero: false };
    case "integer":
      return { kind: "scalar", zero: 0 };
    case "string":
      return { kind: "scalar", zero: "" };
    case "array": {
      const item = referenceOf(at(schema, "items"));
      const zero = asString(at(schema, "items", "type")) === "integer" ? 0 : "";
      return item === undefined ? { kind: "scalars", zero } : { kind: "structs", type: shortName(item) };
    }
    case "object":
      return { kind: referenceOf(at(schema, "additionalProperties")) === QUANTITY ? "quantities" : "map" };
    default:
      throw new Error(`zero values: "${where}" is of no known type: ${JSON.stringify(schema)}`);
  }
}

function referenceOf(schema: unknown): string | undefined {
  const reference = asString(at(schema, "$ref")) ?? asString(at(asArray(at(schema, "allOf"))[0], "$ref"));
  return reference?.slice(REF_PREFIX.length);
}

function shortName(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}
