/** JSON as it comes from outside: `unknown` until one of these readers has looked at the field. */

/** A JSON object whose fields have not been looked at. Bodies of Kubernetes objects are kept whole in this form. */
export type JsonObject = { readonly [field: string]: unknown };

/** The value as an object, or undefined where it is anything else (an array, null, a scalar). */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as JsonObject : undefined;
}

/** The value as an array, or an empty one. */
export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value as a string, or undefined. */
export function asString(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The value as a safe integer, or undefined. */
export function asInteger(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

/** The value as a boolean, or undefined. */
export function asBoolean(value: unknown): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}

/** The value at a path of object fields, or undefined where the path breaks off. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value;
  for (const field of path) {
    const object = asObject(here);
    if (object === undefined) return undefined;
    here = object[field];
  }
  return here;
}

/** The string-valued entries of a map such as labels or a nodeSelector; what is no string is left out. */
export function asStringMap(value: unknown): Readonly<Record<string, string>> {
  const map: Record<string, string> = {};
  for (const [key, entry] of Object.entries(asObject(value) ?? {})) {
    if (typeof entry === "string") map[key] = entry;
  }
  return map;
}

/** JSON text whose object keys are sorted at every depth: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  const object = asObject(value);
  if (object === undefined) return JSON.stringify(value) ?? "null";
  const fields = Object.keys(object).filter((key) => object[key] !== undefined).sort();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key])}`).join(",")}}`;
}
