/**
 * `npm run bench -- NAME`: measures, prints the figures, and ends with code 1 where one misses its budget. The last line of
 * the output is for programs: `bench NAME: figure=value …`.
 *
 * `npm run bench` runs all of them one after the other, prints a table, and ends with 1 where a figure misses by more than noise.
 * `--save` writes what was measured to docs/bench/NAME.json, for docs/performance.md and its pictures (`npm run picture -- bench`).
 */
import type { Bench, Outcome } from "./bench.ts";
import { BENCHES } from "./benches.ts";
import { judge, type Judgement } from "./judge.ts";
import { saveResult } from "./result.ts";
import { type Finished, hasFailed, tableLines } from "./table.ts";

const SAVE = "--save";
const USAGE = [
  `npm run bench -- [NAME] [${SAVE}]`,
  ...BENCHES.map(({ name, about }) => `  ${name}  ${about}`),
].join("\n");

async function main(args: readonly string[]): Promise<number> {
  const isSaved = args.includes(SAVE);
  const [name, ...rest] = args.filter((arg) => arg !== SAVE);
  if (name === undefined) return await runAll(isSaved);
  const bench = BENCHES.find((candidate) => candidate.name === name);
  if (bench === undefined || rest.length > 0) {
    console.error(USAGE);
    return 1;
  }
  const { outcome, judgements } = await runBench(bench, isSaved);
  const complaints = [...judgements.flatMap(complaint), ...outcome.faults];
  for (const line of complaints) console.log(`OVER: ${line}`);
  console.log(`bench ${name}: ${judgements.map(({ budget, text }) => `${budget.name}=${text}`).join(" ")}`);
  return complaints.length === 0 ? 0 : 1;
}

/** One that breaks leaves the others to be run. */
async function runAll(isSaved: boolean): Promise<number> {
  const finished: Finished[] = [];
  for (const bench of BENCHES) {
    console.log(`\n== ${bench.name}: ${bench.about}`);
    try {
      const { outcome, judgements } = await runBench(bench, isSaved);
      finished.push({ name: bench.name, judgements, faults: outcome.faults });
    } catch (error) {
      finished.push({ name: bench.name, judgements: [], faults: [messageOf(error)] });
    }
  }
  console.log("");
  for (const line of tableLines(finished)) console.log(line);
  return finished.some(hasFailed) ? 1 : 0;
}

async function runBench(
  bench: Bench,
  isSaved: boolean,
): Promise<{ readonly outcome: Outcome; readonly judgements: readonly Judgement[] }> {
  const outcome = await bench.run((line) => console.log(line));
  const judgements = judge(bench.budgets, outcome);
  if (isSaved) console.log(`saved as ${saveResult(bench, outcome, judgements)}`);
  return { outcome, judgements };
}

/** By itself each bench is as strict as its budgets: noise is for the table. */
function complaint({ budget, text, verdict }: Judgement): readonly string[] {
  if (verdict === "within") return [];
  return [
    "most" in budget
      ? `${budget.name} is ${text}, at most ${budget.most} is allowed`
      : `${budget.name} is ${text}, at least ${budget.least} is asked for`,
  ];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
