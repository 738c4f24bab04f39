/** How fast Pods of exclusive JobSets come in: through the webhooks against without them, and after a leader has its place. */
import { asString, at } from "../../src/base/json.ts";
import { watch } from "../../scripts/control_plane/api.ts";
import { type Cluster, nameOf } from "../e2e/cluster.ts";
import { BY_HAND, FIRST_FREE_BLOCK, type PlacementCluster } from "./placement_cluster.ts";
import { startFloor } from "./placement_floor.ts";
import { exclusiveJobSet, nodeName, NODES_PER_BLOCK, podBody } from "./placement_objects.ts";
import { removeJobSet } from "./placement_removal.ts";
import { type Lane, takeRounds, type Turn } from "./placement_turns.ts";
import { median, spread } from "./statistics.ts";

const JOBS = 4;
const PODS_PER_JOB = 256;
const LEADERS = 3;
const ADMITTED_MS = 180_000;
const INDEX = "batch.kubernetes.io/job-completion-index";

/** Medians, and the rounds that they are of. */
export interface Rates {
  readonly podsPerSecond: number;
  readonly ratio: number;
  readonly rates: readonly number[];
  readonly ratios: readonly number[];
}

/** The same followers in turns: without webhooks, through one that does nothing, through ours. */
export async function measureRates(cluster: PlacementCluster, say: (line: string) => void): Promise<Rates> {
  const { guarded, bare, installation: { environment } } = cluster;
  const { controlPlane } = environment;
  const lanes = {
    bare: await lane(bare),
    floor: await lane(await startFloor(environment)),
    guarded: await lane(guarded),
  };
  // Only there: followers without a leader are no one's business, and without webhooks none is pinned.
  for (const [index, job] of lanes.guarded.jobs.entries()) {
    await guarded.create("pods", podBody(job, { index: 0, node: freeNode(index) }));
  }
  const mark = controlPlane.auditEntries().length;
  say("followers let in           per second    CPU ms per Pod: API server    controller    others' share");
  const rounds = await takeRounds(cluster, lanes, ({ turns, foreign }) => {
    say(turnLine("no webhook", turns.bare, foreign));
    say(turnLine("one that does nothing", turns.floor, foreign));
    say(turnLine("ours", turns.guarded, foreign));
  });
  // Caches that are fresh leave nothing to ask.
  say(`requests of the controller meanwhile: ${controlPlane.auditEntries().length - mark}`);
  const ratios = rounds.map(({ turns }) => turns.guarded.perSecond / turns.bare.perSecond);
  const floors = rounds.map(({ turns }) => turns.floor.perSecond / turns.bare.perSecond);
  const rates = rounds.map(({ turns }) => turns.guarded.perSecond);
  say(
    `of the quietest rounds, against no webhook: ours ${spread(ratios, 2)}, one that does nothing ${spread(floors, 2)}`,
  );
  for (const { cluster: namespace } of Object.values(lanes)) await removeJobSet(namespace, "rate");
  return { podsPerSecond: median(rates), ratio: median(ratios), rates, ratios };
}

/** Seconds from the leader's binding to the last of 255 followers, the real Job controller creating them. */
export async function measureFollowers(cluster: PlacementCluster, say: (line: string) => void): Promise<void> {
  const tookS: number[] = [];
  for (let round = 0; round < LEADERS; round++) {
    tookS.push(await leaderToFollowers(cluster.guarded, `big-${round}`));
  }
  say(
    `leader scheduled to all ${PODS_PER_JOB - 1} followers let in, s: ${tookS.map((s) => s.toFixed(2)).join(" ")}, ` +
      `median ${median(tookS).toFixed(2)}`,
  );
}

async function lane(cluster: Cluster): Promise<Lane> {
  const jobSet = exclusiveJobSet("rate", { jobs: JOBS, pods: PODS_PER_JOB, managedBy: BY_HAND });
  await cluster.create("jobsets", jobSet);
  return { cluster, jobs: await cluster.jobCount("rate", JOBS), podsPerJob: PODS_PER_JOB };
}

function turnLine(what: string, { perSecond, apiServerMs, controllerMs }: Turn, foreign: number): string {
  return `  ${what.padEnd(25)}${perSecond.toFixed(0).padStart(10)}${apiServerMs.toFixed(2).padStart(30)}` +
    `${controllerMs.toFixed(2).padStart(14)}${`${(100 * foreign).toFixed(0)} %`.padStart(17)}`;
}

async function leaderToFollowers(cluster: Cluster, name: string): Promise<number> {
  const list = await cluster.api.get(`${cluster.path("pods")}?limit=1`);
  const version = asString(at(list, "metadata", "resourceVersion")) ?? "0";
  await cluster.create("jobsets", exclusiveJobSet(name, { jobs: 1, pods: PODS_PER_JOB }));
  const selector = encodeURIComponent(`jobset.sigs.k8s.io/jobset-name=${name}`);
  const path = `${cluster.path("pods")}?watch=1&resourceVersion=${version}&labelSelector=${selector}`;
  let boundAt = 0;
  let followers = 0;
  for await (const { type, object } of watch(cluster.api, path, AbortSignal.timeout(ADMITTED_MS))) {
    if (type !== "ADDED") continue;
    if (at(object, "metadata", "annotations", INDEX) === "0") {
      await bind(cluster, nameOf(object), freeNode(JOBS));
      boundAt = performance.now();
    } else if (++followers === PODS_PER_JOB - 1) break;
  }
  const seconds = (performance.now() - boundAt) / 1000;
  if (followers < PODS_PER_JOB - 1) throw new Error(`followers of ${name}: the watch ended after ${followers}`);
  await removeJobSet(cluster, name);
  return seconds;
}

/** As the scheduler does it. */
async function bind(cluster: Cluster, pod: string, node: string): Promise<void> {
  await cluster.api.create(`${cluster.path("pods", pod)}/binding`, {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name: pod },
    target: { apiVersion: "v1", kind: "Node", name: node },
  });
}

/** The first Node of a block that no Pod is in. */
function freeNode(index: number): string {
  return nodeName((FIRST_FREE_BLOCK + index) * NODES_PER_BLOCK);
}
