/**
 * What size costs (spec 7.6): a cluster with 10,000 Jobs in 10, 100 and 1,000 JobSets, 15,000 Nodes and 50,000 Pods, and fresh
 * controllers beside it; one JobSet of 5,000 Jobs that fails and restarts; and what a reconcile takes as its JobSet grows, and as
 * there are others. One fill serves all of it; each controller sees one namespace of it, so that 10,000 Jobs are 10,000.
 */
import { buildBinary } from "../../scripts/build.ts";
import type { Budget, Outcome } from "./bench.ts";
import { BulkWriter } from "./bulk_writer.ts";
import { type BenchCluster, CONTROLLER, startBenchCluster } from "./cluster.ts";
import { startController } from "./controller_side.ts";
import { fillJobs, fillNodes, fillPods, type Layout, needPods } from "./scale_fill.ts";
import { measureGrowth } from "./scale_growth.ts";
import { measureRestarts } from "./scale_restart.ts";
import { requestsText, type Start, startBeside } from "./scale_starts.ts";
import { median, spread } from "./statistics.ts";

export const SCALE_BUDGETS: readonly Budget[] = [
  { name: "rss_mb_10k", most: 110 },
  { name: "bytes_per_job", most: 1_500 },
  { name: "ready_ms", most: 2_000 },
  { name: "restart5k_ratio", most: 1.2 },
  { name: "growth", most: 1.05 },
  { name: "bytes_per_pod", most: 700 },
  // Spec 4.3: Pods and Nodes are nobody's business until a JobSet needs them.
  { name: "pod_requests", most: 0 },
  // What a reconcile costs for each Job, with 10,000 of them against 1,000: the processor's caches show, and ten would be quadratic.
  { name: "linear", most: 2.5 },
];

const FEW: Layout = { namespace: "scale-few", jobSets: 10, jobsEach: 100 };
const MANY: Layout = { namespace: "scale-10", jobSets: 10, jobsEach: 1_000 };
const LAYOUTS: readonly Layout[] = [
  FEW,
  MANY,
  { namespace: "scale-100", jobSets: 100, jobsEach: 100 },
  { namespace: "scale-1000", jobSets: 1_000, jobsEach: 10 },
];
const RESTARTED_JOBS = 5_000;
const NODES = 15_000;
const BLOCKS = 250;
const PODS_EACH = 5;
const ROUNDS = 5;
const POD_ROUNDS = 5;
const SETTLED_MS = 3_000;
const MIB = 2 ** 20;

interface Bench {
  readonly cluster: BenchCluster;
  readonly writer: BulkWriter;
  readonly command: readonly string[];
  readonly say: (line: string) => void;
}

export async function runScaleBench(say: (line: string) => void): Promise<Outcome> {
  const command = [await buildBinary(say)];
  const growth = await measureGrowth(say);
  const cluster = await startBenchCluster(say);
  const writer = new BulkWriter(cluster);
  const bench: Bench = { cluster, writer, command, say };
  try {
    const restart = await measureRestarts(cluster, { command, jobs: RESTARTED_JOBS }, say);
    await fill(bench);
    const jobs = await measureJobs(bench);
    const pods = await measurePods(bench);
    return {
      figures: {
        ...jobs.figures,
        ...pods.figures,
        restart5k_ratio: restart.ratio,
        growth: growth.growth,
        linear: growth.linear,
      },
      samples: { ...jobs.samples, restart5k_ratio: restart.ratios, growth: growth.ratios },
      series: { ...jobs.series, ...pods.series, reconcile_us: growth.costs },
      faults: [],
    };
  } finally {
    await writer.stop();
    await cluster.controlPlane.stop();
  }
}

/** All but the Pods: how much each of them costs must be told from the Nodes. */
async function fill({ cluster, writer, command, say }: Bench): Promise<void> {
  for (const layout of LAYOUTS) {
    const seconds = await fillJobs(cluster, writer, layout);
    say(`${layout.jobSets * layout.jobsEach} Jobs in ${layout.jobSets} JobSets made in ${seconds.toFixed(1)} s`);
  }
  say(`${NODES} Nodes made in ${(await fillNodes(writer, NODES)).toFixed(1)} s`);
  // What a first controller makes and writes, Services and counters, is there for all later ones.
  const first = await startController(cluster, { command });
  await cluster.audit.waitForQuiet(({ user }) => user === CONTROLLER.user, SETTLED_MS);
  await first.stop();
}

async function measureJobs({ cluster, command, say }: Bench) {
  const rounds: ReadonlyMap<Layout, Start>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Each is the first once: those that were started before it are not quite at rest.
    const order = LAYOUTS.map((_, index) => LAYOUTS[(index + round) % LAYOUTS.length] ?? MANY);
    const starts = await startBeside(cluster, command, order.map(({ namespace }) => namespace));
    rounds.push(new Map(starts.map((start, index) => [order[index] ?? MANY, start])));
  }
  const of = (layout: Layout) => rounds.flatMap((starts) => starts.get(layout) ?? []);
  for (const layout of LAYOUTS) say(startLine(nameOf(layout), of(layout)));
  const rss = new Map(LAYOUTS.map((layout) => [nameOf(layout), median(of(layout).map(({ rssMb }) => rssMb))]));
  const ready = new Map(LAYOUTS.map((layout) => [nameOf(layout), median(of(layout).map(({ readyMs }) => readyMs))]));
  const few = of(FEW);
  const growths = of(MANY).map(({ rssMb }, round) => (rssMb - (few[round]?.rssMb ?? 0)) * MIB);
  const worst = LAYOUTS.toSorted((a, b) => (rss.get(nameOf(b)) ?? 0) - (rss.get(nameOf(a)) ?? 0))[0] ?? MANY;
  const slowest = LAYOUTS.toSorted((a, b) => (ready.get(nameOf(b)) ?? 0) - (ready.get(nameOf(a)) ?? 0))[0] ?? MANY;
  const more = jobsOf(MANY) - jobsOf(FEW);
  const samples = {
    rss_mb_10k: of(worst).map(({ rssMb }) => rssMb),
    bytes_per_job: growths.map((bytes) => bytes / more),
    ready_ms: of(slowest).map(({ readyMs }) => readyMs),
  };
  return {
    figures: {
      rss_mb_10k: median(samples.rss_mb_10k),
      bytes_per_job: median(samples.bytes_per_job),
      ready_ms: median(samples.ready_ms),
      pod_requests:
        rounds.flatMap((starts) => [...starts.values()]).flatMap(({ requests }) => requests).filter(isOfPods)
          .length,
    },
    samples,
    series: { rss_mb: rss, ready_ms: ready },
  };
}

async function measurePods({ cluster, writer, command, say }: Bench) {
  const { namespace } = MANY;
  const measure = async (what: string) => {
    const starts: Start[] = [];
    for (let round = 0; round < POD_ROUNDS; round++) {
      starts.push(...await startBeside(cluster, command, [namespace]));
    }
    say(startLine(what, starts));
    return median(starts.map(({ rssMb }) => rssMb));
  };
  await needPods(cluster, namespace);
  const nodesMb = await measure(`${NODES} Nodes`);
  const pods = jobsOf(MANY) * PODS_EACH;
  const seconds = await fillPods(cluster, writer, { namespace, podsEach: PODS_EACH, blocks: BLOCKS });
  say(`${pods} Pods made in ${seconds.toFixed(1)} s`);
  const podsMb = await measure(`${NODES} Nodes, ${pods} Pods`);
  const figures = { bytes_per_pod: (podsMb - nodesMb) * MIB / pods };
  const rss = new Map([[`${NODES} Nodes`, nodesMb], [`${NODES} Nodes, ${pods} Pods`, podsMb]]);
  return { figures, series: { rss_mb_placement: rss } };
}

function startLine(what: string, starts: readonly Start[]): string {
  const ready = starts.map(({ readyMs }) => readyMs);
  const rss = starts.map(({ rssMb }) => rssMb);
  return `${what}: ready after ${median(ready).toFixed(0)} ms (${spread(ready, 0)}), ` +
    `RSS ${median(rss).toFixed(1)} MB (${spread(rss, 1)}), ` +
    `${Math.max(...starts.map(({ peakMb }) => peakMb)).toFixed(0)} MB at its peak; ` +
    `requests: ${requestsText(starts[0]?.requests ?? [])}`;
}

function nameOf({ jobSets, jobsEach }: Layout): string {
  return `${jobSets} × ${jobsEach}`;
}

function jobsOf({ jobSets, jobsEach }: Layout): number {
  return jobSets * jobsEach;
}

function isOfPods({ resource }: { readonly resource: string }): boolean {
  return resource === "pods" || resource === "nodes";
}
