import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { asObject } from "../base/json.ts";
import { defaultJobSet } from "./defaults.ts";
import { applyPatch } from "./json_patch.ts";
import { problems } from "./test_job_set.ts";

const FOLDER = new URL("../../examples/", import.meta.url).pathname;

const jobSets = readdirSync(FOLDER).filter((file) => file.endsWith(".yaml")).flatMap((file) =>
  parseAllDocuments(readFileSync(FOLDER + file, "utf8")).map((document): readonly [string, unknown] => [
    file,
    document.toJS(),
  ])
).filter(([, object]) => asObject(object)?.["kind"] === "JobSet");

test("there are examples", () => expect(jobSets.length).toBeGreaterThan(5));

for (const [file, object] of jobSets) {
  test(`${file} keeps the rules, with its defaults and without`, () => {
    const before = structuredClone(object);
    expect(problems(object)).toEqual([]);
    const defaulted = applyPatch(object, defaultJobSet(object));
    expect(problems(defaulted)).toEqual([]);
    expect(defaultJobSet(defaulted)).toEqual([]);
    expect(object).toEqual(before);
  });
}
