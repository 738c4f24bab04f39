/**
 * `npm run soak [-- --minutes 10]`: JobSets come and go, ten a second, and the installed executable must hold no more after ten
 * minutes than after two: memory, open files, series of metrics, timers. The pace must be kept, and no request may fail.
 */
import { parseArgs } from "node:util";
import { join } from "node:path";
import { buildBinary } from "../../scripts/build.ts";
import { type ControlPlane, startControlPlane } from "../../scripts/control_plane.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { Cluster } from "../e2e/cluster.ts";
import { Controller } from "../e2e/controller.ts";
import { describe, Environment } from "../e2e/environment.ts";
import { applyManifest, configFile } from "../e2e/installation.ts";
import { login, scrape, whileReader } from "../e2e/scrape.ts";
import { type Measure, MEASURES, type Sample, takeSample, valueAt } from "./samples.ts";
import { Traffic } from "./traffic.ts";
import { complaints, PER_SECOND } from "./verdict.ts";

const CRD_FILE = join(import.meta.dir, "../../crds/jobset.x-k8s.io_jobsets.yaml");
const CONTROLLERS = ["namespace-controller", "serviceaccount-controller", "garbage-collector-controller"];
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const SAMPLE_MS = 2_000;
const FIRST_MINUTES = 2;
const PROGRESS_MS = 30_000;
/** By then the series of finished JobSets are as many as are ever kept. */
const WARM_JOB_SETS = 1_150;

interface Soak {
  readonly minutes: number;
  readonly signal: AbortSignal;
}

async function run({ minutes, signal }: Soak): Promise<number> {
  const report = (line: string) => console.log(line);
  const binary = await buildBinary(report);
  const controlPlane = await startControlPlane({
    crds: [CRD_FILE],
    controllerManager: { controllers: CONTROLLERS },
    scheduler: false,
    report,
  });
  try {
    return await onControlPlane({ minutes, signal }, controlPlane, binary);
  } finally {
    await controlPlane.stop();
  }
}

async function onControlPlane(soak: Soak, controlPlane: ControlPlane, binary: string): Promise<number> {
  const [webhookPort = 0, metricsPort = 0] = await findFreePorts(2);
  const description = describe(controlPlane, { binary, webhookPort });
  const environment = new Environment(description, controlPlane.binaries.kubectl, () => Promise.resolve());
  await applyManifest(environment);
  const config = await configFile(environment, { webhooks: webhookPort, metrics: metricsPort });
  const kubeconfig = await environment.controllerKubeconfig();
  const controller = new Controller(environment, kubeconfig, { flags: [`--config=${config}`, "--zap-log-level=info"] });
  try {
    await controller.start();
    const cluster = await Cluster.create(environment);
    let code = 1;
    const token = await login(cluster, "scraper");
    await whileReader(cluster, "scraper", async () => {
      code = await measure(soak, { cluster, controller, metricsPort, token });
    });
    return code;
  } finally {
    await controller.dispose();
  }
}

interface Subject {
  readonly cluster: Cluster;
  readonly controller: Controller;
  readonly metricsPort: number;
  readonly token: string;
}

interface Seen {
  readonly minutes: number;
  readonly startedAt: number;
  readonly endAt: number;
  readonly samples: readonly Sample[];
  readonly traffic: Traffic;
}

async function measure(soak: Soak, { cluster, controller, metricsPort, token }: Subject): Promise<number> {
  const { minutes, signal } = soak;
  const { pid } = controller;
  if (pid === undefined) throw new Error("measure the controller: it does not run");
  const traffic = new Traffic({ cluster, perSecond: PER_SECOND, report: (line) => console.log(line) });
  const samples: Sample[] = [];
  const startedAt = performance.now();
  const endAt = startedAt + minutes * 60_000;
  let toldAt = startedAt;
  traffic.start();
  try {
    while (performance.now() < endAt && !signal.aborted) {
      if (controller.pid !== pid || !controller.isRunning()) {
        throw new Error(`the controller ended:\n${controller.logTail()}`);
      }
      const answer = await scrape(metricsPort, token);
      if (answer.status !== 200) throw new Error(`scrape the controller: ${answer.status} ${answer.text}`);
      samples.push(takeSample(pid, { metrics: answer.text, gone: traffic.gone }));
      if (performance.now() - toldAt >= PROGRESS_MS) {
        toldAt = performance.now();
        console.log(progress(samples, traffic, toldAt - startedAt));
      }
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  } finally {
    await traffic.stop();
  }
  if (signal.aborted) throw signal.reason;
  return judge({ minutes, startedAt, endAt, samples, traffic });
}

function judge({ minutes, startedAt, endAt, samples, traffic }: Seen): number {
  const firstAt = firstMoment({ minutes, startedAt, endAt, samples });
  const growths = new Map<Measure, number>();
  const seconds = (atMs: number) => `${Math.round((atMs - startedAt) / 1000)} s`;
  for (const measure of MEASURES) {
    const before = valueAt(samples, firstAt, measure);
    const after = valueAt(samples, endAt, measure);
    growths.set(measure, after / Math.max(before, 1));
    console.log(
      `${measure}: ${before.toFixed(1)} after ${seconds(firstAt)}, ${after.toFixed(1)} after ${seconds(endAt)}`,
    );
  }
  const pace = traffic.gone / minutes / 60;
  console.log(
    `${traffic.gone} JobSets came and went, ${pace.toFixed(1)} a second; ${traffic.failures} requests failed`,
  );
  const missed = complaints({ growths, pace, failures: traffic.failures });
  for (const line of missed) console.log(`OVER: ${line}`);
  const growth = (measure: Measure) => (growths.get(measure) ?? Infinity).toFixed(3);
  console.log(
    `soak: minutes=${minutes} from_s=${Math.round((firstAt - startedAt) / 1000)} jobsets=${traffic.gone} ` +
      `pace=${pace.toFixed(1)} failures=${traffic.failures} rss_growth=${growth("rssMb")} fds_growth=${
        growth("fds")
      } ` +
      `series_growth=${growth("series")} timers_growth=${growth("timers")}`,
  );
  return missed.length === 0 ? 0 : 1;
}

/** Two minutes after the start, or, where the machine is too slow for the pace, when as much has been played as in two minutes. */
function firstMoment({ minutes, startedAt, endAt, samples }: Omit<Seen, "traffic">): number {
  if (minutes < 2 * FIRST_MINUTES) return startedAt + minutes * 30_000;
  const first = samples.find(({ atMs, gone }) => atMs >= startedAt + FIRST_MINUTES * 60_000 && gone >= WARM_JOB_SETS);
  if (first !== undefined && first.atMs <= endAt - FIRST_MINUTES * 60_000) return first.atMs;
  throw new Error(
    `judge the soak: this machine plays less than ${WARM_JOB_SETS} JobSets in ${minutes - FIRST_MINUTES} minutes`,
  );
}

function progress(samples: readonly Sample[], traffic: Traffic, ms: number): string {
  const last = samples.at(-1);
  return `${Math.round(ms / 1000)} s: ${traffic.created} JobSets made, ${traffic.gone} gone; RSS ${
    last?.rssMb.toFixed(1)
  } MB, ` +
    `${last?.fds} files, ${last?.series} series, ${last?.timers} timers`;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
  const minutes = Number(values.minutes);
  const abort = new AbortController();
  let code = 1;
  for (const [name, ending] of Object.entries(SIGNALS)) {
    process.once(name, () => {
      code = ending;
      abort.abort(new Error(`ended by ${name}`));
    });
  }
  try {
    if (!(minutes > 0)) throw new Error("usage: npm run soak -- [--minutes M]");
    return await run({ minutes, signal: abort.signal });
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return code;
  }
}

process.exit(await main());
