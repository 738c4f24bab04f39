/**
 * What exclusive placement by affinity costs in a large cluster (spec 4.3): the memory of one replica as installed, with its caches
 * of Pods and Nodes and without, and the time that Pods lose on their way through the webhooks.
 */
import { at } from "../../src/base/json.ts";
import type { Budget, Outcome } from "./bench.ts";
import { PlacementCluster } from "./placement_cluster.ts";
import { exclusiveJobSet } from "./placement_objects.ts";
import { measureFollowers, measureRates } from "./placement_rates.ts";
import { peakMb, residentMb } from "./process_usage.ts";

/** Issue 3. */
export const PLACEMENT_BUDGETS: readonly Budget[] = [
  { name: "rss_mb", most: 150 },
  { name: "ratio", least: 0.7 },
  { name: "pods_per_s", least: 290 },
];

const FILLED_MS = 120_000;
/** After this long without work the collector has had its turn. */
const SETTLE_MS = 20_000;

export async function runPlacementBench(say: (line: string) => void): Promise<Outcome> {
  const cluster = await PlacementCluster.start(say);
  try {
    await cluster.fill(say);
    const { controller } = cluster.installation;
    await controller.terminate();
    await controller.start();
    say(`RSS without an exclusive JobSet: ${(await settledMb(cluster)).toFixed(1)} MB`);
    const first = exclusiveJobSet("first", { jobs: 1, pods: 1, managedBy: "example.com/bench" });
    const { controlPlane } = cluster.installation.environment;
    const mark = controlPlane.auditEntries().length;
    await cluster.guarded.create("jobsets", first);
    await watched(cluster, mark);
    const filledMb = await settledMb(cluster);
    say(`RSS with one, caches filled: ${filledMb.toFixed(1)} MB`);
    const rates = await measureRates(cluster, say);
    await measureFollowers(cluster, say);
    const workedMb = await settledMb(cluster);
    say(`RSS after the work: ${workedMb.toFixed(1)} MB, ${peakMb(controller.pid ?? 0).toFixed(0)} MB at its peak`);
    await controller.terminate();
    const secondMark = controlPlane.auditEntries().length;
    await controller.start();
    await watched(cluster, secondMark);
    const restartedMb = await settledMb(cluster);
    say(`RSS after a start beside it all: ${restartedMb.toFixed(1)} MB`);
    const figures = {
      rss_mb: Math.max(filledMb, workedMb, restartedMb),
      ratio: rates.ratio,
      pods_per_s: rates.podsPerSecond,
    };
    return { figures, samples: { ratio: rates.ratios, pods_per_s: rates.rates }, faults: [] };
  } finally {
    await cluster.stop();
  }
}

/** Once the controller has begun to watch Pods and Nodes: without that the figures would be those of something else. */
async function watched({ installation, guarded }: PlacementCluster, mark: number): Promise<void> {
  const { controlPlane } = installation.environment;
  await guarded.eventually("the controller to watch Pods and Nodes", () => {
    const entries = controlPlane.auditEntries().slice(mark);
    const isWatched = (resource: string) =>
      entries.some((entry) => at(entry, "verb") === "watch" && at(entry, "objectRef", "resource") === resource);
    return Promise.resolve(isWatched("pods") && isWatched("nodes"));
  }, FILLED_MS);
}

async function settledMb({ installation }: PlacementCluster): Promise<number> {
  await Bun.sleep(SETTLE_MS);
  const { pid } = installation.controller;
  if (pid === undefined) throw new Error("measure memory: the controller does not run");
  return residentMb(pid);
}
