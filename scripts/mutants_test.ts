import { describe, expect, test } from "bun:test";
import { readError, readFailedTest, readViolation } from "./mutants/killers.ts";
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

  test("is not known before a test has failed", () => {
    expect(readFailedTest("src/a/b_test.ts:\nerror: expect(received)\n(fail) cut in the mid")).toBeUndefined();
  });

  test("is the invariant of the simulation, and the seed", () => {
    const output = "3 seeds\nviolated: counted-once: a: 2: twice\n  seed 7, step 12, after 0.300 s\nshrinking ...\n";
    expect(readViolation(output)).toBe("simulation: counted-once, seed 7");
    expect(readViolation("simulate: seed=1 steps=9 hash=ab violations=0")).toBeUndefined();
  });

  test("is the error where not even a test began", () => {
    expect(readError("src/a/b_test.ts:\nerror: no such export\nmore")).toBe("error: no such export");
  });
});
