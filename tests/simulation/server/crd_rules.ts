/** The CEL rules of our CRD as functions: one for each text that occurs in its schema. */
import { asArray, asObject, asString, at } from "../../../src/base/json.ts";
import type { Schema } from "../../../src/api/crd/schema.ts";
import { deepEqual } from "./deep_equal.ts";
import { type FieldCause, plainInvalid } from "./server_refusal.ts";

/** Whether a value keeps the rule; a rule that names the old value is asked only where there is one. */
type Rule = (self: unknown, oldSelf: unknown) => boolean;

const EXCLUSIVE =
  "!(has(self.startupPolicy) && self.startupPolicy.startupPolicyOrder == 'InOrder' && has(self.replicatedJobs) && " +
  "self.replicatedJobs.exists(x, has(x.dependsOn)))";

export const CEL_RULES: Readonly<Record<string, Rule>> = {
  "self == oldSelf": deepEqual,
  "self.templates.all(t, !has(t.metadata.namespace) || size(t.metadata.namespace) == 0)": (self) =>
    asArray(at(self, "templates")).every((template) => !at(template, "metadata", "namespace")),
  [EXCLUSIVE]: (self) =>
    at(self, "startupPolicy", "startupPolicyOrder") !== "InOrder" ||
    asArray(at(self, "replicatedJobs")).every((job) => at(job, "dependsOn") === undefined),
};

/** The texts of all rules of a schema, wherever they stand. */
export function ruleTexts(schema: Schema): ReadonlySet<string> {
  const texts = new Set<string>();
  const open: (Schema | undefined)[] = [schema];
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    for (const { rule } of here["x-kubernetes-validations"] ?? []) texts.add(rule);
    open.push(...Object.values(here.properties ?? {}));
    if (here.items !== undefined) open.push(here.items);
    if (here.additionalProperties !== undefined) open.push(here.additionalProperties);
  }
  return texts;
}

/** What breaks a rule of the schema. `oldSelf` is undefined where there is no older value that this one goes on from. */
export function ruleCauses(
  schema: Schema,
  { self, oldSelf, path }: { readonly self: unknown; readonly oldSelf: unknown; readonly path: string },
): readonly FieldCause[] {
  if (self === undefined || self === oldSelf) return [];
  const causes: FieldCause[] = [];
  for (const { rule, message } of schema["x-kubernetes-validations"] ?? []) {
    const isTransition = rule.includes("oldSelf");
    if (isTransition && oldSelf === undefined) continue;
    const holds = CEL_RULES[rule];
    if (holds === undefined) throw new Error(`the simulation does not know the rule "${rule}"`);
    if (!holds(self, oldSelf)) causes.push(plainInvalid(path, message));
  }
  const object = asObject(self);
  for (const [field, inner] of Object.entries(schema.properties ?? {})) {
    const here = path === "" ? field : `${path}.${field}`;
    causes.push(...ruleCauses(inner, { self: object?.[field], oldSelf: at(oldSelf, field), path: here }));
  }
  if (schema.items !== undefined) causes.push(...itemCauses(schema, { self, oldSelf, path }));
  return causes;
}

/** The entries of a list go on from older ones only where a key tells which. */
function itemCauses(
  schema: Schema,
  { self, oldSelf, path }: { readonly self: unknown; readonly oldSelf: unknown; readonly path: string },
): readonly FieldCause[] {
  const { items } = schema;
  if (items === undefined) return [];
  const [key] = schema["x-kubernetes-list-map-keys"] ?? [];
  return asArray(self).flatMap((item, index) => {
    const name = key === undefined ? undefined : asString(at(item, key));
    const old = key === undefined ? undefined : asArray(oldSelf).find((each) => at(each, key) === name);
    return ruleCauses(items, { self: item, oldSelf: old, path: `${path}[${index}]` });
  });
}

/** The schema without the parts that have no rules: those of Pods have none, and are large. */
export function onlyRules(schema: Schema): Schema {
  const properties = Object.entries(schema.properties ?? {}).filter(([, inner]) => hasRules(inner));
  const { items, properties: _, ...rest } = schema;
  return {
    ...rest,
    ...(properties.length === 0
      ? {}
      : { properties: Object.fromEntries(properties.map(([field, inner]) => [field, onlyRules(inner)])) }),
    ...(items === undefined || !hasRules(items) ? {} : { items: onlyRules(items) }),
  };
}

function hasRules(schema: Schema): boolean {
  return ruleTexts(schema).size > 0;
}
