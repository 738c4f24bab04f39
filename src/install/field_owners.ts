/**
 * Server-side apply removes a field only from those who own it. What another tool installed and we do not set (a webhook
 * for Pods, an older argument) would stay for ever: so those tools' fields are ours before we apply.
 */
import { asArray, asObject, asString, type JsonObject } from "../base/json.ts";

export const FIELD_MANAGER = "jobset";

/** Tools that install; not those that run: the CA bundle that a controller injected is none of the manifest's business. */
const INSTALLERS = [
  "kubectl-client-side-apply",
  "kubectl",
  "kubectl-create",
  "kubectl-replace",
  "helm",
  "before-first-apply",
];

/** The object's managedFields with the installers' entries joined to ours; undefined where there is none of theirs. */
export function adoptedFields(object: JsonObject): readonly JsonObject[] | undefined {
  const entries = asArray(asObject(object["metadata"])?.["managedFields"]).map((entry) => asObject(entry) ?? {});
  const apiVersion = asString(object["apiVersion"]) ?? "";
  const isAdopted = (entry: JsonObject) =>
    INSTALLERS.includes(asString(entry["manager"]) ?? "") && entry["subresource"] === undefined;
  const isOurs = (entry: JsonObject) => entry["manager"] === FIELD_MANAGER && entry["operation"] === "Apply";
  const adopted = entries.filter(isAdopted);
  if (adopted.length === 0) return undefined;
  const fields = [...entries.filter(isOurs), ...adopted].filter((entry) => entry["apiVersion"] === apiVersion)
    .map((entry) => asObject(entry["fieldsV1"]) ?? {}).reduce(union, {});
  return [
    ...entries.filter((entry) => !isAdopted(entry) && !isOurs(entry)),
    { manager: FIELD_MANAGER, operation: "Apply", apiVersion, fieldsType: "FieldsV1", fieldsV1: fields },
  ];
}

/** FieldsV1 is a tree of field names: the union is the tree of both. */
function union(a: JsonObject, b: JsonObject): JsonObject {
  const joined: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    joined[key] = union(asObject(joined[key]) ?? {}, asObject(value) ?? {});
  }
  return joined;
}
