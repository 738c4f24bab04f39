/** What a reader of the documentation copies keeps the rules of admission. */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { defaultJobSet } from "../../src/admission/defaults.ts";
import { applyPatch } from "../../src/admission/json_patch.ts";
import { gatesWith, problems } from "../../src/admission/test_job_set.ts";
import { jobSetsOf, readPage } from "./page_yaml.ts";

const DOCS = join(import.meta.dir, "..", "..", "docs");
const PAGES = readdirSync(DOCS).filter((name) => name.endsWith(".md"));
const LARGEST = 30 * 1024;

for (const page of PAGES) {
  const jobSets = jobSetsOf(readPage(page));
  if (jobSets.length === 0) continue;
  const gates = page === "in_place_restart.md" ? gatesWith("InPlaceRestart") : gatesWith();
  test(`the JobSets of docs/${page} keep the rules, with their defaults and without`, () => {
    for (const jobSet of jobSets) {
      expect(problems(jobSet, { gates })).toEqual([]);
      expect(problems(applyPatch(jobSet, defaultJobSet(jobSet)), { gates })).toEqual([]);
    }
  });
}

test("every link of a page to a file leads to one, and pictures are small", () => {
  for (const page of PAGES) {
    for (const [, target = ""] of readPage(page).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
      const file = join(DOCS, target);
      expect(existsSync(file), `${page}: ${target}`).toBe(true);
      if (target.endsWith(".svg")) expect(statSync(file).size).toBeLessThan(LARGEST);
    }
  }
});

test("every picture belongs to a page", () => {
  const folder = join(DOCS, "pictures");
  for (const name of readdirSync(folder)) {
    expect(PAGES.some((page) => readFileSync(join(DOCS, page), "utf8").includes(`pictures/${name}`)), name).toBe(true);
  }
});
