/**
 * `npm run simulate -- --seed S --steps N [--workers W] [--canary]`: runs the seeds S, S + 1, … until N steps were made in all;
 * `--scenario FILE` runs that one scenario. Ends with 1 after the first violation, which it tells how to replay.
 */
import { drawScenario } from "./draw/draw_scenario.ts";
import { judgedRun } from "./judged_run.ts";
import { type Options, readOptions } from "./options.ts";
import { reportViolation } from "./report_violation.ts";
import { type Progress, runSeeds } from "./run_seeds.ts";
import { readScenario } from "./scenario_file.ts";
import { startSeedProcess } from "./seed_processes.ts";
import type { RunResult, Scenario } from "./types.ts";

const PROGRESS_MS = 10_000;

/** What came out; its scenario where one failed. */
interface Verdict {
  readonly seed: number;
  readonly steps: number;
  readonly hash: string;
  readonly failed: { readonly scenario: Scenario; readonly result: RunResult } | undefined;
}

async function simulateSeeds({ seed, steps, workers, hasCanary }: Options): Promise<Verdict> {
  const startedAt = performance.now();
  let toldAt = startedAt;
  const onProgress = (progress: Progress) => {
    const now = performance.now();
    if (now - toldAt < PROGRESS_MS) return;
    toldAt = now;
    const perMinute = Math.round(progress.steps / (now - startedAt) * 60_000);
    console.log(`${progress.seeds} seeds, ${progress.steps} steps, ${perMinute} a minute`);
  };
  const processes = Array.from({ length: workers }, () => startSeedProcess({ hasCanary }));
  try {
    const { failed, ...sums } = await runSeeds({ seed, steps, runners: processes, onProgress });
    return {
      ...sums,
      seed: failed?.seed ?? seed,
      failed: failed && { scenario: drawScenario(failed.seed), result: failed },
    };
  } finally {
    for (const process of processes) process[Symbol.dispose]();
  }
}

async function simulateFile(path: string, hasCanary: boolean): Promise<Verdict> {
  const scenario = readScenario(path);
  const result = await judgedRun(scenario, { hasCanary });
  const { steps, hash } = result;
  return { seed: scenario.seed, steps, hash, failed: result.violation && { scenario, result } };
}

async function simulate(options: Options): Promise<number> {
  const { scenario: file, hasCanary } = options;
  const { seed, steps, hash, failed } =
    await (file === undefined ? simulateSeeds(options) : simulateFile(file, hasCanary));
  const say = (line: string) => console.log(line);
  if (failed !== undefined) await reportViolation({ ...failed, hasCanary, file, say });
  console.log(`simulate: seed=${seed} steps=${steps} hash=${hash} violations=${failed === undefined ? 0 : 1}`);
  return failed === undefined ? 0 : 1;
}

const options = readOptions(process.argv.slice(2));
try {
  if (typeof options === "string") throw new Error(options);
  process.exitCode = await simulate(options);
} catch (error) {
  console.error(`simulate: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
