/**
 * `npm run bench -- NAME`: measures, prints the figures, and ends with code 1 where one misses its budget. The last line of
 * the output is for programs: `bench NAME: figure=value …`.
 */
import { ADMISSION_BUDGETS, runAdmissionBench } from "./admission.ts";
import type { Bench, Budget, Outcome } from "./bench.ts";
import { LOOP_BUDGETS, runLoopBench } from "./loop.ts";
import { PLACEMENT_BUDGETS, runPlacementBench } from "./placement.ts";
import { RESTART_BUDGETS, runRestartBench } from "./restart.ts";
import { runStartBench, START_BUDGETS } from "./start.ts";

const BENCHES: readonly Bench[] = [
  {
    name: "loop",
    about: "creates and restarts of 10, 100 and 1,000 Jobs against a bare client; memory",
    budgets: LOOP_BUDGETS,
    run: runLoopBench,
  },
  {
    name: "admission",
    about: "reviews of small and large JobSets on 1 and 50 connections, with an API server and without; memory",
    budgets: ADMISSION_BUDGETS,
    run: runAdmissionBench,
  },
  {
    name: "start",
    about: "a replica as it is installed: process start to ready; memory at rest and after scrapes",
    budgets: START_BUDGETS,
    run: runStartBench,
  },
  {
    name: "placement",
    about:
      "exclusive placement among 15,000 Nodes and 3,000 Pods: memory of the caches; Pods let in against a bare client",
    budgets: PLACEMENT_BUDGETS,
    run: runPlacementBench,
  },
  {
    name: "restart",
    about: "64 Pods with real agents: restart in place against Recreate, from one worker's end to all workers' start",
    budgets: RESTART_BUDGETS,
    run: runRestartBench,
  },
];

const USAGE = [
  "npm run bench -- NAME",
  ...BENCHES.map(({ name, about }) => `  ${name}  ${about}`),
].join("\n");

async function main(): Promise<number> {
  const [name, ...rest] = process.argv.slice(2);
  const bench = BENCHES.find((candidate) => candidate.name === name);
  if (bench === undefined || rest.length > 0) {
    console.error(USAGE);
    return 1;
  }
  const outcome = await bench.run((line) => console.log(line));
  const complaints = [...bench.budgets.flatMap((budget) => complaint(budget, outcome)), ...outcome.faults];
  for (const line of complaints) console.log(`OVER: ${line}`);
  console.log(`bench ${bench.name}: ${bench.budgets.map((budget) => figure(budget, outcome)).join(" ")}`);
  return complaints.length === 0 ? 0 : 1;
}

/** What is judged is what is printed. */
function complaint(budget: Budget, outcome: Outcome): readonly string[] {
  const text = rounded(budget, outcome);
  if ("most" in budget) {
    return Number(text) <= budget.most ? [] : [`${budget.name} is ${text}, at most ${budget.most} is allowed`];
  }
  return Number(text) >= budget.least ? [] : [`${budget.name} is ${text}, at least ${budget.least} is asked for`];
}

function figure(budget: Budget, outcome: Outcome): string {
  return `${budget.name}=${rounded(budget, outcome)}`;
}

/** Counts and megabytes whole, ratios with two digits: `48`, `1.08`. What must be reached is not rounded up. */
function rounded(budget: Budget, { figures }: Outcome): string {
  const value = figures[budget.name] ?? Number.NaN;
  const isLeast = "least" in budget;
  if (value >= 10) return String(isLeast ? Math.floor(value) : Math.ceil(value));
  return String(isLeast ? Math.floor(value * 100) / 100 : Number(value.toFixed(2)));
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
