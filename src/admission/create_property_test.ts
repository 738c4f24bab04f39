/** Whatever JSON comes in: an answer, never an exception, and never a change that nobody asked for. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { asObject, type JsonObject } from "../base/json.ts";
import { defaultJobSet } from "./defaults.ts";
import type { ExistingClaim } from "./existing_claim.ts";
import { applyPatch } from "./json_patch.ts";
import { refusal } from "./refusal.ts";
import { gatesWith, group, newJobSet } from "./test_job_set.ts";
import { claimsToLookUp, validateCreate } from "./validate_create.ts";

/** A second on a machine of its own, and the gate runs beside other work. */
setDefaultTimeout(30_000);

const RUNS = { numRuns: 2_000 };

const FULL = newJobSet({
  suspend: true,
  managedBy: "acme.io/foo",
  network: { subdomain: "net", enableDNSHostnames: false },
  successPolicy: { operator: "All", targetReplicatedJobs: ["a"] },
  startupPolicy: { startupPolicyOrder: "AnyOrder" },
  failurePolicy: {
    maxRestarts: 1,
    restartStrategy: "InPlaceRestart",
    rules: [{
      action: "RestartJob",
      onJobFailureReasons: ["PodFailurePolicy"],
      onJobFailureMessagePatterns: ["a+"],
      targetReplicatedJobs: ["a"],
    }],
  },
  coordinator: { replicatedJob: "a", jobIndex: 1, podIndex: 0 },
  volumeClaimPolicies: [{ templates: [{ metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } }] }],
  replicatedJobs: [
    group("a", {
      replicas: 2,
      job: { backoffLimit: 2147483647, completions: 2, parallelism: 2, podReplacementPolicy: "Failed" },
      pod: { containers: [{ name: "main", volumeMounts: [{ name: "data" }] }], volumes: [{ name: "other" }] },
    }),
    group("b", { dependsOn: [{ name: "a", status: "Ready" }], groupName: "g" }),
  ],
});

/** Any JSON, or what stands at some places of a whole JobSet replaced by any JSON, or removed. */
const anyBody = fc.oneof(
  fc.jsonValue(),
  fc.record({ metadata: fc.jsonValue(), spec: fc.jsonValue() }, { requiredKeys: [] }),
  fc.array(fc.tuple(fc.nat(), fc.oneof(fc.jsonValue(), fc.constant(undefined))), { minLength: 1, maxLength: 4 }).map(
    (changes) => changes.reduce<unknown>((body, [place, value]) => changed(body, place, value), FULL),
  ),
);

const anyClaim: fc.Arbitrary<ExistingClaim> = fc.oneof(
  fc.constant<ExistingClaim>({ kind: "absent" }),
  fc.string().map((message): ExistingClaim => ({ kind: "error", message })),
  fc.jsonValue().map((spec): ExistingClaim => ({ kind: "found", claim: { spec } })),
);

/** The body with the value at its n-th place, counted in depth, replaced. */
function changed(body: unknown, place: number, value: unknown): unknown {
  const paths = [...pathsOf(body, [])];
  const path = paths[place % paths.length] ?? [];
  return replaced(body, path, value);
}

function* pathsOf(value: unknown, path: readonly (string | number)[]): Generator<readonly (string | number)[]> {
  yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) yield* pathsOf(inner, [...path, Array.isArray(value) ? +key : key]);
}

function replaced(here: unknown, [step, ...rest]: readonly (string | number)[], value: unknown): unknown {
  if (step === undefined) return value;
  if (Array.isArray(here)) return here.map((item, index) => index === step ? replaced(item, rest, value) : item);
  return { ...asObject(here), [step]: replaced(asObject(here)?.[step], rest, value) };
}

/** As it comes over the wire. */
function overTheWire(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body) ?? "null");
}

test("the JobSet that the bodies are made from has something for every rule and no error", () => {
  const object = applyPatch(FULL, defaultJobSet(FULL));
  const gates = gatesWith("InPlaceRestart", "RestartJob");
  const inPlace = { backoffLimit: 2147483647, completions: 1, parallelism: 1, podReplacementPolicy: "Failed" };
  expect(
    validateCreate({ object, gates, claims: new Map([["data-js", { kind: "absent" }]]) }).map(({ field }) => field),
  )
    .toEqual(
      ["backoffLimit", "podReplacementPolicy", "completions"].map((field) =>
        `spec.replicatedJobs[1].template.spec.${field}`
      ),
    );
  const both = replaced(object, ["spec", "replicatedJobs", 1], group("b", { job: inPlace }));
  expect(validateCreate({ object: both, gates, claims: "offline" })).toEqual([]);
});

test("any JSON is defaulted, checked and refused without an exception", () => {
  fc.assert(
    fc.property(anyBody, fc.boolean(), fc.oneof(fc.constant(undefined), anyClaim), (body, isOn, claim) => {
      const object = overTheWire(body);
      const gates = isOn ? gatesWith("InPlaceRestart", "RestartJob") : gatesWith();
      const claims = claim === undefined ? "offline" : new Map(claimsToLookUp(object).map((name) => [name, claim]));
      for (const one of [object, applyPatch(object, defaultJobSet(object))]) {
        const status = refusal("js", validateCreate({ object: one, gates, claims }));
        expect(overTheWire(status)).toEqual(status);
      }
    }),
    RUNS,
  );
});

test("defaulting twice is defaulting once (K32)", () => {
  fc.assert(
    fc.property(anyBody, (body) => {
      const object = overTheWire(body);
      expect(defaultJobSet(applyPatch(object, defaultJobSet(object)))).toEqual([]);
    }),
    RUNS,
  );
});

test("defaulting only adds: every value that is neither null nor an empty name survives (K36)", () => {
  fc.assert(
    fc.property(anyBody, (body) => {
      const object = overTheWire(body);
      expectKept(object, applyPatch(object, defaultJobSet(object)), "");
    }),
    RUNS,
  );
});

/** Null is absent, and so is an empty restart policy or rule name: nothing else may change. */
function expectKept(before: unknown, after: unknown, path: string): void {
  if (before === null || (before === "" && /\.(restartPolicy|name)$/.test(path))) return;
  if (typeof before !== "object") return expect({ path, value: after }).toEqual({ path, value: before });
  expect(Array.isArray(after)).toBe(Array.isArray(before));
  if (Array.isArray(before)) expect(after).toHaveLength(before.length);
  for (const [key, value] of Object.entries(before)) {
    expectKept(value, (after as JsonObject)[key], `${path}.${key}`);
  }
}

test("defaults and validation leave the object as it was", () => {
  fc.assert(
    fc.property(anyBody, (body) => {
      const object = overTheWire(body);
      const before = JSON.stringify(object);
      defaultJobSet(object);
      validateCreate({ object, gates: gatesWith("InPlaceRestart"), claims: "offline" });
      expect(JSON.stringify(object)).toBe(before);
    }),
    RUNS,
  );
});
