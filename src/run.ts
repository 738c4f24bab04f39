/** Builds everything, in the order of the design's loop, starts it, and stops it in reverse. */
import { aborted } from "./base/aborted.ts";
import { hostname } from "node:os";
import { readFile } from "node:fs/promises";
import { sleep, systemClock } from "./base/clock.ts";
import { createLogger } from "./base/logger.ts";
import { systemRandom } from "./base/random.ts";
import { thisVersion, userAgent } from "./base/version.ts";
import { ObjectCache } from "./cache/object_cache.ts";
import { loadClusterAccess } from "./client/cluster_access.ts";
import { createKubeClient } from "./client/kube_client.ts";
import { waitForServer } from "./client/start_problem.ts";
import { ownNamespace } from "./config/own_namespace.ts";
import type { ControllerSettings } from "./config/settings.ts";
import { fencedClient } from "./leader/fenced_client.ts";
import { LeaderElector } from "./leader/leader_elector.ts";
import type { PodLookUps } from "./admission/routes_pods.ts";
import { createMetrics, type Metrics } from "./metrics/metrics.ts";
import { WorkQueue } from "./queue/work_queue.ts";
import { certificateSources } from "./run/certificates.ts";
import { CrdCheck } from "./run/crd_check.ts";
import { runLoop, WORKERS } from "./run/loop.ts";
import { POD_WORKERS, runPodLoop } from "./run/pod_loop.ts";
import { podLookUps } from "./run/pod_look_ups.ts";
import { PodWatches } from "./run/pod_watches.ts";
import { Tasks } from "./run/tasks.ts";
import { trimMemory } from "./run/trim_memory.ts";
import { type Caches, type Parts, Watches } from "./run/watches.ts";
import { Webhooks } from "./run/webhooks.ts";
import { type HealthServer, type Problem, startHealthServer } from "./server/health.ts";
import { type MetricsServer, startMetricsServer } from "./server/metrics_server.ts";

/** A reconcile waits for one status write, with its retries: one that takes longer than this hangs. */
const STUCK_SECONDS = 900;
/** How long requests under way may take once we are told to stop. */
const SERVER_DRAIN_MS = 5_000;
/** After the loss of a lease: the next leader is at work already. */
const LOST_DRAIN_MS = 1_000;
/** In a cluster other processes go on sending requests to a Pod that is told to stop until they have heard of it. */
const LINGER_MS = 3_000;

/** Runs the controller until the signal aborts; the exit code. Throws one clear line where it can't start. */
export async function runController(
  settings: ControllerSettings,
  signal: AbortSignal,
  writeLog: (line: string) => void,
): Promise<number> {
  const clock = systemClock();
  const random = systemRandom();
  const log = createLogger({ clock, verbosity: settings.logVerbosity, write: writeLog });
  const metrics = createMetrics({ clock, timers: () => clock.timers });
  const { kubeconfig, context } = settings;
  const loading = loadClusterAccess({ kubeconfig, context, env: process.env, clock, log });
  const access = await Promise.race([loading, aborted(signal)]);
  // Told to stop while an exec plugin waits for a login.
  if (access === undefined) return 0;
  const version = thisVersion();
  const client = createKubeClient({
    access,
    env: process.env,
    qps: settings.kubeApiQps,
    burst: settings.kubeApiBurst,
    userAgent: userAgent(version),
    clock,
    onRequest: metrics.onRequest,
  });
  log.info(0, "starting jobset", { version: version.version, commit: version.commit, server: access.server });
  const controller = new Controller({ settings, parts: { clock, random, log, client }, metrics, signal });
  try {
    controller.startHealth();
    await waitForServer({ client, server: access.server, clock, signal });
    if (!signal.aborted) await controller.start(await ownNamespace(process.env, readIfThere));
    const isLost = signal.aborted ? false : await controller.lead();
    await controller.stop(isLost);
    if (isLost) log.error("ended, as another may lead now: start again to take part in the next election");
    else log.info(0, "stopped");
    return isLost ? 1 : 0;
  } finally {
    await controller.dispose();
    client.close();
  }
}

interface ControllerOptions {
  readonly settings: ControllerSettings;
  readonly parts: Parts;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
}

/** The parts of the running controller, in the order in which they start. */
class Controller {
  readonly #options: ControllerOptions;
  readonly #tasks = new Tasks();
  readonly #caches: Caches = { jobSets: new ObjectCache(), jobs: new ObjectCache(), services: new ObjectCache() };
  readonly #watches: Watches;
  readonly #podWatches: PodWatches;
  readonly #podLookUps: PodLookUps;
  readonly #crdCheck: CrdCheck;
  readonly #reconciles;
  readonly #queue: WorkQueue;
  readonly #podChecks;
  readonly #podQueue: WorkQueue;
  #health: HealthServer | undefined;
  #webhooks: Webhooks | undefined;
  #metricsServer: MetricsServer | undefined;
  #elector: LeaderElector | undefined;
  #election: Promise<"released" | "lost"> | undefined;
  #namespace = "";
  #isTrimming = false;

  constructor(options: ControllerOptions) {
    const { settings, parts, metrics } = options;
    this.#options = options;
    this.#watches = new Watches(parts, this.#caches, settings.namespace);
    this.#crdCheck = new CrdCheck({ ...parts, onChecked: metrics.crdChecked });
    this.#reconciles = metrics.controller("jobset", { workers: WORKERS });
    this.#queue = new WorkQueue({ clock: parts.clock, metrics: this.#reconciles.queue });
    this.#reconciles.observe(this.#queue);
    this.#podChecks = metrics.controller("pod", { workers: POD_WORKERS });
    this.#podQueue = new WorkQueue({ clock: parts.clock, metrics: this.#podChecks.queue });
    this.#podChecks.observe(this.#podQueue);
    this.#watches.observe(metrics.observeWatch);
    const { featureGates: gates, namespace } = settings;
    const { jobSets } = this.#caches;
    this.#podWatches = new PodWatches({ ...parts, jobSets, gates, namespace, observe: metrics.observeWatch });
    const watchedNamespace = namespace;
    this.#podLookUps = podLookUps({ client: parts.client, watches: this.#podWatches, watchedNamespace });
    // A list of thousands leaves as much waste behind as a cache that is given up.
    for (const watch of [this.#podWatches.pods, this.#podWatches.nodes]) watch.onTurn(() => this.#trimSoon());
  }

  /** The probes answer from the first moment on: certificates may take their time (R54). */
  startHealth(): void {
    const { bindAddress, livenessEndpointName, readinessEndpointName } = this.#options.settings.health;
    this.#health = startHealthServer({
      address: bindAddress,
      livenessPath: livenessEndpointName,
      readinessPath: readinessEndpointName,
      checks: { alive: () => this.#stuck(), ready: () => this.#notReady() },
    });
  }

  /** What every replica does, leader or not: certificates, webhooks, metrics, warm caches. */
  async start(namespace: string): Promise<void> {
    this.#namespace = namespace;
    const { settings, parts, metrics } = this.#options;
    const { clock, log, client } = parts;
    const { tls } = settings;
    const sources = certificateSources({ settings, parts, metrics, namespace });
    for (const source of new Set([sources.webhooks, sources.metrics])) {
      if (source !== undefined) this.#tasks.run((signal) => source.run(signal));
    }
    if (sources.webhooks !== undefined) {
      const webhooks = new Webhooks({
        ...parts,
        settings: settings.webhook,
        tls,
        gates: settings.featureGates,
        metrics,
        certificates: sources.webhooks,
        podLookUps: this.#podLookUps,
      });
      this.#webhooks = webhooks;
      this.#tasks.run((signal) => webhooks.start(signal));
    }
    if (sources.metrics !== undefined) {
      const { bindAddress: address } = settings.metrics;
      const certificates = sources.metrics;
      this.#metricsServer = await startMetricsServer({ metrics, client, clock, log, address, certificates, tls });
    }
    this.#tasks.run((signal) => this.#crdCheck.run(signal));
    this.#trimSoon();
    this.#watches.start();
  }

  /** Waits for caches and lease, then reconciles until told to stop; true where the lease was lost. */
  async lead(): Promise<boolean> {
    const { parts: { log }, signal } = this.#options;
    const stopped = aborted(signal);
    const metricsFailed = this.#metricsServer?.failed ?? never();
    const failed = Promise.race([this.#tasks.failed, this.#watches.failed, this.#podWatches.failed, metricsFailed]);
    failed.catch(() => undefined); // told by whichever race below it ends
    await Promise.race([this.#watches.synced, stopped, failed]);
    if (signal.aborted) return false;
    log.info(0, "caches are filled", {
      jobSets: this.#caches.jobSets.size,
      jobs: this.#caches.jobs.size,
      services: this.#caches.services.size,
    });
    // Whoever can't see the cluster must not keep others from leading: the election begins with full caches.
    this.#startElection();
    const cut = new AbortController();
    const lost = this.#election?.then((end) => end === "lost" && cut.abort()) ?? never();
    await Promise.race([this.#elector?.acquired, stopped, lost, failed]);
    if (signal.aborted || cut.signal.aborted) return cut.signal.aborted;
    const ended = AbortSignal.any([signal, cut.signal]);
    await Promise.race([this.#watches.current(ended), failed]);
    const running = this.#runLoops(ended, cut.signal);
    await Promise.race([running, lost.then(never), failed]);
    return cut.signal.aborted;
  }

  async #runLoops(signal: AbortSignal, isCut: AbortSignal): Promise<void> {
    const options = this.#loopOptions();
    const pods = {
      ...options,
      queue: this.#podQueue,
      reconciles: this.#podChecks,
      lookUps: this.#podLookUps,
    };
    await Promise.all([runLoop(options, signal, isCut), runPodLoop(pods, signal, isCut)]);
  }

  /** Spec 6.3: the lease is free as soon as the work under way is done; the servers answer what they were asked. */
  async stop(isLost: boolean): Promise<void> {
    const { clock } = this.#options.parts;
    const startedAt = clock.monotonic();
    this.#webhooks?.retire();
    if (!isLost) await this.#elector?.release();
    const lingerMs = LINGER_MS - (clock.monotonic() - startedAt);
    if (!isLost && this.#webhooks !== undefined && isInPod() && lingerMs > 0) {
      await sleep(clock, lingerMs, new AbortController().signal);
    }
    const drainMs = isLost ? LOST_DRAIN_MS : SERVER_DRAIN_MS;
    await Promise.all([this.#webhooks?.stop(drainMs), this.#metricsServer?.stop(drainMs)]);
  }

  /** Ends what still runs; the lease is given back after a failure too. */
  async dispose(): Promise<void> {
    this.#watches.stop();
    this.#podWatches.stop();
    await this.#elector?.release();
    await Promise.all([this.#tasks.stop(), this.#health?.stop()]);
  }

  #startElection(): void {
    const { settings: { leaderElection }, parts, metrics } = this.#options;
    const { leaderElect, resourceName: name, resourceNamespace, ...timing } = leaderElection;
    if (!leaderElect) return;
    const elector = new LeaderElector({
      ...parts,
      ...timing,
      identity: `${hostname()}_${crypto.randomUUID()}`,
      namespace: resourceNamespace ?? this.#namespace,
      name,
    });
    this.#elector = elector;
    metrics.leading(name, false);
    elector.acquired.then(() => metrics.leading(name, true), () => undefined);
    // It ends by `release`, or by the loss of the lease: the work under way is finished as the leader.
    const election = elector.run(new AbortController().signal);
    this.#election = election.finally(() => metrics.leading(name, false));
    this.#election.catch(() => undefined); // told by lead
  }

  #loopOptions() {
    const { settings, parts, metrics } = this.#options;
    const elector = this.#elector;
    return {
      ...parts,
      client: elector === undefined ? parts.client : fencedClient(parts.client, () => elector.mayWrite()),
      caches: this.#caches,
      queue: this.#queue,
      watches: this.#watches,
      podWatches: this.#podWatches,
      crdCheck: this.#crdCheck,
      metrics,
      reconciles: this.#reconciles,
      gates: settings.featureGates,
    };
  }

  #trimSoon(): void {
    if (this.#isTrimming) return;
    this.#isTrimming = true;
    const { clock } = this.#options.parts;
    this.#tasks.run(async (signal) => {
      await trimMemory({ clock, isBusy: () => this.#isBusy, trim: () => Bun.shrink() }, signal);
      this.#isTrimming = false;
    });
  }

  get #isBusy(): boolean {
    const isWorking = [this.#queue, this.#podQueue].some((queue) => queue.depth > 0 || queue.unfinishedSeconds > 0);
    return isWorking || this.#notReady() !== undefined;
  }

  /** Spec 6.3: the loops of the process are alive. */
  #stuck(): Problem | undefined {
    const problems: string[] = [];
    if (!this.#watches.isAlive || !this.#podWatches.isAlive) problems.push("watches: nothing has happened for minutes");
    if (this.#queue.longestRunningSeconds > STUCK_SECONDS) {
      problems.push("workers: one JobSet has not been let go for too long");
    }
    if (this.#podQueue.longestRunningSeconds > STUCK_SECONDS) {
      problems.push("workers: the Pods of one Job have not been let go for too long");
    }
    return problems.length > 0 ? problems : undefined;
  }

  /** Spec 6.3: caches filled, certificates in place, webhooks listening; leading is not asked for. */
  #notReady(): Problem | undefined {
    const missing = Object.entries(this.#caches)
      .filter(([, cache]) => !cache.isSynced)
      .map(([name]) => `${name}: the cache is not filled yet`);
    const problem = this.#webhooks?.problem;
    return missing.length > 0 || problem !== undefined
      ? [...missing, ...(problem === undefined ? [] : [problem])]
      : undefined;
  }
}

function never(): Promise<never> {
  return new Promise<never>(() => {});
}

function isInPod(): boolean {
  return process.env["KUBERNETES_SERVICE_HOST"] !== undefined;
}

async function readIfThere(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(() => undefined);
}
