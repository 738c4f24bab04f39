/** One JobSet of thousands of Jobs: created, then failed and restarted again and again, in turns with a bare client. */
import { type BenchCluster, createNamespace } from "./cluster.ts";
import { ControllerSide, startController } from "./controller_side.ts";
import { startFloor } from "./floor_side.ts";
import { peakMb } from "./process_usage.ts";
import type { Phase, Side } from "./side.ts";
import { median, spread } from "./statistics.ts";

const OURS = "scale-ours";
const THEIRS = "scale-floor";
/** Rounds that are judged; while others take more of the machine than this, further ones are made, up to so many in all. */
const ROUNDS = 5;
const MOST_ROUNDS = 8;
const QUIET_SHARE = 0.05;
/** Between two turns, for what the API server and etcd do behind their answers. */
const PAUSE_MS = 1_000;

export interface RestartRatio {
  readonly ratio: number;
  readonly ratios: readonly number[];
}

interface Round {
  readonly ours: Phase;
  readonly floor: Phase;
}

export async function measureRestarts(
  cluster: BenchCluster,
  { command, jobs }: { readonly command: readonly string[]; readonly jobs: number },
  say: (line: string) => void,
): Promise<RestartRatio> {
  await createNamespace(cluster.api, OURS);
  await createNamespace(cluster.api, THEIRS);
  const process = await startController(cluster, { command, namespace: OURS });
  const ours = new ControllerSide(cluster, { namespace: OURS, process });
  const floor = await startFloor(cluster, THEIRS);
  const run = { name: "big", jobs };
  const created = { ours: await ours.create(run), floor: await floor.create(run) };
  say(`${jobs} Jobs created: ours ${seconds(created.ours)} s, floor ${seconds(created.floor)} s (once, not judged)`);
  await takeTurn(floor, run);
  await takeTurn(ours, run);
  const rounds: Round[] = [];
  const calm = () => rounds.filter((round) => foreignShareOf(round) <= QUIET_SHARE);
  while (rounds.length < MOST_ROUNDS && calm().length < ROUNDS) {
    const round = await takeRound(ours, floor, { run, isOursFirst: rounds.length % 2 === 0 });
    rounds.push(round);
    say(roundLine(round));
  }
  say(`RSS of the controller at its peak: ${peakMb(process.pid).toFixed(0)} MB`);
  await floor.stop();
  await process.stop();
  const judged = rounds.toSorted((a, b) => foreignShareOf(a) - foreignShareOf(b)).slice(
    0,
    Math.max(ROUNDS, calm().length),
  );
  const ratios = judged.map((round) => round.ours.ms / round.floor.ms);
  // What slows the machine for a while slows both halves of a round.
  const ratio = median(ratios);
  say(`restart of ${jobs} Jobs against the floor: ${ratio.toFixed(2)} (${spread(ratios, 2)})`);
  return { ratio, ratios };
}

async function takeRound(
  ours: Side,
  floor: Side,
  { run, isOursFirst }: {
    readonly run: { readonly name: string; readonly jobs: number };
    readonly isOursFirst: boolean;
  },
): Promise<Round> {
  if (isOursFirst) {
    const own = await takeTurn(ours, run);
    return { ours: own, floor: await takeTurn(floor, run) };
  }
  const other = await takeTurn(floor, run);
  return { ours: await takeTurn(ours, run), floor: other };
}

async function takeTurn(side: Side, run: { readonly name: string; readonly jobs: number }): Promise<Phase> {
  const phase = await side.restart(run);
  await Bun.sleep(PAUSE_MS);
  return phase;
}

function foreignShareOf({ ours, floor }: Round): number {
  return Math.max(ours.foreignShare, floor.foreignShare);
}

function seconds({ ms }: Phase): string {
  return (ms / 1000).toFixed(1);
}

function roundLine(round: Round): string {
  const { ours, floor } = round;
  return `  restart: ours ${seconds(ours)} s (${ours.cpuSeconds.toFixed(1)} s CPU, ${ours.entries.length} requests), ` +
    `floor ${seconds(floor)} s (${floor.cpuSeconds.toFixed(1)} s CPU, ${floor.entries.length} requests), ` +
    `ratio ${(ours.ms / floor.ms).toFixed(2)}; others took ${(100 * foreignShareOf(round)).toFixed(0)} %`;
}
