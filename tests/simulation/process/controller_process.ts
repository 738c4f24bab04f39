/** One process that runs the controller of production over a simulated network and clock. */
import { never } from "../../../src/base/never.ts";
import type { Log } from "../../../src/base/log.ts";
import type { Random } from "../../../src/base/random.ts";
import { seededRandom } from "../../../src/base/seeded_random.ts";
import { DEFAULT_FEATURE_GATES, type FeatureGates } from "../../../src/api/feature_gates.ts";
import type { ClusterAccess } from "../../../src/client/cluster_access.ts";
import { fixedCredentials } from "../../../src/client/credentials.ts";
import { createKubeClient } from "../../../src/client/kube_client.ts";
import { createMetrics } from "../../../src/metrics/metrics.ts";
import { Controller } from "../../../src/run/controller.ts";
import { CrdCheck } from "../../../src/run/crd_check.ts";
import { LifeKnowledge, RequestSent } from "./life_knowledge.ts";
import { SimulatedNetwork } from "./simulated_network.ts";
import { ProcessClock, ProcessLife } from "./process_clock.ts";
import type { Timeline } from "../timeline.ts";
import type { FaultRates, Learned, ProcessView, Sending, SimulatedServer } from "../types.ts";

export interface ControllerProcessOptions {
  readonly number: number;
  readonly timeline: Timeline;
  readonly server: SimulatedServer;
  readonly random: Random;
  readonly gates: Partial<FeatureGates>;
  readonly hasWebhooks: boolean;
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
  readonly controller: Controller;
}

export class ControllerProcess implements ProcessView {
  readonly name: `controller-${number}`;
  readonly #options: ControllerProcessOptions;
  readonly #errors: string[] = [];
  #life: Life | undefined;
  #lives = 0;
  /** Of all its lives. */
  readonly #stops: AbortController[] = [];
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
    return this.#options.elects ? this.#life.controller.holdsLease : true;
  }

  get errors(): readonly string[] {
    return this.#errors;
  }

  get sizes() {
    const { life, network, controller } = this.#life ?? {};
    const caches = controller?.caches;
    const gone = (caches?.jobSets.goneCount ?? 0) + (caches?.jobs.goneCount ?? 0) + (caches?.services.goneCount ?? 0);
    return {
      queue: (controller?.queue.size ?? 0) + (controller?.podQueue.size ?? 0),
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
    const parts = { clock, random, log: this.#log(), client };
    const metrics = createMetrics({ clock });
    const gates = { ...DEFAULT_FEATURE_GATES, ...this.#options.gates };
    const crdCheck = new CrdCheck({ ...parts, onChecked: metrics.crdChecked });
    const { hasWebhooks: hasAdmission } = this.#options;
    const controller = new Controller({ parts, gates, hasAdmission, namespace: undefined, metrics, crdCheck });
    const begun: Life = { life, network, controller, stop: new AbortController() };
    const mayWrite = () => controller.isActing;
    const knowledge = new LifeKnowledge({ process: this.name, caches: controller.caches, clock, mayWrite });
    knowledge.follow(this.#options.onLearn);
    this.#life = begun;
    this.#stops.push(begun.stop);
    this.#run(begun).then(
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

  /** After the run: signals that are never aborted are never collected, with all that listens to them. */
  dispose(): void {
    for (const stop of this.#stops) stop.abort();
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

  async #run({ controller, stop: { signal } }: Life): Promise<void> {
    const identity = `${this.name}_${this.#lives}`;
    const election = this.#options.elects ? { ...ELECTION, ...LEASE, identity } : undefined;
    controller.start();
    try {
      const isLost = await controller.lead({ signal, election, failed: never() });
      if (!isLost) await controller.release();
    } finally {
      await controller.stop();
    }
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
