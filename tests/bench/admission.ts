/**
 * What the webhooks cost: how long a review takes, small and large, on one connection and on fifty; what an API server before
 * them sees; what memory 105,000 reviews leave behind. An empty route of the same server tells what of it is the machine's.
 */
import { MUTATE_PATH, VALIDATE_PATH } from "../../src/admission/routes.ts";
import { admissionReview, reviewedJobSet } from "../../src/admission/test_reviews.ts";
import type { JsonObject } from "../../src/base/json.ts";
import type { Load, Measured } from "./admission_protocol.ts";
import { line, measureBehindApiServer, startCluster, startWebhooks } from "./admission_cluster.ts";
import type { Budget, Outcome } from "./bench.ts";
import { LineProcess } from "./line_process.ts";
import { foreignShare, machineUsage, residentMb } from "./process_usage.ts";

export const ADMISSION_BUDGETS: readonly Budget[] = [
  { name: "p50_ms", most: 0.5 },
  { name: "p99_ms", most: 3 },
  { name: "large_p50_ms", most: 12 },
  { name: "rss_growth_mb", most: 20 },
];

/** Of one webhook and size, on one connection and on fifty. */
const MEASURED_REQUESTS = { small: 5_000, large: 500 };
/** In all, at least: what is left after the measured ones goes to memory alone. */
const ALL_REQUESTS = { small: 100_000, large: 5_000 };
const WARM_UP = 500;
/** While other processes take more of the machine than this, a measurement is made again, so often at most. */
const QUIET_SHARE = 0.1;
const MOST_TRIES = 8;
const CONNECTIONS = [1, 50];
const LARGE = 200;
/** After this long without work the collector has had its turn. */
const SETTLE_MS = 10_000;

interface Case {
  readonly size: "small" | "large";
  readonly route: string;
  readonly path: string;
  readonly body: string;
  readonly expected: string;
}

export async function runAdmissionBench(say: (line: string) => void): Promise<Outcome> {
  const controlPlane = await startCluster(say);
  const client = new LineProcess(new URL("admission_client.ts", import.meta.url).pathname);
  try {
    const webhooks = await startWebhooks(controlPlane, say);
    const { url, caPem, pid } = webhooks;
    const load = (it: Case, connections: number, requests: number) =>
      client.ask<Measured>({ ...it, url: `${url}${it.path}`, caPem, connections, requests } satisfies Load);
    await Bun.sleep(SETTLE_MS);
    const before = residentMb(pid);
    const figures = await measureDirectly(load, say);
    const growth = await measureMemory({ load, pid, before, say });
    await measureBehindApiServer({ controlPlane, webhooks, client, say });
    return { figures: { ...figures, rss_growth_mb: growth }, faults: [] };
  } finally {
    await client.stop();
    await controlPlane.stop();
  }
}

type RunLoad = (it: Case, connections: number, requests: number) => Promise<Measured>;

async function measureDirectly(load: RunLoad, say: (line: string) => void): Promise<Record<string, number>> {
  const judged = { p50_ms: 0, p99_ms: 0, large_p50_ms: 0 };
  say("                      connections    p50 ms    p99 ms   per second");
  for (const it of cases()) {
    await load(it, 1, it.size === "small" ? WARM_UP : WARM_UP / 10);
    for (const connections of CONNECTIONS) {
      const measured = await undisturbed(() => load(it, connections, MEASURED_REQUESTS[it.size]));
      say(line(`${it.size} ${it.route}`, connections, measured));
      if (connections > 1 || it.route === "empty") continue;
      if (it.size === "large") judged.large_p50_ms = Math.max(judged.large_p50_ms, measured.p50Ms);
      else {
        judged.p50_ms = Math.max(judged.p50_ms, measured.p50Ms);
        judged.p99_ms = Math.max(judged.p99_ms, measured.p99Ms);
      }
    }
  }
  return judged;
}

/** The one of some measurements that other processes disturbed least. */
async function undisturbed(measure: () => Promise<Measured>): Promise<Measured> {
  let best: { readonly measured: Measured; readonly share: number } | undefined;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const from = machineUsage();
    const measured = await measure();
    const share = foreignShare(from, machineUsage());
    if (best === undefined || share < best.share) best = { measured, share };
    if (share <= QUIET_SHARE) break;
  }
  if (best === undefined) throw new Error("measure reviews: not once");
  return best.measured;
}

async function measureMemory(
  { load, pid, before, say }: {
    readonly load: RunLoad;
    readonly pid: number;
    readonly before: number;
    readonly say: (line: string) => void;
  },
): Promise<number> {
  const all = cases().filter(({ route }) => route !== "empty");
  for (const size of ["small", "large"] as const) {
    const done = 2 * CONNECTIONS.length * MEASURED_REQUESTS[size];
    const chosen = all.filter((it) => it.size === size);
    for (const it of chosen) await load(it, 50, (ALL_REQUESTS[size] - done) / chosen.length);
  }
  const busy = residentMb(pid);
  await Bun.sleep(SETTLE_MS);
  const after = residentMb(pid);
  say(
    `RSS: ${before.toFixed(0)} MB before, ${busy.toFixed(0)} MB right after ${ALL_REQUESTS.small} small and ` +
      `${ALL_REQUESTS.large} large reviews, ${after.toFixed(0)} MB ten seconds later`,
  );
  return Math.max(0, after - before);
}

function cases(): readonly Case[] {
  return (["small", "large"] as const).flatMap((size) => {
    const replicatedJobs = size === "small" ? 1 : LARGE;
    const text = (object: JsonObject) => JSON.stringify(admissionReview({ object }));
    const plain = text(reviewedJobSet({ replicatedJobs }));
    const complete = text(reviewedJobSet({ replicatedJobs, isDefaulted: true }));
    return [
      { size, route: "empty", path: "/empty", body: complete, expected: "404 page not found" },
      { size, route: "mutate", path: MUTATE_PATH, body: plain, expected: '"patch":' },
      { size, route: "validate", path: VALIDATE_PATH, body: complete, expected: '"allowed":true' },
    ];
  });
}
