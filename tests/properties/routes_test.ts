/** The admission routes for reviews with any JSON in any place: beside the fuzz of bytes in src/admission. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import {
  admissionRoutes,
  MUTATE_PATH,
  MUTATE_POD_PATH,
  VALIDATE_PATH,
  VALIDATE_POD_PATH,
} from "../../src/admission/routes.ts";
import { fuzzProblem } from "../../src/admission/test_fuzz.ts";
import { PINNED_POD } from "../../src/admission/test_pods.ts";
import { admissionReview } from "../../src/admission/test_reviews.ts";
import { FakeClock } from "../../src/base/fake_clock.ts";
import { asObject, type JsonObject } from "../../src/base/json.ts";
import { DEFAULT_FEATURE_GATES, type FeatureGates } from "../../src/api/feature_gates.ts";
import { nearly, oddly } from "./any_json.ts";
import { anyGates, validJobSet } from "./job_sets.ts";

/** A second or two on a machine of its own, and the gate runs beside other work. */
setDefaultTimeout(60_000);

const SEED = 20260801;
const PATHS = [MUTATE_PATH, VALIDATE_PATH, MUTATE_POD_PATH, VALIDATE_POD_PATH];

interface Asked {
  readonly path: string;
  readonly review: unknown;
}

function reviewOf(object: unknown, oldObject: unknown = null): JsonObject {
  return admissionReview({ operation: oldObject === null ? "CREATE" : "UPDATE", object, oldObject });
}

function podReview(object: unknown, oldObject?: unknown): JsonObject {
  const review = reviewOf(object, oldObject);
  return { ...review, request: { ...asObject(review["request"]), kind: { group: "", version: "v1", kind: "Pod" } } };
}

const oddJobSet = oddly(validJobSet);
const oddPod = oddly(fc.constant(PINNED_POD));
const asked: fc.Arbitrary<Asked> = fc.oneof(
  fc.record({ path: fc.constantFrom(MUTATE_PATH, VALIDATE_PATH), review: oddJobSet.map((object) => reviewOf(object)) }),
  fc.record({
    path: fc.constant(VALIDATE_PATH),
    review: fc.tuple(oddJobSet, oddJobSet).map(([object, old]) => reviewOf(object, old)),
  }),
  fc.record({
    path: fc.constantFrom(MUTATE_POD_PATH, VALIDATE_POD_PATH),
    review: oddPod.map((object) => podReview(object)),
  }),
  fc.record({
    path: fc.constantFrom(...PATHS),
    review: nearly(fc.oneof(validJobSet.map((object) => reviewOf(object)), fc.constant(podReview(PINNED_POD)))),
  }),
);

function serve(gates: FeatureGates) {
  const errors: string[] = [];
  const app = admissionRoutes({
    gates,
    getClaim: () => Promise.resolve({ kind: "absent" }),
    podLookUps: { leaders: () => Promise.resolve([]), domain: () => Promise.resolve(undefined) },
    clock: new FakeClock(),
    log: { info: () => {}, error: (message, fields) => void errors.push(JSON.stringify([message, fields])) },
  });
  const post = async (path: string, text: string): Promise<string | undefined> => {
    const request = { path, method: "POST", contentType: "application/json", body: new TextEncoder().encode(text) };
    const { body, method } = request;
    const answer = await app.request(path, { method, body, headers: { "content-type": request.contentType } });
    return await fuzzProblem(request, answer);
  };
  return { post, errors };
}

test("a review with any JSON in it is judged or refused, and no rule throws", async () => {
  await fc.assert(
    fc.asyncProperty(asked, anyGates, async ({ path, review }, gates) => {
      const { post, errors } = serve(gates);
      expect(await post(path, JSON.stringify(review) ?? "")).toBeUndefined();
      expect(errors).toEqual([]);
    }),
    { seed: SEED, numRuns: 500 },
  );
});

test("a nest as deep as API servers take it, and ten times that, is judged or refused", async () => {
  const { post, errors } = serve(DEFAULT_FEATURE_GATES);
  const template = JSON.stringify({
    metadata: { name: "js" },
    spec: { replicatedJobs: [{ name: "a", template: "NEST" }] },
  });
  for (const depth of [1_000, 10_000, 100_000]) {
    const nest = "[".repeat(depth) + "]".repeat(depth);
    for (const path of PATHS) {
      const review = path.includes("pod") ? podReview("OBJECT", "OLD") : reviewOf("OBJECT", "OLD");
      const text = JSON.stringify(review)
        .replace('"OBJECT"', template.replace('"NEST"', nest))
        .replace('"OLD"', template.replace('"NEST"', `[${nest}]`));
      expect([path, await post(path, text)]).toEqual([path, undefined]);
    }
  }
  expect(errors).toEqual([]);
});
