/** What a reconcile costs: by the size of its own JobSet, and by what else there is. */
import { LineProcess } from "./line_process.ts";
import type { ReconcileOrder, Reconciles } from "./scale_protocol.ts";
import { median, spread } from "./statistics.ts";

const OWN_JOBS = 100;
const OTHERS = { others: 1_000, othersEach: 10 };
const SIZES = [10, 100, 1_000, 10_000];
/** Jobs looked at in one turn, all reconciles together: a few hundred milliseconds. */
const JOBS_PER_TURN = 300_000;
const MOST_PER_TURN = 10_000;
/** Of two processes each: the engine compiles the same code better in one process than in the next, by a tenth and more. */
const PAIRS = 21;
const TURNS_OF_PAIR = 7;
const ROUNDS = 5;
/** Until the engine has compiled all of it. */
const WARM_UPS = 20;

export interface Growth {
  /** With a thousand others against none. */
  readonly growth: number;
  /** Cost per Job at 10,000 Jobs against 1,000: 1 where it is linear. */
  readonly linear: number;
  readonly ratios: readonly number[];
  /** Microseconds of CPU time for a reconcile, by the number of its Jobs. */
  readonly costs: ReadonlyMap<number, number>;
}

export async function measureGrowth(say: (line: string) => void): Promise<Growth> {
  const ratios = await compareOthers();
  const growth = median(ratios);
  say(
    `a reconcile of ${OWN_JOBS} Jobs with ${OTHERS.others} other JobSets of ${OTHERS.othersEach} Jobs against none: ` +
      `${growth.toFixed(3)} (${spread(ratios, 2)})`,
  );
  const costs = new Map<number, number>();
  for (const jobs of SIZES) costs.set(jobs, await costOf(jobs));
  say(
    `CPU time of a reconcile, µs: ${
      [...costs].map(([jobs, cost]) => `${cost.toFixed(1)} of ${jobs} Jobs (${(cost / jobs).toFixed(2)} each)`).join(
        ", ",
      )
    }`,
  );
  const each = (jobs: number) => (costs.get(jobs) ?? Number.NaN) / jobs;
  return { growth, linear: each(10_000) / each(1_000), ratios, costs };
}

async function compareOthers(): Promise<readonly number[]> {
  const ratios: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) ratios.push(await ratioOfPair());
  return ratios;
}

/** Two processes in turns: what slows the machine for a while slows both. */
async function ratioOfPair(): Promise<number> {
  const alone = new Reconciling({ jobs: OWN_JOBS, others: 0, othersEach: 0 });
  const among = new Reconciling({ jobs: OWN_JOBS, ...OTHERS });
  await alone.warmUp();
  await among.warmUp();
  const ratios: number[] = [];
  for (let turn = 0; turn < TURNS_OF_PAIR; turn++) {
    const isAloneFirst = turn % 2 === 0;
    const first = await (isAloneFirst ? alone : among).turn();
    const second = await (isAloneFirst ? among : alone).turn();
    ratios.push(isAloneFirst ? second / first : first / second);
  }
  await Promise.all([alone.stop(), among.stop()]);
  return median(ratios);
}

async function costOf(jobs: number): Promise<number> {
  const reconciling = new Reconciling({ jobs, others: 0, othersEach: 0 });
  await reconciling.warmUp();
  const costs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) costs.push(await reconciling.turn());
  await reconciling.stop();
  return median(costs);
}

class Reconciling {
  readonly #process = new LineProcess(new URL("scale_reconciles.ts", import.meta.url).pathname);
  readonly #order: ReconcileOrder;

  constructor(world: Omit<ReconcileOrder, "reconciles">) {
    const reconciles = Math.min(MOST_PER_TURN, Math.ceil(JOBS_PER_TURN / world.jobs));
    this.#order = { ...world, reconciles };
  }

  async warmUp(): Promise<void> {
    for (let turn = 0; turn < WARM_UPS; turn++) await this.turn();
  }

  /** Microseconds of CPU time for each reconcile. */
  async turn(): Promise<number> {
    const { reconciles } = this.#order;
    const { cpuMs, writes } = await this.#process.ask<Reconciles>(this.#order);
    if (writes !== reconciles) throw new Error(`reconcile: ${writes} writes of the status after ${reconciles} changes`);
    return 1000 * cpuMs / reconciles;
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
