/**
 * What the main loop costs: creating N Jobs and restarting them, beside a bare client that does the same (the floor).
 *
 * Only the API server, the garbage collector and the side under test work. Both sides are long-lived processes with the same
 * role and a token, each in a namespace of its own, and run in turns. Both are timed by the API server's audit log: the
 * controller from the arrival of the JobSet, or of a Job's failure, to the answer that completed the Nth Job; the floor from
 * the arrival of its own first write.
 */
import { buildBinary } from "../../scripts/build.ts";
import { type Budget, type Outcome } from "./bench.ts";
import { type BenchCluster, createNamespace, startBenchCluster } from "./cluster.ts";
import { ControllerSide, startController } from "./controller_side.ts";
import { startFloor } from "./floor_side.ts";
import { measureMemory } from "./memory.ts";
import { type Comparison, hasEnough, type Pair, type Ratio, report, summarise } from "./loop_report.ts";
import { residentMb } from "./process_usage.ts";
import type { Run, Side } from "./side.ts";

const SIZES = [10, 100, 1000];
const PAIRS = 5;
/** Pairs during which other processes took much of the machine are run again, so often at most. */
const MOST_PAIRS = 15;
/** The sizes that the budgets are about: below, a few milliseconds decide. */
const JUDGED = [100, 1000];
/** Runs first and counts for nothing: both processes and the API server shall be warm. */
const WARM_UP: Run = { name: "warm-up", jobs: 1000 };
/** Between two runs, for what the API server and etcd do behind their answers. */
const PAUSE_MS = 1_000;

const OURS = "bench-ours";
const THEIRS = "bench-floor";

export const LOOP_BUDGETS: readonly Budget[] = [
  { name: "create", most: 1.15 },
  { name: "restart", most: 1.15 },
  { name: "conflicts", most: 0 },
  { name: "extra", most: 0 },
  { name: "idle_mb", most: 60 },
  { name: "at10k_mb", most: 110 },
];

export async function runLoopBench(say: (line: string) => void): Promise<Outcome> {
  const command = [await buildBinary(say)];
  const cluster = await startBenchCluster(say);
  try {
    const comparisons = await compareSides(cluster, command, say);
    const memory = await measureMemory(cluster, command, say);
    const judged = comparisons.filter(({ jobs }) => JUDGED.includes(jobs));
    const create = worst(judged.map((comparison) => comparison.create));
    const restart = worst(judged.map((comparison) => comparison.restart));
    return {
      figures: {
        create: create.ratio,
        restart: restart.ratio,
        conflicts: sum(comparisons.map((comparison) => comparison.conflicts)),
        extra: sum(comparisons.map((comparison) => comparison.extra)),
        idle_mb: memory.idleMb,
        at10k_mb: memory.loadedMb,
      },
      samples: { create: create.ratios, restart: restart.ratios },
      faults: comparisons.flatMap((comparison) => comparison.faults),
    };
  } finally {
    await cluster.controlPlane.stop();
  }
}

async function compareSides(
  cluster: BenchCluster,
  command: readonly string[],
  say: (line: string) => void,
): Promise<readonly Comparison[]> {
  const { api } = cluster;
  await createNamespace(api, OURS);
  await createNamespace(api, THEIRS);
  const process = await startController(cluster, { command, namespace: OURS });
  const ours = new ControllerSide(cluster, { namespace: OURS, process });
  const floor = await startFloor(cluster, THEIRS);
  const comparisons: Comparison[] = [];
  await runPair({ ours, floor, run: WARM_UP, isOursFirst: true });
  for (const jobs of SIZES) {
    const pairs: Pair[] = [];
    while (pairs.length < MOST_PAIRS && !hasEnough(pairs, PAIRS)) {
      const run = { name: `n${jobs}-${pairs.length}`, jobs };
      pairs.push(await runPair({ ours, floor, run, isOursFirst: pairs.length % 2 === 0 }));
    }
    const comparison = summarise(jobs, pairs, PAIRS);
    comparisons.push(comparison);
    for (const line of report(comparison, pairs, residentMb(process.pid))) say(line);
  }
  await floor.stop();
  await process.stop();
  return comparisons;
}

async function runPair(
  { ours, floor, run, isOursFirst }: {
    readonly ours: Side;
    readonly floor: Side;
    readonly run: Run;
    readonly isOursFirst: boolean;
  },
): Promise<Pair> {
  if (isOursFirst) {
    const own = await runSide(ours, run);
    return { ours: own, floor: await runSide(floor, run) };
  }
  const other = await runSide(floor, run);
  return { ours: await runSide(ours, run), floor: other };
}

async function runSide(side: Side, run: Run): Promise<Pair["ours"]> {
  const create = await side.create(run);
  const restart = await side.restart(run);
  await side.remove(run);
  await Bun.sleep(PAUSE_MS);
  return { create, restart };
}

function worst(ratios: readonly Ratio[]): Ratio {
  const [first] = ratios.toSorted((left, right) => right.ratio - left.ratio);
  if (first === undefined) throw new Error("judge the loop: nothing was measured");
  return first;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
