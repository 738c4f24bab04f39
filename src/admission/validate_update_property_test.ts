import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DEFAULT_FEATURE_GATES, type FeatureGates } from "../api/feature_gates.ts";
import type { JsonObject } from "../base/json.ts";
import { equalStructs } from "./equal.ts";
import { errorText } from "./field_error.ts";
import { seededRandom } from "../base/seeded_random.ts";
import { leaves, mutated, type Path, pick, Templates } from "./test_templates.ts";
import { validateUpdate } from "./validate_update.ts";

const templates = new Templates();
const ALL_GATES: FeatureGates = {
  ...DEFAULT_FEATURE_GATES,
  ElasticJobSet: true,
  MutablePodResourcesForSuspendedJobSets: true,
};
const PLACEMENT =
  /^spec\.template\.(metadata\.(labels|annotations)|spec\.(nodeSelector|tolerations|schedulingGates))(\.|$)/;
const RESOURCES = /^spec\.template\.spec\.(containers|initContainers)\.\d+\.resources\.(requests|limits)(\.|$)/;
/** Of a field to be in a template: fifty values or so. */
const chance = 0.25;

/** A template by seed; the seed is what a failure prints. */
const seeds = fc.integer({ min: 0, max: 2 ** 31 });

function jobSet(template: unknown, suspend?: boolean): JsonObject {
  return { spec: { suspend, replicatedJobs: [{ name: "a", replicas: 1, template }] } };
}

function texts(template: unknown, oldTemplate: unknown, options: {
  readonly suspend?: boolean;
  readonly gates?: FeatureGates;
}): readonly string[] {
  return validateUpdate({
    object: jobSet(template, false),
    oldObject: jobSet(oldTemplate, options.suspend ?? false),
    gates: options.gates ?? DEFAULT_FEATURE_GATES,
  }).map(({ field, detail }) => `${field}: ${detail}`);
}

describe("a template of any fields equals", () => {
  test("itself without the zeros that a Go client drops", () => {
    fc.assert(fc.property(seeds, (seed) => {
      const template = templates.random(seededRandom(seed), chance);
      expect(texts(templates.withoutZeros(template), template, {})).toEqual([]);
      expect(texts(template, templates.withoutZeros(template), {})).toEqual([]);
    }));
  });

  test("itself with the zeros that a client may add", () => {
    fc.assert(fc.property(seeds, (seed) => {
      const random = seededRandom(seed);
      const template = templates.random(random, chance);
      expect(texts(templates.withZeros(template, random), template, {})).toEqual([]);
      expect(texts(template, templates.withZeros(template, random), {})).toEqual([]);
    }));
  });
});

describe("any one change of a template is refused", () => {
  const refusal = ["spec.replicatedJobs: field is immutable"];

  function change(seed: number): { readonly template: JsonObject; readonly path: Path; readonly other: unknown } {
    const random = seededRandom(seed);
    const template = templates.random(random, chance);
    const path = pick(random, leaves(template)) ?? [];
    return { template, path, other: mutated(template, path) };
  }

  test("while the JobSet runs", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { template, path, other } = change(seed);
        expect([path.join("."), texts(other, template, {})]).toEqual([path.join("."), refusal]);
      }),
      { numRuns: 1000 },
    );
  });

  test("while it's suspended, but for what Kueue sets", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { template, path, other } = change(seed);
        const isAllowed = PLACEMENT.test(path.join("."));
        const found = texts(other, template, { suspend: true });
        expect([path.join("."), found]).toEqual([path.join("."), isAllowed ? [] : refusal]);
      }),
      { numRuns: 1000 },
    );
  });

  test("with the gates on, but for what they let change", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { template, path, other } = change(seed);
        const where = path.join(".");
        const isAllowed = PLACEMENT.test(where) || RESOURCES.test(where);
        const found = texts(other, template, { suspend: true, gates: ALL_GATES });
        expect([where, found]).toEqual([where, isAllowed ? [] : refusal]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("no JSON makes it throw", () => {
  const gates = [DEFAULT_FEATURE_GATES, ALL_GATES];

  test("whatever the objects are", () => {
    fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), fc.constantFrom(...gates), (object, oldObject, of) => {
      validateUpdate({ object, oldObject, gates: of }).map(errorText);
    }));
  });

  test("whatever stands at one place of a JobSet", () => {
    fc.assert(fc.property(seeds, fc.jsonValue(), fc.constantFrom(...gates), (seed, junk, of) => {
      const random = seededRandom(seed);
      const whole = jobSet({ ...templates.random(random, chance), metadata: {} }, true);
      const path = pick(random, leaves(whole)) ?? [];
      const object = replaced(whole, path.slice(0, Math.floor(random.next() * (path.length + 1))), junk);
      validateUpdate({ object, oldObject: whole, gates: of }).map(errorText);
      validateUpdate({ object: whole, oldObject: object, gates: of }).map(errorText);
    }));
  });

  test("however deep it is, and whatever its fields are called", () => {
    const deep: unknown = JSON.parse(`${'{"x":['.repeat(5000)}1${"]}".repeat(5000)}`);
    const other: unknown = JSON.parse(`${'{"x":['.repeat(5000)}2${"]}".repeat(5000)}`);
    expect(texts({ unknown: deep }, { unknown: deep }, {})).toEqual([]);
    expect(texts({ unknown: deep }, { unknown: other }, {})).toHaveLength(1);
    for (const field of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      const named: unknown = JSON.parse(`{"spec": {"${field}": {"a": 1}}, "${field}": 1}`);
      expect(texts(named, named, { suspend: true })).toEqual([]);
      expect(texts(named, {}, { suspend: true })).toHaveLength(1);
      expect(texts({}, named, { suspend: true })).toHaveLength(1);
      expect(equalStructs(field, { a: 1 }, { a: 2 })).toBe(false);
      expect(texts(JSON.parse(`{"${field}": null}`), {}, {})).toEqual([]);
    }
  });
});

function replaced(value: unknown, path: Path, by: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return by;
  if (Array.isArray(value)) return value.map((item, i) => i === step ? replaced(item, rest, by) : item);
  return { ...(value as JsonObject), [step]: replaced((value as JsonObject)[step], rest, by) };
}
