/** Runs seed after seed, several at once; what comes out does not depend on how many. */
import type { RunResult } from "./types.ts";

/** One seed in so many is run twice, and must end with the same hash. */
const TWICE = 20;

export interface SeedRunner {
  run(seed: number): Promise<RunResult>;
}

export interface Progress {
  readonly seeds: number;
  readonly steps: number;
}

export interface SeedResults {
  /** Of the seeds that count: from the first on, in their order, until there were steps enough, or one failed. */
  readonly seeds: number;
  readonly steps: number;
  readonly hash: string;
  readonly failed: RunResult | undefined;
}

interface SeedOptions {
  readonly seed: number;
  readonly steps: number;
  readonly runners: readonly SeedRunner[];
  readonly onProgress?: (progress: Progress) => void;
}

/** Each runner takes the next seed as soon as it is free. Seeds beyond those that count are run for nothing. */
export async function runSeeds({ seed: first, steps: wanted, runners, onProgress }: SeedOptions): Promise<SeedResults> {
  const results = new Map<number, RunResult>();
  let next = first;
  let counted = first;
  let steps = 0;
  let hash = 0n;
  let failed: RunResult | undefined;
  const isOver = () => failed !== undefined || steps >= wanted;
  const count = () => {
    for (let result = results.get(counted); result !== undefined && !isOver(); result = results.get(counted)) {
      results.delete(counted);
      counted += 1;
      steps += result.steps;
      hash = Bun.hash.xxHash64(result.hash, hash);
      if (result.violation !== undefined) failed = result;
    }
    onProgress?.({ seeds: counted - first, steps });
  };
  const work = async (runner: SeedRunner) => {
    while (!isOver()) {
      const seed = next++;
      results.set(seed, await runOnce(runner, seed, (seed - first) % TWICE === 0));
      count();
    }
  };
  await Promise.all(runners.map(work));
  return { seeds: counted - first, steps, hash: hash.toString(16).padStart(16, "0"), failed };
}

async function runOnce(runner: SeedRunner, seed: number, isTwice: boolean): Promise<RunResult> {
  const result = await runner.run(seed);
  if (!isTwice || result.violation !== undefined) return result;
  const again = await runner.run(seed);
  if (again.hash === result.hash) return result;
  const detail = `one run ended with hash ${result.hash}, the other with ${again.hash}`;
  return { ...result, violation: { step: result.steps, atMs: 0, invariant: "same seed, same trace", detail } };
}
