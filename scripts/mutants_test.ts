import { describe, expect, test } from "bun:test";
import { readFailedTest, readViolation } from "./mutants/killers.ts";
import { applyMutant, listMutants } from "./mutants/mutant.ts";
import { ROOT } from "./steps.ts";

/** Of each folder that decides or acts, and of all together. */
const AT_LEAST = { plan: 20, apply: 10, cache: 7, queue: 6, watch: 8, admission: 8, leader: 5 };
const AT_LEAST_IN_ALL = 60;

describe("the mutants", () => {
  const mutants = listMutants(ROOT);

  test("are many, of every folder that decides or acts", () => {
    const counts = Object.fromEntries(
      Object.keys(AT_LEAST).map((area) => [area, mutants.filter((mutant) => mutant.area === area).length]),
    );
    for (const [area, least] of Object.entries(AT_LEAST)) expect(counts[area], area).toBeGreaterThanOrEqual(least);
    expect(mutants.length).toBeGreaterThanOrEqual(AT_LEAST_IN_ALL);
  });

  test("have names and defects of their own", () => {
    expect(new Set(mutants.map(({ name }) => name.replace(/^\d{3}-/, ""))).size).toBe(mutants.length);
    expect(new Set(mutants.map(({ defect }) => defect)).size).toBe(mutants.length);
    for (const { name, area } of mutants) expect(name).toMatch(new RegExp(`^\\d{3}-${area}-[a-z0-9-]+$`));
  });

  test("still apply: whoever changes the code that one of them breaks writes it anew", async () => {
    const problems = await Promise.all(mutants.map((mutant) => applyMutant(mutant, { root: ROOT, mode: "check" })));
    const broken = mutants.flatMap(({ name }, index) => problems[index] === undefined ? [] : [[name, problems[index]]]);
    expect(broken).toEqual([]);
  });
});

describe("what killed a mutant", () => {
  test("is the first failed test, with its file", () => {
    const output = [
      "bun test v1.4.5",
      "",
      "src/a/b_test.ts:",
      "error: expect(received).toBe(expected)",
      "(fail) outer > in > ner (R01) [0.16ms]",
      "(fail) another [2.00s]",
    ].join("\n");
    expect(readFailedTest(output)).toBe("src/a/b_test.ts: outer > in > ner (R01)");
  });

  test("is the error where not even a test began", () => {
    expect(readFailedTest("src/a/b_test.ts:\nerror: no such export\n")).toBe("src/a/b_test.ts: error: no such export");
  });

  test("is the line of the simulation that names the invariant", () => {
    const output = "step 1\nseed 7: invariant counted-once violated at step 12\nsimulate: seed=1 violations=1";
    expect(readViolation(output)).toBe("simulation: seed 7: invariant counted-once violated at step 12");
  });
});
