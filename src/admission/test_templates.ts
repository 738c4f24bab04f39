/** JobTemplateSpecs of every field that the API has, drawn from a seed; and what Go clients make of them. */
import definitionsFile from "../api/crd/kubernetes_1_36.json" with { type: "json" };
import { type FieldType, structTypes } from "../../scripts/zero_values/field_types.ts";
import { asObject, type JsonObject } from "../base/json.ts";
import type { Random } from "../base/random.ts";
import type { FieldRule } from "./field_rule.ts";
import { ZERO_VALUES } from "./zero_values.ts";

export type Path = readonly (string | number)[];

type Fields = ReadonlyMap<string, FieldType>;

const QUANTITIES = ["0", "1", "1000m", "500m", "1Gi", "1.5Gi", "1e3", "0.1n", 2];
const ROOT: Fields = new Map([
  ["metadata", { kind: "struct", type: "ObjectMeta" }],
  ["spec", { kind: "struct", type: "JobSpec" }],
]);

/** Fields without which a template would mostly be empty. */
const FRAME: ReadonlySet<string> = new Set(["template", "metadata", "spec", "containers"]);

export function pick<T>(random: Random, items: readonly [T, ...T[]]): T;
export function pick<T>(random: Random, items: readonly T[]): T | undefined;
export function pick<T>(random: Random, items: readonly T[]): T | undefined {
  return items[Math.floor(random.next() * items.length)];
}

export class Templates {
  readonly #types: ReadonlyMap<string, Fields>;

  constructor() {
    const types = structTypes(definitionsFile.definitions);
    this.#types = new Map([["JobTemplateSpec", ROOT], ...types.map(({ name, fields }) => [name, fields] as const)]);
  }

  /** Each field is there with this chance, those of the frame always; a fourth hold the zero of their type. */
  random(random: Random, chance: number): JsonObject {
    return this.#struct("JobTemplateSpec", random, chance);
  }

  /** The template without what a Go client drops. */
  withoutZeros(template: JsonObject): JsonObject {
    return this.#rewrite("JobTemplateSpec", template, (rule, type, value) => {
      const isEmpty = Array.isArray(value)
        ? value.length === 0
        : Object.keys(asObject(value) ?? { full: true }).length === 0;
      if (rule === "zero") return value === false || value === 0 || value === "" ? undefined : value;
      if (rule === "zeroNumber") return value === 0 ? undefined : value;
      if (rule === "quantity") return value === "0" ? undefined : value;
      const isDropped = rule === "map" || rule === "quantities" || rule?.[0] === "struct" || isList(type);
      return isDropped && isEmpty ? undefined : value;
    });
  }

  /** The template with the zeros that a Go client, or another, may add. */
  withZeros(template: JsonObject, random: Random): JsonObject {
    return this.#rewrite("JobTemplateSpec", template, (rule, type, value) => {
      if (value !== undefined || random.next() < 0.5) return value;
      if (rule === "zero") return type.kind === "scalar" ? type.zero : undefined;
      if (rule === "zeroNumber") return 0;
      if (rule === "quantity") return pick(random, ["0", 0, null]);
      if (rule === "map" || rule === "quantities" || rule?.[0] === "struct") return pick(random, [{}, null]);
      return isList(type) ? pick(random, [[], null]) : null;
    });
  }

  #struct(type: string, random: Random, chance: number): JsonObject {
    const entries: [string, unknown][] = [];
    for (const [field, of] of this.#types.get(type) ?? []) {
      if (FRAME.has(field) || random.next() < chance) entries.push([field, this.#value(of, random, chance)]);
    }
    return Object.fromEntries(entries);
  }

  #value(type: FieldType, random: Random, chance: number): unknown {
    const isZero = type.kind !== "struct" && random.next() < 0.25;
    switch (type.kind) {
      case "scalar":
        return isZero ? type.zero : type.zero === "" ? "text" : type.zero === 0 ? 7 : true;
      case "scalars":
        return isZero ? [] : [type.zero, type.zero === 0 ? 7 : "text"];
      case "intOrString":
        return pick(random, [0, 80, "", "http"]);
      case "quantity":
        return pick(random, QUANTITIES);
      case "quantities":
        return isZero ? {} : { cpu: pick(random, QUANTITIES), memory: pick(random, QUANTITIES) };
      case "map":
        return isZero ? {} : { key: "value", empty: "" };
      case "struct":
        return this.#struct(type.type, random, chance);
      case "structs":
        return isZero ? [] : [this.#struct(type.type, random, chance), this.#struct(type.type, random, chance)];
    }
  }

  #rewrite(type: string, value: JsonObject, change: Change): JsonObject {
    const rules = ZERO_VALUES[type] ?? {};
    const entries: [string, unknown][] = [];
    for (const [field, of] of this.#types.get(type) ?? []) {
      const changed = change(rules[field], of, this.#rewriteField(of, value[field], change));
      if (changed !== undefined) entries.push([field, changed]);
    }
    return Object.fromEntries(entries);
  }

  #rewriteField(type: FieldType, value: unknown, change: Change): unknown {
    if (type.kind === "structs" && Array.isArray(value)) {
      return value.map((item) => this.#rewrite(type.type, asObject(item) ?? {}, change));
    }
    const object = asObject(value);
    return type.kind === "struct" && object !== undefined ? this.#rewrite(type.type, object, change) : value;
  }
}

type Change = (rule: FieldRule | undefined, type: FieldType, value: unknown) => unknown;

function isList(type: FieldType): boolean {
  return type.kind === "structs" || type.kind === "scalars";
}

/** The ways to every value that holds no further ones. */
export function leaves(value: unknown, path: Path = []): readonly Path[] {
  const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? value.map((item, i) => [i, item] as const)
    : Object.entries(asObject(value) ?? {});
  return entries.length === 0 ? [path] : entries.flatMap(([step, inner]) => leaves(inner, [...path, step]));
}

/** The value with another one at the path: text, number or flag changed, an empty list or struct filled. */
export function mutated(value: unknown, path: Path): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return otherValue(value);
  if (Array.isArray(value)) return value.map((item, i) => i === step ? mutated(item, rest) : item);
  const object = asObject(value) ?? {};
  return { ...object, [step]: mutated(object[step], rest) };
}

function otherValue(value: unknown): unknown {
  if (typeof value === "string") return `${value}x`;
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  return Array.isArray(value) ? ["another"] : { another: "value" };
}
