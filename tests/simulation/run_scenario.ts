/** One run from its scenario to its end, under the eyes of judges. */
import type { Judge, RunResult, Scenario, SimulationView, Violation } from "./types.ts";
import { World } from "./world.ts";

export interface RunOptions {
  readonly judges: (view: SimulationView, report: (invariant: string, detail: string) => void) => readonly Judge[];
  /** A run that has not come to rest by then has failed; 200,000 if left out. */
  readonly maxSteps?: number;
  readonly onTrace?: (line: string) => void;
}

/** A world without a change for so long is at rest: longer than any stream may be silent unnoticed. */
const REST_MS = 100_000;
/** The quiet that follows: nothing may be written in it. */
const QUIET_MS = 60_000;
/** Liveness: from the calm on a world must come to rest within this time, and these steps. */
const SETTLE_MS = 900_000;
const SETTLE_STEPS = 50_000;

/** Resolves once the run has ended, by itself or by the first violation. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<RunResult> {
  // Promises are settled by hand after each step, which works from a task of its own only.
  await new Promise((resolve) => setImmediate(resolve));
  return run(scenario, options);
}

function run(scenario: Scenario, { judges: createJudges, maxSteps = 200_000, onTrace }: RunOptions): RunResult {
  const world = new World(scenario, onTrace);
  let violation: Violation | undefined;
  const report = (invariant: string, detail: string) => {
    violation ??= { step: world.steps, atMs: world.elapsed(), invariant, detail };
  };
  const judges = createJudges(world, report);
  world.server.onWrite((write) => {
    for (const judge of judges) judge.onWrite(write);
  });
  world.onSend((sending) => {
    for (const judge of judges) judge.onSend?.(sending);
  });
  world.onLearn((learned) => {
    for (const judge of judges) judge.onLearn?.(learned);
  });
  world.start();
  let calmAtStep = Infinity;
  let restAtMs = Infinity;
  while (violation === undefined && world.elapsed() < restAtMs + QUIET_MS) {
    if (!world.step()) report("liveness", "nothing is left to happen, not even a timer");
    for (const judge of judges) judge.afterStep();
    if (!world.isCalm) continue;
    calmAtStep = Math.min(calmAtStep, world.steps);
    if (restAtMs === Infinity && world.quietMs >= REST_MS && world.elapsed() - scenario.calmAtMs >= REST_MS) {
      restAtMs = world.elapsed();
      for (const judge of judges) judge.atRest();
    }
    const isLate = world.elapsed() - scenario.calmAtMs > SETTLE_MS || world.steps - calmAtStep > SETTLE_STEPS;
    if (restAtMs === Infinity && isLate) report("liveness", "the world does not come to rest");
    if (world.steps >= maxSteps) report("liveness", `no end after ${maxSteps} steps`);
  }
  const result = { seed: scenario.seed, steps: world.steps, hash: world.hash, violation };
  world.dispose();
  return result;
}
