import { expect, test } from "bun:test";
import { defaultJobSet } from "../../../src/admission/defaults.ts";
import { errorText } from "../../../src/admission/field_error.ts";
import { applyPatch } from "../../../src/admission/json_patch.ts";
import { validateCreate } from "../../../src/admission/validate_create.ts";
import { DEFAULT_FEATURE_GATES } from "../../../src/api/feature_gates.ts";
import { asArray, at, type JsonObject } from "../../../src/base/json.ts";
import { seededRandom } from "../../../src/base/seeded_random.ts";
import { drawWork, type Work } from "./draw_work.ts";

const SEEDS = 200;

/** Every manifest that a run creates, sooner or later. */
function manifests(work: Work): readonly JsonObject[] {
  const recreated = work.operations.flatMap((operation) =>
    operation.kind === "recreate" && operation.object !== undefined ? [operation.object] : []
  );
  return [...work.jobSets.map(({ object }) => object), ...recreated];
}

function mistakes(object: unknown, work: Work): readonly string[] {
  const gates = { ...DEFAULT_FEATURE_GATES, ...work.gates };
  return validateCreate({ object, gates, claims: "offline" }).map(errorText);
}

test("every JobSet that is drawn is valid, with its defaults and without", () => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const work = drawWork(seededRandom(seed));
    for (const object of manifests(work)) {
      const defaulted = applyPatch(object, defaultJobSet(object));
      expect({ seed, mistakes: [...mistakes(object, work), ...mistakes(defaulted, work)] }).toEqual({
        seed,
        mistakes: [],
      });
    }
  }
});

test("without webhooks nothing changes the names or numbers of replicatedJobs", () => {
  const shapeOf = (spec: unknown) =>
    asArray(at(spec, "replicatedJobs")).map((entry) => `${at(entry, "name")} ${at(entry, "replicas")}`).join();
  const counts = { kept: 0, changed: 0 };
  for (let seed = 0; seed < 5 * SEEDS; seed += 1) {
    const work = drawWork(seededRandom(seed));
    for (const operation of work.operations) {
      if (operation.kind !== "edit" || at(operation.patch, "spec", "replicatedJobs") === undefined) continue;
      const shape = shapeOf(operation.patch["spec"]);
      const others = manifests(work).filter((object) => {
        return at(object, "metadata", "name") === operation.jobSet && shapeOf(object["spec"]) !== shape;
      });
      if (!work.hasWebhooks) expect({ seed, others }).toEqual({ seed, others: [] });
      counts[others.length === 0 ? "kept" : "changed"] += 1;
    }
  }
  // With webhooks they are tried, and refused.
  expect(Math.min(counts.kept, counts.changed)).toBeGreaterThan(0);
});

test("a seed draws the same work again", () => {
  for (let seed = 0; seed < 20; seed += 1) {
    expect(drawWork(seededRandom(seed))).toEqual(drawWork(seededRandom(seed)));
  }
});

test("operations come in order, on JobSets of the run, and before the calm", () => {
  const kinds = new Map<string, number>();
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const { jobSets, operations, calmAtMs } = drawWork(seededRandom(seed));
    const names = jobSets.map(({ object }) => (object["metadata"] as JsonObject)["name"]);
    let atMs = 0;
    for (const operation of operations) {
      expect(names).toContain(operation.jobSet);
      expect(operation.atMs).toBeGreaterThanOrEqual(atMs);
      expect(operation.atMs).toBeLessThan(calmAtMs);
      atMs = operation.atMs;
      const kind = `${operation.by} ${operation.kind}`;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
  }
  const rare = [...kinds].filter(([, count]) => count < 4);
  expect(rare).toEqual([]);
  expect(kinds.size).toBe(11);
});
