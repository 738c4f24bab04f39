/** One run under all invariants. What is thrown in it is a violation like any other. */
import { createJudges } from "./judges/create_judges.ts";
import { runScenario } from "./run_scenario.ts";
import type { RunResult, Scenario } from "./types.ts";

export interface JudgedRunOptions {
  readonly hasCanary: boolean;
  readonly onTrace?: (line: string) => void;
}

export async function judgedRun(scenario: Scenario, { hasCanary, onTrace }: JudgedRunOptions): Promise<RunResult> {
  try {
    return await runScenario(scenario, {
      judges: (view, report) => createJudges(view, report, { hasCanary }),
      ...(onTrace === undefined ? {} : { onTrace }),
    });
  } catch (error) {
    const detail = error instanceof Error ? error.stack ?? error.message : String(error);
    return {
      seed: scenario.seed,
      steps: 0,
      hash: "",
      violation: { step: 0, atMs: 0, invariant: "nothing is thrown", detail },
    };
  }
}
