/** That the simulation finds what is wrong, again and again in the same way. */
import { expect, test } from "bun:test";
import { drawScenario } from "./draw/draw_scenario.ts";
import { judgedRun } from "./judged_run.ts";
import { shrink } from "./shrink.ts";
import type { RunResult, Scenario } from "./types.ts";

const SEEDS = 40;
const TIMEOUT_MS = 60_000;

/** The first seed of a run that the canary fails in. */
async function firstFailure(): Promise<{ readonly scenario: Scenario; readonly result: RunResult }> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const scenario = drawScenario(seed);
    const result = await judgedRun(scenario, { hasCanary: true });
    if (result.violation?.invariant === "canary") return { scenario, result };
  }
  throw new Error(`the canary lived through ${SEEDS} seeds`);
}

test("the canary fails, replays to the same hash, and shrinks", async () => {
  const { scenario, result } = await firstFailure();
  expect(await judgedRun(scenario, { hasCanary: true })).toEqual(result);
  const run = (candidate: Scenario) => judgedRun(candidate, { hasCanary: true });
  const small = await shrink(scenario, result, { run, maxRuns: 40 });
  expect(small.result.violation?.invariant).toBe("canary");
  expect(small.scenario.jobSets).toHaveLength(1);
  const replayed = JSON.parse(JSON.stringify(small.scenario)) as Scenario;
  expect(await judgedRun(replayed, { hasCanary: true })).toEqual(small.result);
}, TIMEOUT_MS);

test("without the canary seeds pass, twice with the same hash", async () => {
  for (const seed of [1, 2, 3]) {
    const first = await judgedRun(drawScenario(seed), { hasCanary: false });
    expect(first.violation).toBeUndefined();
    expect(await judgedRun(drawScenario(seed), { hasCanary: false })).toEqual(first);
  }
}, TIMEOUT_MS);

test("another seed gives another trace", async () => {
  const run = (seed: number) => judgedRun(drawScenario(seed), { hasCanary: false });
  expect((await run(1)).hash).not.toBe((await run(2)).hash);
}, TIMEOUT_MS);
