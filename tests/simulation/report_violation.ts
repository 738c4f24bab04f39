/** Tells of a violation all that it takes to see it again, and shrinks the scenario that it came from. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { judgedRun } from "./judged_run.ts";
import { shrink } from "./shrink.ts";
import type { RunResult, Scenario } from "./types.ts";

const TRACE_LINES = 40;
const FOLDER = join(import.meta.dir, "..", "..", "dist", "simulation");

interface ReportOptions {
  readonly scenario: Scenario;
  readonly result: RunResult;
  readonly hasCanary: boolean;
  /** The scenario came from a file: its seed alone does not give it. */
  readonly file: string | undefined;
  readonly say: (line: string) => void;
}

export async function reportViolation({ scenario, result, hasCanary, file, say }: ReportOptions): Promise<void> {
  const canary = hasCanary ? " --canary" : "";
  tell(result, say);
  say(
    `replay: npm run simulate -- ${
      file === undefined ? `--seed ${result.seed} --steps 1` : `--scenario ${file}`
    }${canary}`,
  );
  say("shrinking ...");
  const run = (candidate: Scenario) => judgedRun(candidate, { hasCanary });
  const shrunk = await shrink(scenario, result, { run });
  say(`the shortest schedule found in ${shrunk.runs} runs, with ${shrunk.result.steps} steps:`);
  say(JSON.stringify(shrunk.scenario));
  tell(shrunk.result, say);
  const path = saveScenario(shrunk.scenario);
  say(`replay: npm run simulate -- --scenario ${path}${canary}`);
  say("its end:");
  for (const line of await traceTail(shrunk.scenario, hasCanary)) say(`  ${line}`);
}

function tell({ violation, seed }: RunResult, say: (line: string) => void): void {
  if (violation === undefined) return;
  const { invariant, detail, step, atMs } = violation;
  say(`violated: ${invariant}: ${detail}`);
  say(`  seed ${seed}, step ${step}, after ${(atMs / 1000).toFixed(3)} s`);
}

/** Relative to where npm runs scripts. */
function saveScenario(scenario: Scenario): string {
  mkdirSync(FOLDER, { recursive: true });
  const name = `seed-${scenario.seed}.json`;
  writeFileSync(join(FOLDER, name), JSON.stringify(scenario, undefined, 2));
  return `dist/simulation/${name}`;
}

async function traceTail(scenario: Scenario, hasCanary: boolean): Promise<readonly string[]> {
  const lines: string[] = [];
  await judgedRun(scenario, {
    hasCanary,
    onTrace(line) {
      lines.push(line);
      if (lines.length > 2 * TRACE_LINES) lines.splice(0, TRACE_LINES);
    },
  });
  return lines.slice(-TRACE_LINES);
}
