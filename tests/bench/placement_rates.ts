/** How fast Pods of exclusive JobSets come in: through the webhooks against without them, and after a leader has its place. */
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { watch } from "../../scripts/control_plane/api.ts";
import { type Cluster, nameOf } from "../e2e/cluster.ts";
import { BY_HAND, FIRST_FREE_BLOCK, type PlacementCluster } from "./placement_cluster.ts";
import { exclusiveJobSet, nodeName, NODES_PER_BLOCK, podBody } from "./placement_objects.ts";
import { cpuSeconds } from "./process_usage.ts";
import { median, spread } from "./statistics.ts";

const JOBS = 4;
const PODS_PER_JOB = 256;
const ROUNDS = 5;
const LEADERS = 3;
const GONE_MS = 120_000;
const ADMITTED_MS = 180_000;
const INDEX = "batch.kubernetes.io/job-completion-index";

export interface Rates {
  readonly podsPerSecond: number;
  readonly ratio: number;
}

/** One creation of all followers. */
interface Turn {
  readonly perSecond: number;
  /** CPU time for each Pod. */
  readonly apiServerMs: number;
  readonly controllerMs: number;
}

/** The same followers in turns, with the webhooks and without; the first turn of each only warms up. */
export async function measureRates(cluster: PlacementCluster, say: (line: string) => void): Promise<Rates> {
  const { guarded, bare } = cluster;
  const guardedJobs = await jobsByHand(guarded);
  const bareJobs = await jobsByHand(bare);
  // Only there: followers without a leader are no one's business, and without webhooks none is pinned.
  for (const [index, job] of guardedJobs.entries()) {
    await guarded.create("pods", podBody(job, { index: 0, node: freeNode(index) }));
  }
  const { controlPlane } = cluster.installation.environment;
  const mark = controlPlane.auditEntries().length;
  const rounds: { readonly guarded: Turn; readonly bare: Turn }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const without = await takeTurn(cluster, bare, bareJobs);
    const withThem = await takeTurn(cluster, guarded, guardedJobs);
    if (round > 0) rounds.push({ guarded: withThem, bare: without });
  }
  // Caches that are fresh leave nothing to ask.
  say(`  ${controlPlane.auditEntries().length - mark} requests of the controller meanwhile`);
  say("                       per second    CPU ms per Pod: API server    controller");
  for (const round of rounds) {
    say(turnLine("through the webhooks", round.guarded));
    say(turnLine("without", round.bare));
  }
  const ratios = rounds.map((round) => round.guarded.perSecond / round.bare.perSecond);
  const podsPerSecond = median(rounds.map((round) => round.guarded.perSecond));
  const bareRate = median(rounds.map((round) => round.bare.perSecond));
  const middle = `${podsPerSecond.toFixed(0)} through the webhooks, ${bareRate.toFixed(0)} without`;
  say(`followers let in per second: ${middle}; ratio ${spread(ratios, 2)}`);
  for (const namespace of [guarded, bare]) await removeJobSet(namespace, "rate");
  return { podsPerSecond, ratio: median(ratios) };
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

async function jobsByHand(cluster: Cluster): Promise<readonly JsonObject[]> {
  await cluster.create("jobsets", exclusiveJobSet("rate", { jobs: JOBS, pods: PODS_PER_JOB, managedBy: BY_HAND }));
  return await cluster.jobCount("rate", JOBS);
}

async function takeTurn(placement: PlacementCluster, cluster: Cluster, jobs: readonly JsonObject[]): Promise<Turn> {
  const followers = jobs.flatMap((job) =>
    Array.from({ length: PODS_PER_JOB - 1 }, (_, index) => podBody(job, { index: index + 1 }))
  );
  const { controller, environment } = placement.installation;
  const cpu = () => [environment.controlPlane.apiServerPid, controller.pid ?? 0].map(cpuSeconds);
  const before = cpu();
  const seconds = await placement.create(cluster.path("pods"), followers);
  const [apiServer = 0, own = 0] = cpu().map((now, index) => 1000 * (now - (before[index] ?? 0)) / followers.length);
  await removePods(cluster, `jobset.sigs.k8s.io/jobset-name=rate,${INDEX}!=0`);
  return { perSecond: followers.length / seconds, apiServerMs: apiServer, controllerMs: own };
}

function turnLine(what: string, { perSecond, apiServerMs, controllerMs }: Turn): string {
  return `  ${what.padEnd(21)}${perSecond.toFixed(0).padStart(10)}${apiServerMs.toFixed(2).padStart(30)}` +
    `${controllerMs.toFixed(2).padStart(14)}`;
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

async function removeJobSet(cluster: Cluster, name: string): Promise<void> {
  await cluster.delete("jobsets", name);
  await cluster.eventually(
    `the Jobs of ${name} to be gone`,
    async () => (await cluster.jobs(name)).length === 0,
    GONE_MS,
  );
  await removePods(cluster, `jobset.sigs.k8s.io/jobset-name=${name}`);
}

/** At once: there is no kubelet that would do it. */
async function removePods(cluster: Cluster, labelSelector: string): Promise<void> {
  const query = `labelSelector=${encodeURIComponent(labelSelector)}`;
  const { api } = cluster;
  await cluster.eventually("the Pods to be gone", async () => {
    await api.delete(`${cluster.path("pods")}?${query}`, { gracePeriodSeconds: 0 });
    return (await cluster.list("pods", `limit=1&${query}`)).length === 0;
  }, GONE_MS);
}
