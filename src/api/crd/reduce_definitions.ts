import { asObject, type JsonObject } from "../../base/json.ts";
import { type Definitions, reachable } from "./embed_schema.ts";

/** Keywords that no rule of the embedded schemas reads; descriptions alone are four fifths of the documents. */
const UNUSED: ReadonlySet<string> = new Set([
  "description",
  "enum",
  "x-kubernetes-group-version-kind",
  "x-kubernetes-patch-merge-key",
  "x-kubernetes-patch-strategy",
  "x-kubernetes-unions",
]);

/**
 * What the CRD needs of the API server's OpenAPI documents, and no more: committed, so that generating needs no server,
 * and compared with the live server by the contract tests.
 */
export function reduceDefinitions(definitions: Definitions, roots: readonly string[]): Definitions {
  const reduced: Record<string, unknown> = {};
  for (const name of [...reachable(definitions, roots)].sort()) reduced[name] = withoutUnused(definitions[name]);
  return reduced;
}

function withoutUnused(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUnused);
  const object: JsonObject | undefined = asObject(value);
  if (object === undefined) return value;
  const kept: Record<string, unknown> = {};
  for (const key of Object.keys(object).sort()) {
    // A field that happens to have a keyword's name holds a schema, that is an object, and stays.
    if (UNUSED.has(key) && asObject(object[key]) === undefined) continue;
    kept[key] = withoutUnused(object[key]);
  }
  return kept;
}
