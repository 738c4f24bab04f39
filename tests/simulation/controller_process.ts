/** One controller: the production parts, put together as src/run.ts does it, over a simulated network and clock. */
import type { Log } from "../../src/base/log.ts";
import type { Random } from "../../src/base/random.ts";
import { seededRandom } from "../../src/base/seeded_random.ts";
import { DEFAULT_FEATURE_GATES, type FeatureGates } from "../../src/api/feature_gates.ts";
import { ObjectCache } from "../../src/cache/object_cache.ts";
import type { ClusterAccess } from "../../src/client/cluster_access.ts";
import { fixedCredentials } from "../../src/client/credentials.ts";
import { createKubeClient, type KubeClient } from "../../src/client/kube_client.ts";
import { fencedClient } from "../../src/leader/fenced_client.ts";
import { LeaderElector } from "../../src/leader/leader_elector.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { WorkQueue } from "../../src/queue/work_queue.ts";
import { CrdCheck } from "../../src/run/crd_check.ts";
import { runLoop } from "../../src/run/loop.ts";
import { PodWatches } from "../../src/run/pod_watches.ts";
import { type Caches, type Parts, Watches } from "../../src/run/watches.ts";
import { LifeKnowledge, RequestSent } from "./knowledge.ts";
import { SimulatedNetwork } from "./network.ts";
import { ProcessClock, ProcessLife } from "./process_clock.ts";
import type { Timeline } from "./timeline.ts";
import type { FaultRates, Learned, ProcessView, Sending, SimulatedServer } from "./types.ts";

export interface ControllerProcessOptions {
  readonly number: number;
  readonly timeline: Timeline;
  readonly server: SimulatedServer;
  readonly random: Random;
  readonly gates: Partial<FeatureGates>;
  /** Whether it has to be elected. */
  readonly elects: boolean;
  readonly startMs: number;
  readonly faults: () => FaultRates | undefined;
  readonly isOut: () => boolean;
  readonly say: (line: string) => void;
  readonly onSend: (sending: Sending) => void;
  readonly onLearn: (learned: Learned) => void;
}

/** The defaults of spec 6.3. */
const ELECTION = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
const LEASE = { namespace: "jobset-system", name: "6d4f6a47.x-k8s.io" };
/** Kubernetes starts what has ended again, at the latest after this time. */
const REVIVAL_MS = 2_000;

const ACCESS: ClusterAccess = {
  server: "http://api",
  namespace: undefined,
  proxyUrl: undefined,
  tlsServerName: undefined,
  insecureSkipTlsVerify: false,
  credentials: fixedCredentials({ headers: {}, ca: undefined, cert: undefined, key: undefined }),
  source: "the simulation",
};

/** What one life of the process consists of. */
interface Life {
  readonly life: ProcessLife;
  readonly network: SimulatedNetwork;
  readonly stop: AbortController;
  readonly caches: Caches;
  readonly queue: WorkQueue;
  elector: LeaderElector | undefined;
  /** From its election on, or at once where there is none: it may change something. */
  isActing: boolean;
}

export class ControllerProcess implements ProcessView {
  readonly name: `controller-${number}`;
  readonly #options: ControllerProcessOptions;
  readonly #errors: string[] = [];
  #life: Life | undefined;
  #lives = 0;
  #clockOffsetMs = 0;
  #killAtRequest = Infinity;

  constructor(options: ControllerProcessOptions) {
    this.#options = options;
    this.name = `controller-${options.number}`;
  }

  get isAlive(): boolean {
    return this.#life !== undefined;
  }

  get isLeading(): boolean {
    if (this.#life === undefined) return false;
    return this.#options.elects ? this.#life.elector?.mayWrite() === true : true;
  }

  get errors(): readonly string[] {
    return this.#errors;
  }

  get sizes() {
    const { life, network, caches, queue } = this.#life ?? {};
    const gone = (caches?.jobSets.goneCount ?? 0) + (caches?.jobs.goneCount ?? 0) + (caches?.services.goneCount ?? 0);
    return {
      queue: queue?.size ?? 0,
      jobSets: caches?.jobSets.size ?? 0,
      jobs: caches?.jobs.size ?? 0,
      services: caches?.services.size ?? 0,
      gone,
      timers: life?.planned ?? 0,
      requests: network?.underWay ?? 0,
    };
  }

  start(): void {
    if (this.#life !== undefined) return;
    this.#lives += 1;
    const { timeline, server, startMs, faults, isOut } = this.#options;
    const random = seededRandom(Math.floor(this.#options.random.next() * 2 ** 32));
    const life = new ProcessLife(timeline);
    const network = new SimulatedNetwork({
      user: this.name,
      timeline,
      life,
      server,
      random,
      faults,
      isOut,
      onSend: ({ method, target, body }) => {
        if (method !== "GET") this.#options.onSend(new RequestSent(knowledge, { method, target, body }));
        this.#countRequest();
      },
    });
    const clock = new ProcessClock(timeline, life, () => startMs + this.#clockOffsetMs);
    const client = createKubeClient({
      access: ACCESS,
      env: {},
      qps: 500,
      burst: 500,
      userAgent: this.name,
      clock,
      transport: network,
    });
    const parts: Parts = { clock, random, log: this.#log(), client };
    const caches: Caches = { jobSets: new ObjectCache(), jobs: new ObjectCache(), services: new ObjectCache() };
    const begun: Life = {
      life,
      network,
      caches,
      stop: new AbortController(),
      queue: new WorkQueue({ clock }),
      elector: undefined,
      isActing: false,
    };
    const mayWrite = () => begun.isActing && begun.elector?.mayWrite() !== false;
    const knowledge = new LifeKnowledge({ process: this.name, caches, clock, mayWrite });
    knowledge.follow(this.#options.onLearn);
    this.#life = begun;
    this.#run(begun, parts).then(
      () => this.#end(begun, "ended"),
      (error) => {
        this.#errors.push(`the process ended: ${String(error)}`);
        this.#end(begun, "failed");
      },
    );
  }

  /** It is gone between two instructions: what it sent may still arrive. */
  kill(): void {
    if (this.#life !== undefined) this.#end(this.#life, "was killed");
  }

  /** As on SIGTERM: it finishes what is under way, and is started again. */
  restart(): void {
    this.#life?.stop.abort();
  }

  killAtRequest(nth: number): void {
    this.#killAtRequest = nth;
  }

  pause(forMs: number): void {
    this.#life?.life.pause(forMs);
  }

  stepClock(byMs: number): void {
    this.#clockOffsetMs += byMs;
  }

  cutStreams(): void {
    this.#life?.network.cutStreams();
  }

  async #run(begun: Life, parts: Parts): Promise<void> {
    const { caches, queue, stop } = begun;
    const { clock } = parts;
    const gates = { ...DEFAULT_FEATURE_GATES, ...this.#options.gates };
    const metrics = createMetrics({ clock });
    const watches = new Watches(parts, caches, undefined);
    const podWatches = new PodWatches({
      ...parts,
      jobSets: caches.jobSets,
      gates,
      namespace: undefined,
      observe: metrics.observeWatch,
    });
    const crdCheck = new CrdCheck({ ...parts, onChecked: metrics.crdChecked });
    const { signal } = stop;
    const isCut = new AbortController();
    const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    watches.start();
    await Promise.race([watches.synced, stopped, watches.failed]);
    const client = signal.aborted ? parts.client : await this.#elect(begun, parts, { stopped, isCut });
    if (!signal.aborted && !isCut.signal.aborted) {
      this.#options.say(`${this.name} leads`);
      begun.isActing = true;
      const reconciles = metrics.controller("jobset", { workers: 8 });
      const options = { ...parts, client, caches, queue, watches, podWatches, crdCheck, metrics, reconciles, gates };
      await runLoop(options, AbortSignal.any([signal, isCut.signal]), isCut.signal);
    }
    watches.stop();
    podWatches.stop();
    await begun.elector?.release();
  }

  /** Waits until it leads, or is told to stop; the client that writes only while it leads. */
  async #elect(
    begun: Life,
    parts: Parts,
    { stopped, isCut }: { readonly stopped: Promise<void>; readonly isCut: AbortController },
  ): Promise<KubeClient> {
    if (!this.#options.elects) return parts.client;
    const identity = `${this.name}_${this.#lives}`;
    const elector = new LeaderElector({ ...parts, ...ELECTION, ...LEASE, identity });
    begun.elector = elector;
    const ended = elector.run(new AbortController().signal).then((end) => {
      if (end === "lost") isCut.abort();
    });
    await Promise.race([elector.acquired, stopped, ended]);
    return fencedClient(parts.client, () => elector.mayWrite());
  }

  #end(life: Life, how: string): void {
    if (this.#life !== life) return;
    this.#life = undefined;
    this.#killAtRequest = Infinity;
    life.life.end();
    life.network.close();
    const { say, timeline, random } = this.#options;
    say(`${this.name} ${how}`);
    timeline.after(REVIVAL_MS * random.next() ** 2, "start", () => this.start());
  }

  #countRequest(): void {
    this.#killAtRequest -= 1;
    if (this.#killAtRequest > 0) return;
    this.#killAtRequest = Infinity;
    // Between the request and whatever else follows from this moment.
    this.#options.timeline.after(0, "kill", () => this.kill());
  }

  #log(): Log {
    const { say } = this.#options;
    return {
      info: (_verbosity, message, fields = {}) => say(`${this.name}: ${message} ${JSON.stringify(fields)}`),
      error: (message, fields = {}) => {
        this.#errors.push(`${message} ${JSON.stringify(fields)}`);
      },
    };
  }
}
