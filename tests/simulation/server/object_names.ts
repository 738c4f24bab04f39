/** Names and labels as the API server takes them. */
import { asArray, asString, asStringMap, at, type JsonObject } from "../../../src/base/json.ts";
import { type FieldCause, invalidField, requiredField } from "./server_refusal.ts";

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const WHY_SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
  "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const MAX_NAME = 253;
const MAX_LABEL = 63;
const LETTERS = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;
const MAX_PREFIX = 63 - SUFFIX_LENGTH;

/** What is wrong with the name and the labels of a new object. */
export function metadataCauses(metadata: JsonObject): readonly FieldCause[] {
  const name = asString(metadata["name"]) ?? "";
  const causes: FieldCause[] = [];
  if (name === "") causes.push(requiredField("metadata.name", "name or generateName is required"));
  else if (name.length > MAX_NAME) {
    causes.push(invalidField("metadata.name", name, `must be no more than ${MAX_NAME} bytes`));
  } else if (!SUBDOMAIN.test(name)) causes.push(invalidField("metadata.name", name, WHY_SUBDOMAIN));
  return [...causes, ...labelCauses(metadata), ...ownerCauses(metadata)];
}

/** One owner at most is the controller. */
export function ownerCauses(metadata: JsonObject): readonly FieldCause[] {
  const references = asArray(metadata["ownerReferences"]);
  const [one, other] = references.filter((reference) => at(reference, "controller") === true);
  if (one === undefined || other === undefined) return [];
  const named = (reference: unknown) => `${at(reference, "kind")}/${at(reference, "name")}`;
  const why = 'Only one reference can have Controller set to true. Found "true" in references for ' +
    `${named(one)} and ${named(other)}`;
  return [invalidField("metadata.ownerReferences", references, why)];
}

export function labelCauses(metadata: JsonObject): readonly FieldCause[] {
  const labels = metadata["labels"];
  if (labels === undefined) return [];
  return Object.values(asStringMap(labels)).filter((value) => value.length > MAX_LABEL)
    .map((value) => invalidField("metadata.labels", value, `must be no more than ${MAX_LABEL} bytes`));
}

/** A name of its own for the nth object: another each time, and the same in each run. */
export function generatedName(prefix: string, count: number): string {
  let text = "";
  let rest = Math.imul(count, 0x9e3779b1) >>> 0;
  for (let at = 0; at < SUFFIX_LENGTH; at++) {
    text += LETTERS[rest % LETTERS.length] ?? "";
    rest = Math.floor(rest / LETTERS.length);
  }
  return prefix.slice(0, MAX_PREFIX) + text;
}

/** The uid of the nth object. */
export function uidOfCount(count: number): string {
  return `5e4a1000-0000-4000-8000-${String(count).padStart(12, "0")}`;
}
