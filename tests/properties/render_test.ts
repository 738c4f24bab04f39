/** What `render` shows is what the controller creates. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { defaultJobSet } from "../../src/admission/defaults.ts";
import { applyPatch } from "../../src/admission/json_patch.ts";
import { errorText } from "../../src/admission/field_error.ts";
import { validateCreate } from "../../src/admission/validate_create.ts";
import { JOBS, JOBSETS, TestWorld } from "../../src/apply/test_world.ts";
import { asArray, asObject, asString, at, canonicalJson, type JsonObject } from "../../src/base/json.ts";
import { DEFAULT_FEATURE_GATES, type FeatureGates } from "../../src/api/feature_gates.ts";
import { render } from "../../src/plan/render.ts";
import { nearly, overTheWire } from "./any_json.ts";
import { anyGates, validJobSet } from "./job_sets.ts";

/** A second or two on a machine of its own, and the gate runs beside other work. */
setDefaultTimeout(60_000);

const SEED = 20260801;
/** More than the longest chain of replicatedJobs that wait for each other. */
const MAX_ROUNDS = 5;

test("valid JobSets are what the webhook takes", () => {
  fc.assert(
    fc.property(validJobSet, (manifest) => {
      const object = defaulted(manifest);
      expect(validateCreate({ object, gates: DEFAULT_FEATURE_GATES, claims: "offline" }).map(errorText)).toEqual([]);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test("render gives the very bodies that the controller sends, gates on or off", async () => {
  await fc.assert(
    fc.asyncProperty(validJobSet, anyGates, async (manifest, gates) => {
      const { uid, created } = await createdBy(manifest, gates);
      expect(texts(render(manifest, { uid, gates }))).toEqual(texts(created));
    }),
    { seed: SEED, numRuns: 200 },
  );
});

test("render of a manifest is render of the manifest with its defaults", () => {
  fc.assert(
    fc.property(fc.oneof(validJobSet, nearly(validJobSet)), anyGates, (manifest, gates) => {
      const bare = asObject(overTheWire(manifest));
      fc.pre(bare !== undefined && jobCount(bare) < 100);
      const whole = asObject(defaulted(bare)) ?? {};
      expect(texts(render(bare, { gates }))).toEqual(texts(render(whole, { gates })));
    }),
    { seed: SEED, numRuns: 500 },
  );
});

function defaulted(manifest: unknown): unknown {
  return applyPatch(manifest, defaultJobSet(manifest));
}

/** Sorted: the order in which requests go out is no promise. */
function texts(objects: readonly unknown[]): readonly string[] {
  return objects.map((object) => canonicalJson(overTheWire(object))).sort();
}

function jobCount(manifest: JsonObject): number {
  return asArray(at(manifest, "spec", "replicatedJobs"))
    .reduce<number>((sum, entry) => sum + Math.abs(Number(at(entry, "replicas") ?? 1)), 0);
}

/** What a controller POSTs for this JobSet until nothing is missing, with the Jobs getting on as those that wait for them need. */
async function createdBy(
  manifest: JsonObject,
  gates: FeatureGates,
): Promise<{ readonly uid: string; readonly created: readonly unknown[] }> {
  const world = new TestWorld(gates);
  const stored = world.api.put(`${JOBSETS}/js`, asObject(defaulted(manifest)) ?? {});
  for (let round = 0; round < MAX_ROUNDS; round++) {
    await world.pass(1_000);
    if (world.jobs.size >= jobCount(manifest)) break;
    getOn(world);
  }
  const created = world.api.requests
    .filter(({ method, path }) => method === "POST" && !path.includes("/events"))
    .map(({ body }) => body);
  return { uid: asString(at(stored, "metadata", "uid")) ?? "", created };
}

/** Every Job becomes what a `dependsOn` wants of it. */
function getOn(world: TestWorld): void {
  const spec = at(world.api.get(`${JOBSETS}/js`), "spec");
  const wantsComplete = JSON.stringify(at(spec, "replicatedJobs")).includes('"status":"Complete"');
  for (const name of world.jobNames()) {
    const job = world.api.get(`${JOBS}/${name}`);
    const ready = Number(at(job, "spec", "parallelism") ?? 1);
    world.api.setJobStatus(`${JOBS}/${name}`, { ready, active: ready }, wantsComplete ? [{ type: "Complete" }] : []);
  }
}
