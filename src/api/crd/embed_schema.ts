import { asArray, asObject, asString, type JsonObject } from "../../base/json.ts";
import type { Schema } from "./schema.ts";

/**
 * The API server's OpenAPI v3 schemas of Jobs, Pods and claims as structural schemas for a CRD. The rules give the schema
 * that Go clients and Kueue hold for an embedded template (K5): it must default and prune what theirs does, no more, no less.
 */
const REF_PREFIX = "#/components/schemas/";
const META = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/** A number with an optional sign and an optional suffix: 500m, 1.5Gi, 2e3 (the API's notation of quantities). */
const SIGN = String.raw`(\+|-)?`;
const NUMBER = String.raw`(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))`;
const QUANTITY_PATTERN = `^${SIGN}${NUMBER}(([KMGTPE]i)|[numkMGTPE]|([eE]${SIGN}${NUMBER}))?$`;

/** Types that a CRD cannot express by their fields. */
const WELL_KNOWN: Readonly<Record<string, Schema>> = {
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
    anyOf: [{ type: "integer" }, { type: "string" }],
    "x-kubernetes-int-or-string": true,
  },
  "io.k8s.apimachinery.pkg.api.resource.Quantity": {
    anyOf: [{ type: "integer" }, { type: "string" }],
    pattern: QUANTITY_PATTERN,
    "x-kubernetes-int-or-string": true,
  },
  [`${META}Time`]: { type: "string", format: "date-time" },
  // An API server prunes what an embedded metadata does not declare (spec 1.1): these five are what a template may carry.
  [`${META}ObjectMeta`]: {
    type: "object",
    properties: {
      annotations: { type: "object", additionalProperties: { type: "string" } },
      finalizers: { type: "array", items: { type: "string" } },
      labels: { type: "object", additionalProperties: { type: "string" } },
      name: { type: "string" },
      namespace: { type: "string" },
    },
  },
};

/** Defaults of the document that Go clients' types do not carry: clients fill these fields themselves or leave them out. */
const DROPPED_DEFAULTS: ReadonlySet<string> = new Set([
  "io.k8s.api.core.v1.AzureDiskVolumeSource.cachingMode",
  "io.k8s.api.core.v1.AzureDiskVolumeSource.kind",
  "io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern.status",
]);

/** References that inline a LocalObjectReference are one value: replaced as a whole by server-side apply. */
const ATOMIC: ReadonlySet<string> = new Set([
  "io.k8s.api.core.v1.ConfigMapEnvSource",
  "io.k8s.api.core.v1.ConfigMapProjection",
  "io.k8s.api.core.v1.ConfigMapVolumeSource",
  "io.k8s.api.core.v1.SecretEnvSource",
  "io.k8s.api.core.v1.SecretProjection",
]);

/** Keywords taken over as they are. */
const COPIED = [
  "type",
  "format",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
] as const;

/** `#/components/schemas` of an OpenAPI v3 document. */
export type Definitions = JsonObject;

/** The definition `name` with every reference resolved. Throws where the document lacks what it refers to. */
export function embedSchema(definitions: Definitions, name: string): Schema {
  const known = WELL_KNOWN[name];
  if (known !== undefined) return known;
  const definition = asObject(definitions[name]);
  if (definition === undefined) throw new Error(`embed schema: no definition "${name}"`);
  const schema = embedInline(definitions, definition, name);
  return ATOMIC.has(name) ? { ...schema, "x-kubernetes-map-type": "atomic" } : schema;
}

/** The names of all definitions that `roots` need, themselves included; the well-known types need none. */
export function reachable(definitions: Definitions, roots: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const open = roots.filter((name) => WELL_KNOWN[name] === undefined);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    for (const next of references(definitions[name])) if (WELL_KNOWN[next] === undefined) open.push(next);
  }
  return found;
}

function references(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  return Object.entries(asObject(value) ?? {}).flatMap(([key, entry]) =>
    key === "$ref" && typeof entry === "string" ? [entry.slice(REF_PREFIX.length)] : references(entry)
  );
}

function embedInline(definitions: Definitions, source: JsonObject, owner: string): Schema {
  const schema: Record<string, unknown> = {};
  for (const keyword of COPIED) if (source[keyword] !== undefined) schema[keyword] = source[keyword];
  const required = new Set(asArray(source["required"]));
  // In order of the alphabet, as clients' tools write them: the hash that K5 names depends on it.
  if (required.size > 0) schema["required"] = [...required].sort();
  const fields = asObject(source["properties"]);
  if (fields !== undefined) {
    const properties: Record<string, Schema> = {};
    for (const [field, value] of Object.entries(fields)) {
      const typeField = `${owner}.${field}`;
      properties[field] = {
        ...embedUse(definitions, value, typeField),
        ...(DROPPED_DEFAULTS.has(typeField) ? {} : keptDefault(asObject(value)?.["default"], required.has(field))),
      };
    }
    schema["properties"] = properties;
  }
  for (const child of ["items", "additionalProperties"] as const) {
    if (source[child] !== undefined) schema[child] = embedUse(definitions, source[child], owner);
  }
  return schema;
}

/** A schema where it is used: a reference, or written out on the spot. */
function embedUse(definitions: Definitions, value: unknown, owner: string): Schema {
  const use = asObject(value);
  if (use === undefined) throw new Error(`embed schema: "${owner}": no schema`);
  const target = asString(use["$ref"]) ?? asString(asObject(asArray(use["allOf"])[0])?.["$ref"]);
  if (target === undefined) return embedInline(definitions, use, owner);
  return embedSchema(definitions, target.slice(REF_PREFIX.length));
}

/** An empty object is no default for anybody, and a field that must be given needs no zero. */
function keptDefault(value: unknown, isRequired: boolean): Pick<Schema, "default"> {
  const isZero = value === "" || value === 0 || value === false;
  if (value === undefined || asObject(value) !== undefined || (isRequired && isZero)) return {};
  return { default: value };
}
