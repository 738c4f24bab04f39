/** The same followers created in several namespaces in turns, again until the machine was left alone for long enough. */
import type { JsonObject } from "../../src/base/json.ts";
import type { Cluster } from "../e2e/cluster.ts";
import type { PlacementCluster } from "./placement_cluster.ts";
import { podBody } from "./placement_objects.ts";
import { cpuSeconds, foreignShare, machineUsage } from "./process_usage.ts";
import { removePods } from "./placement_removal.ts";

/** Rounds that are judged; while others take more of the machine than this, further ones are made, up to so many in all. */
const JUDGED = 5;
const MOST_ROUNDS = 10;
const QUIET_SHARE = 0.1;
const INDEX = "batch.kubernetes.io/job-completion-index";

/** Where followers are created, and their Jobs. */
export interface Lane {
  readonly cluster: Cluster;
  readonly jobs: readonly JsonObject[];
  readonly podsPerJob: number;
}

/** One creation of all followers. */
export interface Turn {
  readonly perSecond: number;
  /** CPU time for each Pod. */
  readonly apiServerMs: number;
  readonly controllerMs: number;
}

/** One turn of each lane. */
export interface Round<Name extends string> {
  readonly turns: Readonly<Record<Name, Turn>>;
  /** Of the machine, that went to others meanwhile. */
  readonly foreign: number;
}

/** The quietest rounds, in the order in which they were made; the first of all only warms up. */
export async function takeRounds<Name extends string>(
  placement: PlacementCluster,
  lanes: Readonly<Record<Name, Lane>>,
  tell: (round: Round<Name>) => void,
): Promise<readonly Round<Name>[]> {
  await takeRound(placement, lanes);
  const rounds: Round<Name>[] = [];
  while (rounds.length < MOST_ROUNDS) {
    const round = await takeRound(placement, lanes);
    rounds.push(round);
    tell(round);
    if (rounds.filter(({ foreign }) => foreign <= QUIET_SHARE).length >= JUDGED) break;
  }
  const quietest = new Set(rounds.toSorted((a, b) => a.foreign - b.foreign).slice(0, JUDGED));
  return rounds.filter((round) => quietest.has(round));
}

async function takeRound<Name extends string>(
  placement: PlacementCluster,
  lanes: Readonly<Record<Name, Lane>>,
): Promise<Round<Name>> {
  const turns: Partial<Record<Name, Turn>> = {};
  let foreign = 0;
  for (const name in lanes) {
    const from = machineUsage();
    turns[name] = await takeTurn(placement, lanes[name]);
    foreign = Math.max(foreign, foreignShare(from, machineUsage()));
    const { cluster } = lanes[name];
    await removePods(cluster, `jobset.sigs.k8s.io/jobset-name=rate,${INDEX}!=0`);
  }
  return { turns: turns as Record<Name, Turn>, foreign };
}

async function takeTurn(placement: PlacementCluster, { cluster, jobs, podsPerJob }: Lane): Promise<Turn> {
  const followers = jobs.flatMap((job) =>
    Array.from({ length: podsPerJob - 1 }, (_, index) => podBody(job, { index: index + 1 }))
  );
  const { controller, environment } = placement.installation;
  const cpu = () => [environment.controlPlane.apiServerPid, controller.pid ?? 0].map(cpuSeconds);
  const before = cpu();
  const seconds = await placement.create(cluster.path("pods"), followers);
  const [apiServerMs = 0, controllerMs = 0] = cpu().map((now, index) =>
    1000 * (now - (before[index] ?? 0)) / followers.length
  );
  return { perSecond: followers.length / seconds, apiServerMs, controllerMs };
}
