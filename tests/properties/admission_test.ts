/** The admission rules of JobSets for JSON of any shape (spec 2). */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { defaultJobSet } from "../../src/admission/defaults.ts";
import type { ExistingClaim } from "../../src/admission/existing_claim.ts";
import { errorBody, errorText, type FieldError } from "../../src/admission/field_error.ts";
import { applyPatch } from "../../src/admission/json_patch.ts";
import { refusal } from "../../src/admission/refusal.ts";
import { claimsToLookUp, validateCreate } from "../../src/admission/validate_create.ts";
import { validateUpdate } from "../../src/admission/validate_update.ts";
import { anyJson, nearly, oddly, oddText, overTheWire } from "./any_json.ts";
import { anyGates, validJobSet } from "./job_sets.ts";

/** A second or two on a machine of its own, and the gate runs beside other work. */
setDefaultTimeout(60_000);

const SEED = 20260801;
const RUNS = { seed: SEED, numRuns: 300 };
/** A value, shortened to 1,024 characters each of which Go may write as ten, its field and a detail of 4,096. */
const MAX_TEXT_LENGTH = 32_768;
const MAX_ERRORS = 1_001;

/** Every place whose text an error may repeat holds an odd one. */
const badlyNamed = fc.array(oddText, { minLength: 1, maxLength: 40 }).map((texts) => {
  let taken = 0;
  const short = (): string => texts[taken++ % texts.length] ?? "";
  const next = (): string => taken % 3 === 0 ? short().repeat(400) : short();
  return {
    metadata: { name: next(), generateName: next(), namespace: next() },
    spec: {
      replicatedJobs: [
        {
          name: next(),
          groupName: next(),
          replicas: 2,
          template: { spec: { completions: 1, completionMode: next() } },
        },
        { name: next(), replicas: 2 ** 31, dependsOn: [{ name: next(), status: "Ready" }] },
      ],
      managedBy: next(),
      network: { subdomain: next() },
      successPolicy: { operator: next(), targetReplicatedJobs: [next()] },
      failurePolicy: {
        restartStrategy: "InPlaceRestart",
        rules: ["RestartJob", next()].map((action) => ({
          name: next(),
          action,
          onJobFailureReasons: [next()],
          onJobFailureMessagePatterns: [short()],
          targetReplicatedJobs: [next()],
        })),
      },
      coordinator: { replicatedJob: next(), jobIndex: 7 },
      volumeClaimPolicies: [{ templates: [{ metadata: { name: next() } }, { metadata: { name: next() } }] }],
    },
  };
});
const oddJobSet = fc.oneof({ weight: 2, arbitrary: oddly(validJobSet) }, { weight: 1, arbitrary: badlyNamed })
  .map(overTheWire);
const anyClaim: fc.Arbitrary<ExistingClaim> = fc.oneof(
  fc.constant<ExistingClaim>({ kind: "absent" }),
  fc.string().map((message): ExistingClaim => ({ kind: "error", message })),
  anyJson.map((spec): ExistingClaim => ({ kind: "found", claim: { spec } })),
);

function defaulted(object: unknown): unknown {
  return applyPatch(object, defaultJobSet(object));
}

test("defaulting never throws, is idempotent, and keeps what is set", () => {
  fc.assert(
    fc.property(oddJobSet, (object) => {
      const before = JSON.stringify(object);
      const once = defaulted(object);
      expect(JSON.stringify(object)).toBe(before);
      expect(defaultJobSet(once)).toEqual([]);
      expect(lostAt(object, once, "")).toBeUndefined();
    }),
    RUNS,
  );
});

/** The first path at which something is lost. Null is absent, and so is an empty restart policy or rule name. */
function lostAt(before: unknown, after: unknown, path: string): string | undefined {
  if (before === null || (before === "" && /\.(restartPolicy|name)$/.test(path)) || Object.is(before, after)) {
    return undefined;
  }
  if (typeof before !== "object" || typeof after !== "object" || after === null) return path;
  if (Array.isArray(before) !== Array.isArray(after)) return path;
  const kept = new Map(Object.entries(after));
  for (const [key, value] of Object.entries(before)) {
    const lost = lostAt(value, kept.get(key), `${path}.${key}`);
    if (lost !== undefined) return lost;
  }
  return undefined;
}

test("a create of any JSON is judged without an exception, in words of bounded length", () => {
  fc.assert(
    fc.property(oddJobSet, anyGates, fc.option(anyClaim), (object, gates, claim) => {
      for (const one of [object, defaulted(object)]) {
        const names = claimsToLookUp(one);
        const claims = claim === null ? "offline" as const : new Map(names.map((name) => [name, claim]));
        expectBounded(validateCreate({ object: one, gates, claims }));
      }
    }),
    RUNS,
  );
});

test("an update between any two JSONs is judged without an exception, in words of bounded length", () => {
  const pairs = fc.oneof(
    fc.tuple(oddJobSet, oddJobSet),
    validJobSet.chain((jobSet) =>
      fc.tuple(fc.constant(overTheWire(jobSet)), nearly(fc.constant(jobSet)).map(overTheWire))
    ),
  );
  fc.assert(
    fc.property(pairs, anyGates, ([oldObject, object], gates) => {
      expectBounded(validateUpdate({ object, oldObject, gates }));
      expect(validateUpdate({ object, oldObject: object, gates })).toEqual([]);
    }),
    RUNS,
  );
});

function expectBounded(errors: readonly FieldError[]): void {
  expect(errors.length).toBeLessThanOrEqual(MAX_ERRORS);
  const texts = errors.flatMap((error) => [errorText(error), errorBody(error), error.field]);
  expect(texts.filter((text) => text.length > MAX_TEXT_LENGTH)).toEqual([]);
  const status = refusal("js", errors);
  expect(JSON.stringify(overTheWire(status))).toBe(JSON.stringify(status));
}
