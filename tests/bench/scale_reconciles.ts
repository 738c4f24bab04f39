/**
 * Reconciles in a process of its own: caches with one JobSet of so many Jobs and so many others beside it, the production
 * reconciler, and a client that answers at once. It reads orders as lines of JSON and answers each with one line.
 *
 * One reconcile is what a Job's change costs after its event was parsed: into the cache, a plan, and the write of the counters.
 */
import { FakeClock } from "../../src/base/fake_clock.ts";
import { asObject, at, type JsonObject } from "../../src/base/json.ts";
import { DEFAULT_FEATURE_GATES } from "../../src/api/feature_gates.ts";
import { type Job, readJob } from "../../src/api/job.ts";
import { type JobSet, readJobSet } from "../../src/api/job_set.ts";
import type { Service } from "../../src/api/service.ts";
import { EventRecorder } from "../../src/apply/event_recorder.ts";
import { Reconciler } from "../../src/apply/reconciler.ts";
import { ObjectCache } from "../../src/cache/object_cache.ts";
import type { KubeClient, KubeRequest } from "../../src/client/kube_client.ts";
import { createOf, jobFactory } from "../../src/plan/job_factory.ts";
import { nothingKnown } from "../../src/plan/nothing_known.ts";
import { benchJobSet } from "./job_set.ts";
import type { ReconcileOrder, Reconciles } from "./scale_protocol.ts";

const NAMESPACE = "bench";
const OWN = "own";
/** More than the wait between two writes of counters. */
const STEP_MS = 2_000;

class Bench {
  readonly #clock = new FakeClock();
  readonly #jobs = new ObjectCache<Job>();
  readonly #jobSets = new ObjectCache<JobSet>();
  readonly #reconciler: Reconciler;
  readonly #own: readonly Job[];
  readonly #body: JsonObject;
  #version = 1_000_000;
  #writes = 0;
  #next = 0;

  constructor({ jobs, others, othersEach }: ReconcileOrder) {
    const names = Array.from({ length: others }, (_, index) => `other-${index}`);
    const bodies = [storedJobSet(OWN, jobs), ...names.map((name) => storedJobSet(name, othersEach))];
    this.#body = bodies[0] ?? {};
    const all = bodies.map((body, index) => ({ jobSet: viewOf(body), count: index === 0 ? jobs : othersEach }));
    const children = all.map(({ jobSet, count }) => storedJobs(jobSet, count));
    this.#own = children[0] ?? [];
    this.#jobSets.replace(all.map(({ jobSet }) => jobSet), "1000");
    this.#jobs.replace(children.flat(), "1000");
    const services = new ObjectCache<Service>();
    services.replace(all.map(({ jobSet }) => serviceOf(jobSet)), "1000");
    const client: KubeClient = {
      request: (request) => Promise.resolve(this.#answer(request)),
      stream: () => Promise.reject(new Error("no streams here")),
    };
    const log = { info: () => undefined, error: () => undefined };
    this.#reconciler = new Reconciler({
      client,
      jobs: this.#jobs,
      jobSets: this.#jobSets,
      services,
      events: new EventRecorder({ client, clock: this.#clock, log, instance: "bench" }),
      clock: this.#clock,
      log,
      gates: DEFAULT_FEATURE_GATES,
      hasAdmission: true,
      priorities: () => ({ byClass: new Map(), globalDefault: 0 }),
      podsOf: () => undefined,
      wake: () => undefined,
    });
  }

  /** At its first sight a JobSet's counters wait a moment. */
  async see(): Promise<void> {
    await this.#reconciler.reconcile(`${NAMESPACE}/${OWN}`);
  }

  async run(reconciles: number): Promise<Reconciles> {
    const writesBefore = this.#writes;
    const before = process.cpuUsage();
    const startedAt = performance.now();
    for (let count = 0; count < reconciles; count++) {
      this.#change();
      this.#clock.advance(STEP_MS);
      const { outcome } = await this.#reconciler.reconcile(`${NAMESPACE}/${OWN}`);
      if (outcome.kind !== "done") throw new Error(`reconcile: it ended with "${outcome.kind}"`);
    }
    const ms = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(before);
    return { cpuMs: (user + system) / 1000, ms, writes: this.#writes - writesBefore };
  }

  /** One Job more is ready, or one less. */
  #change(): void {
    const job = this.#own[this.#next++ % this.#own.length];
    const held = job === undefined ? undefined : this.#jobs.get(job.namespace, job.name);
    if (held === undefined) throw new Error("change a Job: it is not in the cache");
    const isReady = held.ready === 0;
    const count = isReady ? 2 : 0;
    this.#jobs.upsert({ ...held, resourceVersion: String(this.#version++), active: count, ready: count });
  }

  #answer({ method, body }: KubeRequest): unknown {
    if (method !== "PATCH") throw new Error(`${method}: nothing but counters is to be written`);
    this.#writes++;
    const metadata = { ...asObject(this.#body["metadata"]), resourceVersion: String(this.#version++) };
    return { ...this.#body, metadata, status: at(body, "status") };
  }
}

function storedJobSet(name: string, replicas: number): JsonObject {
  const body = benchJobSet({ namespace: NAMESPACE, name, replicas });
  return { ...body, metadata: { ...asObject(body["metadata"]), uid: crypto.randomUUID(), resourceVersion: "10" } };
}

function viewOf(body: JsonObject): JobSet {
  const jobSet = readJobSet(body);
  if (jobSet === undefined) throw new Error("read a JobSet: it has no name");
  return jobSet;
}

function storedJobs(jobSet: JobSet, count: number): readonly Job[] {
  const build = jobFactory(jobSet, nothingKnown());
  return Array.from({ length: count }, (_, index) => {
    const body = build(createOf(jobSet, 0, index));
    const metadata = {
      ...asObject(body["metadata"]),
      namespace: NAMESPACE,
      uid: crypto.randomUUID(),
      resourceVersion: String(100 + index),
    };
    const job = readJob({ ...body, metadata });
    if (job === undefined) throw new Error("read a Job: it has no owner");
    return job;
  });
}

function serviceOf({ namespace, name, uid }: JobSet): Service {
  return { namespace, name, uid: `service-${uid}`, resourceVersion: "20", ownerKey: `${namespace}/${name}` };
}

let bench: Bench | undefined;
for await (const line of console) {
  if (line === "") continue; // the end of the input
  const order = JSON.parse(line) as ReconcileOrder;
  if (bench === undefined) {
    bench = new Bench(order);
    await bench.see();
  }
  console.log(JSON.stringify(await bench.run(order.reconciles)));
}
