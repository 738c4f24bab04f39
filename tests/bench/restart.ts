/**
 * Restart in place against Recreate (spec 5): the same Pods, agents and workers, the same failure, in turns. Timed from the kill of
 * one worker to the start of the last worker of the next attempt.
 */
import { startController } from "../e2e/controller.ts";
import { AgentFleet, type FleetOptions, type Strategy } from "../e2e/agent_fleet.ts";
import { type Environment, startEnvironment } from "../e2e/environment.ts";
import type { Budget, Outcome } from "./bench.ts";
import { median, spread } from "./statistics.ts";

/** Issue 3. */
export const RESTART_BUDGETS: readonly Budget[] = [
  { name: "speedup", least: 3 },
  { name: "speedup_pod_start", least: 3 },
];

/** Sixteen slices of four hosts, as large accelerators come. */
const SIZE = { jobs: 16, podsPerJob: 4, maxRestarts: 1000 };
const ROUNDS = 7;
const POD_START_ROUNDS = 5;
const POD_START_MS = 2_000;
const BACK_OFF_ROUNDS = 2;
/** What a restart leaves to do, garbage and counters, is done by then: no round is to pay for the one before. */
const REST_MS = 1_500;

interface Pair {
  readonly inPlaceMs: readonly number[];
  readonly recreateMs: readonly number[];
}

export async function runRestartBench(say: (line: string) => void): Promise<Outcome> {
  const environment = await startEnvironment({}, 0);
  const flags = ["--feature-gates=InPlaceRestart=true"];
  const controller = await startController(environment, { isInstalled: true, flags });
  try {
    say(`${SIZE.jobs * SIZE.podsPerJob} Pods in ${SIZE.jobs} Jobs; one worker is killed, until all workers run again`);
    const plain = await inTurns(environment, {}, ROUNDS);
    const speedup = tell(say, "no delay of the kubelet's own", plain);
    const slow = await inTurns(environment, { podStartDelayMs: POD_START_MS }, POD_START_ROUNDS);
    const speedupPodStart = tell(say, `${POD_START_MS / 1000} s until a Pod's first container starts`, slow);
    const backedOff = await inTurns(environment, { restartDelay: "kubelet" }, BACK_OFF_ROUNDS, 0);
    tell(say, "a kubelet's restart back-off (none at first, then 10 s for each container)", backedOff);
    return {
      figures: { speedup, speedup_pod_start: speedupPodStart },
      samples: { speedup: ratiosOf(plain), speedup_pod_start: ratiosOf(slow) },
      faults: [],
    };
  } finally {
    await controller.dispose();
    await environment.stop();
  }
}

/** Both fleets stand there all the time, and an idle one costs next to nothing. The first rounds only warm up. */
async function inTurns(
  environment: Environment,
  options: Partial<FleetOptions>,
  rounds: number,
  warmUps = 1,
): Promise<Pair> {
  const start = (strategy: Strategy) => AgentFleet.start(environment, { ...SIZE, ...options, strategy });
  const inPlace = await start("InPlaceRestart");
  const recreate = await start("Recreate").catch(async (error) => {
    await inPlace.stop();
    throw error;
  });
  const took: { readonly inPlace: number; readonly recreate: number }[] = [];
  try {
    for (let round = 0; round < warmUps + rounds; round++) {
      took.push({ inPlace: await restartOnce(inPlace, round), recreate: await restartOnce(recreate, round) });
    }
  } finally {
    await Promise.all([inPlace.stop(), recreate.stop()]);
  }
  const counted = took.slice(warmUps);
  return { inPlaceMs: counted.map((each) => each.inPlace), recreateMs: counted.map((each) => each.recreate) };
}

async function restartOnce(fleet: AgentFleet, round: number): Promise<number> {
  await Bun.sleep(REST_MS);
  const workers = fleet.workers();
  const victim = workers[(round * 11) % workers.length];
  if (victim === undefined) throw new Error("restart a fleet: no worker runs");
  const killedAt = fleet.killWorkers([victim]);
  const started = await fleet.started(killedAt);
  return Math.max(...started.map(({ startedAt }) => startedAt)) - killedAt;
}

/** Round by round. */
function ratiosOf({ inPlaceMs, recreateMs }: Pair): readonly number[] {
  return inPlaceMs.map((ms, round) => (recreateMs[round] ?? Number.NaN) / ms);
}

/** Of the medians, for both have had the same machine. */
function tell(say: (line: string) => void, what: string, { inPlaceMs, recreateMs }: Pair): number {
  const speedup = median(recreateMs) / median(inPlaceMs);
  const line = (values: readonly number[]) => `${median(values).toFixed(0)} ms (${spread(values, 0)})`;
  say(`${what}: in place ${line(inPlaceMs)}, Recreate ${line(recreateMs)}: ${speedup.toFixed(2)} times as fast`);
  return speedup;
}
