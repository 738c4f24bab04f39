/**
 * Whether an existing PersistentVolumeClaim is what a template asks for (R71). The reference compares exactly, and so refuses the
 * same YAML the second time: what the API server and the volume controller fill in must not count.
 */
import { asArray, asObject, at, type JsonObject } from "../base/json.ts";
import { equalQuantities } from "../api/quantity.ts";

const QUANTITY_MAPS: readonly string[] = ["requests", "limits"];
/** Everything that a claim's spec has today. A field of a later Kubernetes counts only where the template names it. */
const COMPARED: readonly string[] = ["accessModes", "selector", "volumeAttributesClassName"];
const HANDLED: readonly string[] = [
  ...COMPARED,
  "storageClassName",
  "volumeName",
  "resources",
  "volumeMode",
  "dataSource",
  "dataSourceRef",
];

export function equalClaimSpecs(template: unknown, existing: unknown): boolean {
  const wanted = asObject(template) ?? {};
  const found = asObject(existing) ?? {};
  return COMPARED.every((field) => same(wanted[field], found[field])) &&
    // An empty class asks for none at all; only its absence asks for the cluster's default.
    (wanted["storageClassName"] ?? found["storageClassName"]) === found["storageClassName"] &&
    (wanted["volumeName"] || found["volumeName"]) === found["volumeName"] &&
    // A template without a mode gets this one, so a claim of the other is another claim.
    (wanted["volumeMode"] || "Filesystem") === (found["volumeMode"] || "Filesystem") &&
    sameResources(wanted["resources"], found["resources"]) &&
    sameSources(wanted, found) &&
    Object.keys(wanted).every((field) => HANDLED.includes(field) || same(wanted[field], found[field]));
}

function sameResources(wanted: unknown, found: unknown): boolean {
  return QUANTITY_MAPS.every((field) => {
    const [left, right] = [asObject(at(wanted, field)) ?? {}, asObject(at(found, field)) ?? {}];
    return Object.keys(left).length === Object.keys(right).length &&
      Object.keys(left).every((name) => Object.hasOwn(right, name) && equalQuantities(left[name], right[name]));
  });
}

/** The API server mirrors each of the two into the other where that one is absent. */
function sameSources(wanted: JsonObject, found: JsonObject): boolean {
  return same(wanted["dataSource"] ?? wanted["dataSourceRef"], found["dataSource"] ?? found["dataSourceRef"]) &&
    same(wanted["dataSourceRef"] ?? wanted["dataSource"], found["dataSourceRef"] ?? found["dataSource"]);
}

/** Equal but for what Go does not tell apart: absent, null, `""`, and an empty list or object. */
function same(left: unknown, right: unknown): boolean {
  if (isEmpty(left) || isEmpty(right)) return isEmpty(left) && isEmpty(right);
  if (Array.isArray(left) || Array.isArray(right)) return sameLists(asArray(left), asArray(right));
  const [leftObject, rightObject] = [asObject(left), asObject(right)];
  if (leftObject === undefined || rightObject === undefined) return left === right;
  const fields = new Set([...Object.keys(leftObject), ...Object.keys(rightObject)]);
  return [...fields].every((field) => same(leftObject[field], rightObject[field]));
}

function sameLists(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, index) => same(item, right[index]));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  const object = asObject(value);
  return object !== undefined && Object.keys(object).length === 0;
}
