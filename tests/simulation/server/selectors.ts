/** Label and field selectors, as text, made predicates over objects. */
import { asString, at, type JsonObject } from "../../../src/base/json.ts";
import { metadataOf } from "./metadata.ts";
import { badRequest } from "./server_refusal.ts";
import type { ResourceInfo } from "./resource_info.ts";

export type Matches = (object: JsonObject) => boolean;

type LabelTest = (value: string | undefined) => boolean;

const KEY = "[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?";
const IN = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const COMPARED = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`);

/** Fields that may be selected by, beside metadata.name and metadata.namespace. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  pods: {
    "spec.nodeName": ["spec", "nodeName"],
    "spec.restartPolicy": ["spec", "restartPolicy"],
    "spec.schedulerName": ["spec", "schedulerName"],
    "spec.serviceAccountName": ["spec", "serviceAccountName"],
    "status.phase": ["status", "phase"],
    "status.podIP": ["status", "podIP"],
  },
  nodes: { "spec.unschedulable": ["spec", "unschedulable"] },
  events: { reason: ["reason"], type: ["type"], "regarding.name": ["regarding", "name"] },
};

/** What objects must satisfy; undefined where all do. Throws a refusal for what cannot be read. */
export function labelMatcher(selector: string | undefined): Matches | undefined {
  if (selector === undefined || selector.trim() === "") return undefined;
  const tests = splitOutside(selector).map(labelTest);
  return (object) => {
    const labels = metadataOf(object)["labels"];
    return tests.every(({ key, test }) => test(asString(at(labels, key))));
  };
}

/** A comma within parentheses separates values, not requirements. */
function splitOutside(selector: string): readonly string[] {
  return selector.split(/,(?![^(]*\))/).map((part) => part.trim());
}

function labelTest(text: string): { readonly key: string; readonly test: LabelTest } {
  const set = IN.exec(text);
  if (set !== null) {
    const values = new Set((set[4] ?? "").split(",").map((value) => value.trim()));
    const isIn = set[3] === "in";
    return {
      key: set[1] ?? "",
      test: (value) => isIn ? value !== undefined && values.has(value) : !has(values, value),
    };
  }
  const compared = COMPARED.exec(text);
  if (compared !== null) {
    const wanted = compared[4] ?? "";
    const isEqual = compared[3] !== "!=";
    return { key: compared[1] ?? "", test: (value) => (value === wanted) === isEqual };
  }
  const exists = EXISTS.exec(text);
  if (exists === null) throw badRequest(`unable to parse requirement: "${text}"`);
  const isWanted = exists[1] === "";
  return { key: exists[2] ?? "", test: (value) => (value !== undefined) === isWanted };
}

function has(values: ReadonlySet<string>, value: string | undefined): boolean {
  return value !== undefined && values.has(value);
}

/** As `labelMatcher`, of fields. */
export function fieldMatcher(info: ResourceInfo, selector: string | undefined): Matches | undefined {
  if (selector === undefined || selector === "") return undefined;
  const tests = selector.split(",").map((text): Matches => {
    const [, field = "", operator, wanted = ""] = /^([^=!]*)(==|=|!=)(.*)$/.exec(text) ?? [];
    if (operator === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${text}'`);
    const path = pathOf(info, field);
    const isEqual = operator !== "!=";
    return (object) => ((asString(at(object, ...path)) ?? "") === wanted) === isEqual;
  });
  return (object) => tests.every((test) => test(object));
}

function pathOf(info: ResourceInfo, field: string): readonly string[] {
  if (field === "metadata.name") return ["metadata", "name"];
  if (field === "metadata.namespace" && info.isNamespaced) return ["metadata", "namespace"];
  const path = FIELDS[info.resource]?.[field];
  if (path === undefined) throw badRequest(`field label not supported: ${field}`);
  return path;
}

export interface Selection {
  readonly namespace: string | undefined;
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
}

/** The objects that a list or a watch is about; undefined: all of the resource. */
export function selectionMatcher(
  info: ResourceInfo,
  { namespace, labelSelector, fieldSelector }: Selection,
): Matches | undefined {
  const isWhole = namespace === undefined || !info.isNamespaced;
  const tests = [
    isWhole ? undefined : (object: JsonObject) => metadataOf(object)["namespace"] === namespace,
    labelMatcher(labelSelector),
    fieldMatcher(info, fieldSelector),
  ].filter((test) => test !== undefined);
  const [only] = tests;
  return tests.length < 2 ? only : (object) => tests.every((test) => test(object));
}
