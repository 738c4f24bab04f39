/** Builds everything, in the order of the design's loop, starts it, and stops it in reverse. */
import { aborted } from "./base/aborted.ts";
import { hostname } from "node:os";
import { readFile } from "node:fs/promises";
import { heapSize } from "bun:jsc";
import { sleep, systemClock } from "./base/clock.ts";
import { createLogger } from "./base/logger.ts";
import { never } from "./base/never.ts";
import { systemRandom } from "./base/random.ts";
import { thisVersion, userAgent } from "./base/version.ts";
import { loadClusterAccess } from "./client/cluster_access.ts";
import { createKubeClient } from "./client/kube_client.ts";
import { waitForServer } from "./client/start_problem.ts";
import { ownNamespace } from "./config/own_namespace.ts";
import type { ControllerSettings } from "./config/settings.ts";
import { createMetrics, type Metrics } from "./metrics/metrics.ts";
import { certificateSources } from "./run/certificates.ts";
import { collectGarbage } from "./run/collect_garbage.ts";
import { Controller, type Election } from "./run/controller.ts";
import { CrdCheck } from "./run/crd_check.ts";
import { Tasks } from "./run/tasks.ts";
import { trimMemory } from "./run/trim_memory.ts";
import type { Parts } from "./run/watches.ts";
import { Webhooks } from "./run/webhooks.ts";
import { type HealthServer, type Problem, startHealthServer } from "./server/health.ts";
import { type MetricsServer, startMetricsServer } from "./server/metrics_server.ts";

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
  const program = new Program({ settings, parts: { clock, random, log, client }, metrics, signal });
  try {
    program.startHealth();
    await waitForServer({ client, server: access.server, clock, signal });
    if (!signal.aborted) await program.start(await ownNamespace(process.env, readIfThere));
    const isLost = signal.aborted ? false : await program.lead();
    await program.stop(isLost);
    if (isLost) log.error("ended, as another may lead now: start again to take part in the next election");
    else log.info(0, "stopped");
    return isLost ? 1 : 0;
  } finally {
    await program.dispose();
    client.close();
  }
}

interface ProgramOptions {
  readonly settings: ControllerSettings;
  readonly parts: Parts;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
}

/** The controller and what serves beside it, in the order in which they start. */
class Program {
  readonly #options: ProgramOptions;
  readonly #tasks = new Tasks();
  readonly #crdCheck: CrdCheck;
  readonly #controller: Controller;
  #health: HealthServer | undefined;
  #webhooks: Webhooks | undefined;
  #metricsServer: MetricsServer | undefined;
  #namespace = "";
  #isTrimming = false;

  constructor(options: ProgramOptions) {
    const { settings, parts, metrics } = options;
    const { featureGates: gates, namespace, webhook: { isOn: hasAdmission } } = settings;
    this.#options = options;
    this.#crdCheck = new CrdCheck({ ...parts, onChecked: metrics.crdChecked });
    this.#controller = new Controller({ parts, gates, hasAdmission, namespace, metrics, crdCheck: this.#crdCheck });
    const { pods, nodes } = this.#controller.podWatches;
    // A list of thousands leaves as much waste behind as a cache that is given up.
    for (const watch of [pods, nodes]) watch.onTurn(() => this.#trimSoon());
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
        podLookUps: this.#controller.podLookUps,
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
    this.#tasks.run((signal) => collectGarbage({ clock, heapSize, collect: () => void Bun.gc(true) }, signal));
    this.#controller.start();
  }

  /** Waits for caches and lease, then reconciles until told to stop; true where the lease was lost. */
  async lead(): Promise<boolean> {
    const { signal } = this.#options;
    const failed = Promise.race([this.#tasks.failed, this.#metricsServer?.failed ?? never()]);
    return await this.#controller.lead({ signal, election: this.#election(), failed });
  }

  /** Spec 6.3: the lease is free as soon as the work under way is done; the servers answer what they were asked. */
  async stop(isLost: boolean): Promise<void> {
    const { clock } = this.#options.parts;
    const startedAt = clock.monotonic();
    this.#webhooks?.retire();
    if (!isLost) await this.#controller.release();
    const lingerMs = LINGER_MS - (clock.monotonic() - startedAt);
    if (!isLost && this.#webhooks !== undefined && isInPod() && lingerMs > 0) {
      await sleep(clock, lingerMs, new AbortController().signal);
    }
    const drainMs = isLost ? LOST_DRAIN_MS : SERVER_DRAIN_MS;
    await Promise.all([this.#webhooks?.stop(drainMs), this.#metricsServer?.stop(drainMs)]);
  }

  /** Ends what still runs; the lease is given back after a failure too. */
  async dispose(): Promise<void> {
    await this.#controller.stop();
    await Promise.all([this.#tasks.stop(), this.#health?.stop()]);
  }

  #election(): Election | undefined {
    const { leaderElect, resourceName: name, resourceNamespace, ...timing } = this.#options.settings.leaderElection;
    const namespace = resourceNamespace ?? this.#namespace;
    return leaderElect ? { ...timing, namespace, name, identity: `${hostname()}_${crypto.randomUUID()}` } : undefined;
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
    return this.#controller.isBusy || this.#notReady() !== undefined;
  }

  /** Spec 6.3: the loops of the process are alive. */
  #stuck(): Problem | undefined {
    const problems = this.#controller.stuck;
    return problems.length > 0 ? problems : undefined;
  }

  /** Spec 6.3: caches filled, certificates in place, webhooks listening; leading is not asked for. */
  #notReady(): Problem | undefined {
    const problem = this.#webhooks?.problem;
    const problems = [...this.#controller.unfilled, ...(problem === undefined ? [] : [problem])];
    return problems.length > 0 ? problems : undefined;
  }
}

function isInPod(): boolean {
  return process.env["KUBERNETES_SERVICE_HOST"] !== undefined;
}

async function readIfThere(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(() => undefined);
}
