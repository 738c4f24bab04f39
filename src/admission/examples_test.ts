import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { FeatureGate } from "../api/feature_gates.ts";
import { asObject, at } from "../base/json.ts";
import { defaultJobSet } from "./defaults.ts";
import { applyPatch } from "./json_patch.ts";
import { gatesWith, problems } from "./test_job_set.ts";

const FOLDER = new URL("../../examples/", import.meta.url).pathname;

const jobSets = readdirSync(FOLDER).filter((file) => file.endsWith(".yaml")).flatMap((file) =>
  parseAllDocuments(readFileSync(FOLDER + file, "utf8")).map((document): readonly [string, unknown] => [
    file,
    document.toJS(),
  ])
).filter(([, object]) => asObject(object)?.["kind"] === "JobSet");

/** The gates that an example says it needs. */
function gatesOf(object: unknown): readonly FeatureGate[] {
  return at(object, "spec", "failurePolicy", "restartStrategy") === "InPlaceRestart" ? ["InPlaceRestart"] : [];
}

test("there are examples", () => expect(jobSets.length).toBeGreaterThan(5));

for (const [file, object] of jobSets) {
  test(`${file} keeps the rules, with its defaults and without`, () => {
    const before = structuredClone(object);
    const gates = gatesWith(...gatesOf(object));
    expect(problems(object, { gates })).toEqual([]);
    const defaulted = applyPatch(object, defaultJobSet(object));
    expect(problems(defaulted, { gates })).toEqual([]);
    expect(defaultJobSet(defaulted)).toEqual([]);
    expect(object).toEqual(before);
  });
}
