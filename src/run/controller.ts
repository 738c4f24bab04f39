/**
 * From a client to JobSets that are reconciled: caches, watches, election and loops, in the order in which they start. What a process
 * needs beside them (certificates, webhooks, probes) is src/run.ts's; the simulation runs this without it.
 */
import { abortable } from "../base/abortable.ts";
import { aborted } from "../base/aborted.ts";
import { sleep } from "../base/clock.ts";
import { messageOf } from "../base/message_of.ts";
import { never } from "../base/never.ts";
import type { FeatureGates } from "../api/feature_gates.ts";
import type { PodLookUps } from "../admission/routes_pods.ts";
import { ObjectCache } from "../cache/object_cache.ts";
import { fencedClient } from "../leader/fenced_client.ts";
import { LeaderElector } from "../leader/leader_elector.ts";
import type { LeaseTiming } from "../leader/lease_step.ts";
import type { ControllerMetrics } from "../metrics/controller_metrics.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { WorkQueue } from "../queue/work_queue.ts";
import type { CrdCheck } from "./crd_check.ts";
import { runLoop, WORKERS } from "./loop.ts";
import { POD_WORKERS, runPodLoop } from "./pod_loop.ts";
import { podLookUps } from "./pod_look_ups.ts";
import { PodWatches } from "./pod_watches.ts";
import { readJobSets } from "./read_job_sets.ts";
import { type Caches, type Parts, Watches } from "./watches.ts";

/** A reconcile waits for one status write, with its retries: one that takes longer than this hangs. */
const STUCK_SECONDS = 900;

/** What was read so lately needs no second look. */
const FRESH_MS = 1_000;
/** Who leads and can't read goes on with what it knows after so long: some of it may be refused for good. */
const LOOK_MS = 30_000;
const LOOK_AGAIN_MS = 1_000;

export interface ControllerOptions {
  readonly parts: Parts;
  readonly gates: FeatureGates;
  /** Our admission guards the JobSets: no pod template changes but in a suspended one. */
  readonly hasAdmission: boolean;
  /** The only namespace that is watched; undefined: all of them. */
  readonly namespace: string | undefined;
  readonly metrics: Metrics;
  /** Told of outdated CRDs by whoever runs it. */
  readonly crdCheck: CrdCheck;
}

export interface Election extends LeaseTiming {
  /** Of this process alone, never used again. */
  readonly identity: string;
  /** The lease. */
  readonly namespace: string;
  readonly name: string;
}

export interface LeadOptions {
  /** Told to stop. */
  readonly signal: AbortSignal;
  /** Undefined: it is the only one, and acts as soon as its caches are filled. */
  readonly election: Election | undefined;
  /** Rejects when something fails that it can't go on without. */
  readonly failed: Promise<never>;
}

export class Controller {
  readonly caches: Caches = { jobSets: new ObjectCache(), jobs: new ObjectCache(), services: new ObjectCache() };
  readonly queue: WorkQueue;
  readonly podQueue: WorkQueue;
  readonly podWatches: PodWatches;
  readonly podLookUps: PodLookUps;
  readonly #options: ControllerOptions;
  readonly #watches: Watches;
  readonly #reconciles: ControllerMetrics;
  readonly #podChecks: ControllerMetrics;
  #elector: LeaderElector | undefined;
  #isReconciling = false;

  constructor(options: ControllerOptions) {
    const { parts, metrics, gates, namespace } = options;
    const { clock, client } = parts;
    this.#options = options;
    this.#watches = new Watches(parts, this.caches, namespace);
    this.#reconciles = metrics.controller("jobset", { workers: WORKERS });
    this.queue = new WorkQueue({ clock, metrics: this.#reconciles.queue });
    this.#reconciles.observe(this.queue);
    this.#podChecks = metrics.controller("pod", { workers: POD_WORKERS });
    this.podQueue = new WorkQueue({ clock, metrics: this.#podChecks.queue });
    this.#podChecks.observe(this.podQueue);
    this.#watches.observe(metrics.observeWatch);
    const { jobSets } = this.caches;
    this.podWatches = new PodWatches({ ...parts, jobSets, gates, namespace, observe: metrics.observeWatch });
    this.podLookUps = podLookUps({ client, watches: this.podWatches, watchedNamespace: namespace });
  }

  /** What every replica does, leader or not: it fills its caches, and keeps them warm. */
  start(): void {
    this.#watches.start();
  }

  /** Waits for caches and lease, then reconciles until told to stop; true where the lease was lost. */
  async lead({ signal, election, failed: othersFailed }: LeadOptions): Promise<boolean> {
    const stopped = aborted(signal);
    const failed = Promise.race([othersFailed, this.#watches.failed, this.podWatches.failed]);
    failed.catch(() => undefined); // told by whichever race below it ends
    await Promise.race([this.#watches.synced, stopped, failed]);
    if (signal.aborted) return false;
    const syncedAtMs = this.#options.parts.clock.monotonic();
    const { jobSets, jobs, services } = this.caches;
    const sizes = { jobSets: jobSets.size, jobs: jobs.size, services: services.size };
    this.#options.parts.log.info(0, "caches are filled", sizes);
    // Whoever can't see the cluster must not keep others from leading: the election begins with full caches.
    const ending = election === undefined ? undefined : this.#takePart(election);
    const cut = new AbortController();
    const lost = ending?.then((end) => end === "lost" && cut.abort()) ?? never();
    await Promise.race([this.#elector?.acquired, stopped, lost, failed]);
    if (signal.aborted || cut.signal.aborted) return cut.signal.aborted;
    const ended = AbortSignal.any([signal, cut.signal]);
    await Promise.race([this.#watches.current(ended), failed]);
    if (election !== undefined) await Promise.race([this.#lookAnew(syncedAtMs, ended), failed]);
    const running = this.#runLoops(ended, cut.signal);
    await Promise.race([running, lost.then(never), failed]);
    return cut.signal.aborted;
  }

  /**
   * A standby may have heard nothing for a minute or more and not know it, for a stream that is silent says nothing of that. It would
   * set Jobs of a suspended JobSet running, or stop those of one that was resumed: so it begins with the JobSets as they are now.
   */
  async #lookAnew(syncedAtMs: number, signal: AbortSignal): Promise<void> {
    const { parts: { clock, log, client }, namespace } = this.#options;
    const { jobSets } = this.caches;
    const startedAtMs = clock.monotonic();
    if (startedAtMs - syncedAtMs < FRESH_MS) return;
    while (!signal.aborted && clock.monotonic() - startedAtMs < LOOK_MS) {
      try {
        return await abortable(readJobSets({ client, jobSets, namespace }), signal);
      } catch (error) {
        if (signal.aborted) return;
        log.info(0, "reading the JobSets failed and is tried again", { error: messageOf(error) });
        await sleep(clock, LOOK_AGAIN_MS, signal).catch(() => undefined);
      }
    }
  }

  /** Gives the lease back, where it is ours. */
  async release(): Promise<void> {
    await this.#elector?.release();
  }

  /** Ends what still runs; the lease is given back after a failure too. */
  async stop(): Promise<void> {
    this.#watches.stop();
    this.podWatches.stop();
    await this.release();
  }

  /** Whether it leads, as far as it knows itself; false where there is no election. */
  get holdsLease(): boolean {
    return this.#elector?.mayWrite() === true;
  }

  /** Whether it reconciles, and may write. */
  get isActing(): boolean {
    return this.#isReconciling && (this.#elector === undefined || this.holdsLease);
  }

  get isBusy(): boolean {
    return [this.queue, this.podQueue].some((queue) => queue.depth > 0 || queue.unfinishedSeconds > 0);
  }

  /** Spec 6.3: its loops are alive; what is wrong otherwise. */
  get stuck(): readonly string[] {
    const problems: string[] = [];
    if (!this.#watches.isAlive || !this.podWatches.isAlive) problems.push("watches: nothing has happened for minutes");
    if (this.queue.longestRunningSeconds > STUCK_SECONDS) {
      problems.push("workers: one JobSet has not been let go for too long");
    }
    if (this.podQueue.longestRunningSeconds > STUCK_SECONDS) {
      problems.push("workers: the Pods of one Job have not been let go for too long");
    }
    return problems;
  }

  /** Spec 6.3: its caches are filled; which are not. */
  get unfilled(): readonly string[] {
    return Object.entries(this.caches).filter(([, cache]) => !cache.isSynced)
      .map(([name]) => `${name}: the cache is not filled yet`);
  }

  #takePart(election: Election): Promise<"released" | "lost"> {
    const { parts, metrics } = this.#options;
    const { name } = election;
    const elector = new LeaderElector({ ...parts, ...election });
    this.#elector = elector;
    metrics.leading(name, false);
    elector.acquired.then(() => metrics.leading(name, true), () => undefined);
    // It ends by `release`, or by the loss of the lease: the work under way is finished as the leader.
    const ending = elector.run(new AbortController().signal).finally(() => metrics.leading(name, false));
    ending.catch(() => undefined); // told by lead
    return ending;
  }

  async #runLoops(signal: AbortSignal, isCut: AbortSignal): Promise<void> {
    const { parts, metrics, gates, hasAdmission, crdCheck } = this.#options;
    const { client } = parts;
    const leading = {
      ...parts,
      client: this.#elector === undefined ? client : fencedClient(client, () => this.holdsLease),
      watches: this.#watches,
      podWatches: this.podWatches,
    };
    const { caches, queue } = this;
    const reconciles = this.#reconciles;
    const jobSets = { ...leading, caches, queue, reconciles, metrics, gates, hasAdmission, crdCheck };
    const pods = { ...leading, queue: this.podQueue, reconciles: this.#podChecks, lookUps: this.podLookUps };
    this.#isReconciling = true;
    await Promise.all([runLoop(jobSets, signal, isCut), runPodLoop(pods, signal, isCut)]);
  }
}
