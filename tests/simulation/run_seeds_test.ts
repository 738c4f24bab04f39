import { expect, test } from "bun:test";
import { runSeeds, type SeedRunner } from "./run_seeds.ts";
import type { RunResult } from "./types.ts";

const result = (seed: number, invariant?: string): RunResult => ({
  seed,
  steps: 100 + seed,
  hash: String(seed * 7919),
  violation: invariant === undefined ? undefined : { step: 1, atMs: 1, invariant, detail: "" },
});

/** Each run takes as many turns as the seed says, so that they end in any order. */
function runner(run: (seed: number) => RunResult, asked: number[] = []): SeedRunner {
  return {
    async run(seed) {
      asked.push(seed);
      for (let turn = 0; turn < (seed * 13) % 7; turn++) await Promise.resolve();
      return run(seed);
    },
  };
}

function runners(count: number, run: (seed: number) => RunResult): readonly SeedRunner[] {
  return Array.from({ length: count }, () => runner(run));
}

test("the same seeds count, in the same order, however many run at once", async () => {
  const one = await runSeeds({ seed: 3, steps: 1_000, runners: runners(1, (seed) => result(seed)) });
  const five = await runSeeds({ seed: 3, steps: 1_000, runners: runners(5, (seed) => result(seed)) });
  expect(one).toEqual(five);
  expect(one.steps).toBeGreaterThanOrEqual(1_000);
  expect(one.seeds).toBe(10);
  const other = await runSeeds({ seed: 4, steps: 1_000, runners: runners(1, (seed) => result(seed)) });
  expect(other.hash).not.toBe(one.hash);
});

test("of several that fail the first seed is told", async () => {
  const run = (seed: number) => result(seed, seed === 6 || seed === 7 ? "bad" : undefined);
  for (const count of [1, 2, 5]) {
    const { failed, seeds } = await runSeeds({ seed: 1, steps: 100_000, runners: runners(count, run) });
    expect(failed?.seed).toBe(6);
    expect(seeds).toBe(6);
  }
});

test("one seed in twenty is run twice, and its hash compared", async () => {
  const asked: number[] = [];
  await runSeeds({ seed: 1, steps: 4_000, runners: [runner((seed) => result(seed), asked)] });
  expect(asked.filter((seed) => seed === 1 || seed === 21)).toEqual([1, 1, 21, 21]);
  expect(asked.filter((seed) => seed === 2)).toEqual([2]);
  let count = 0;
  const differs = runner((seed) => ({ ...result(seed), hash: String(count++) }));
  const { failed } = await runSeeds({ seed: 1, steps: 4_000, runners: [differs] });
  expect(failed?.violation?.invariant).toBe("same seed, same trace");
});
