/** Caches, queue, reconciler and recorder round a fake client: a control loop that tests drive to rest. */
import { FakeClock } from "../base/fake_clock.ts";
import { asObject, asString, at, type JsonObject } from "../base/json.ts";
import type { Log, LogFields } from "../base/log.ts";
import { DEFAULT_FEATURE_GATES, type FeatureGates } from "../api/feature_gates.ts";
import { type Job, readJob } from "../api/job.ts";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import type { Pod } from "../api/pod.ts";
import { readService, type Service } from "../api/service.ts";
import { type CacheEntry, ObjectCache } from "../cache/object_cache.ts";
import { WorkQueue } from "../queue/work_queue.ts";
import { EventRecorder } from "./event_recorder.ts";
import { FakeClient, type WatchEvent } from "./fake_client.ts";
import { type Outcome, Reconciler } from "./reconciler.ts";

export const NAMESPACE = "ns";
export const JOBSETS = `/apis/jobset.x-k8s.io/v1alpha2/namespaces/${NAMESPACE}/jobsets`;
export const JOBS = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;
export const EVENTS = `/apis/events.k8s.io/v1/namespaces/${NAMESPACE}/events`;
export const SERVICES = `/api/v1/namespaces/${NAMESPACE}/services`;
export const CLAIMS = `/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims`;

export interface LogLine {
  /** -1 for an error. */
  readonly verbosity: number;
  readonly message: string;
  readonly fields: LogFields;
}

export class TestWorld {
  readonly clock = new FakeClock();
  readonly logLines: LogLine[] = [];
  readonly jobSets = new ObjectCache<JobSet>();
  readonly jobs = new ObjectCache<Job>();
  readonly services = new ObjectCache<Service>();
  readonly api = new FakeClient((event) => this.#watch(event));
  readonly queue = new WorkQueue({ clock: this.clock });
  readonly events: EventRecorder;
  readonly reconciler: Reconciler;
  reconciles = 0;
  /** How many of them were put back as failed, and as merely overtaken. */
  readonly backOffs = { failed: 0, overtaken: 0 };
  /** While set, watch events are kept back: the caches see nothing but answers. */
  isLagging = false;
  /** The same for the watch of JobSets alone: watches do not keep step with each other. */
  jobSetsLag = false;
  /** The garbage collector takes deleted Jobs at once. */
  collectsAtOnce = true;
  #late: WatchEvent[] = [];

  constructor(
    gates: FeatureGates = DEFAULT_FEATURE_GATES,
    { pods, hasAdmission = true }: { pods?: ReadonlyMap<string, Pod>; hasAdmission?: boolean } = {},
  ) {
    const { clock, api: client, queue, jobSets, jobs, services } = this;
    const log = this.#log();
    this.events = new EventRecorder({ client, clock, log, instance: "test" });
    for (const cache of [jobSets, jobs, services]) cache.replace([], "100");
    this.reconciler = new Reconciler({
      client,
      jobSets,
      jobs,
      services,
      events: this.events,
      clock,
      log,
      gates,
      hasAdmission,
      priorities: () => undefined,
      podsOf: () => pods?.values(),
      wake: (key) => queue.add(key),
    });
    jobSets.onChange((change) => {
      const { namespace, name } = change.kind === "upsert" ? change.after : change.before;
      queue.add(`${namespace}/${name}`);
    });
    jobs.onChange((change) => queue.add((change.kind === "upsert" ? change.after : change.before).ownerKey));
    services.onChange((change) => {
      const { ownerKey } = change.kind === "upsert" ? change.after : change.before;
      if (ownerKey !== undefined) queue.add(ownerKey);
    });
  }

  /** Stores a JobSet of `workers` Jobs named w. */
  apply(name: string, spec: JsonObject = {}, workers = 1): string {
    const template = { spec: { template: { spec: { containers: [{ name: "c", image: "i" }] } } } };
    const replicatedJobs = [{ name: "w", replicas: workers, template }];
    this.api.put(`${JOBSETS}/${name}`, {
      metadata: { namespace: NAMESPACE, name, generation: 1 },
      spec: { replicatedJobs, ...spec },
    });
    return `${NAMESPACE}/${name}`;
  }

  /** Changes fields of a JobSet's spec, which makes it another generation. */
  edit(name: string, spec: JsonObject): void {
    const body = this.api.get(`${JOBSETS}/${name}`) ?? {};
    const metadata = asObject(body["metadata"]);
    this.api.put(`${JOBSETS}/${name}`, {
      ...body,
      metadata: { ...metadata, generation: Number(metadata?.["generation"] ?? 1) + 1 },
      spec: { ...asObject(body["spec"]), ...spec },
    });
  }

  status(name: string): JsonObject {
    return asObject(at(this.api.get(`${JOBSETS}/${name}`), "status")) ?? {};
  }

  /** `type=status` of its conditions. */
  conditions(name: string): string[] {
    const conditions = this.status(name)["conditions"];
    if (!Array.isArray(conditions)) return [];
    return conditions.map((condition) => `${String(at(condition, "type"))}=${String(at(condition, "status"))}`);
  }

  jobNames(): string[] {
    return this.api.list("/jobs/").map((job) => asString(at(job, "metadata", "name")) ?? "").sort();
  }

  /** Writes of a kind that steady worlds never see. */
  writes(): number {
    return this.api.requests.filter(({ method }) => method !== "GET").length;
  }

  errors(): LogLine[] {
    return this.logLines.filter(({ verbosity }) => verbosity < 0);
  }

  /** Lets the watches tell what they kept back. */
  catchUp(): void {
    this.isLagging = false;
    this.jobSetsLag = false;
    for (const event of this.#late.splice(0)) this.#watch(event);
  }

  /** Works until no key is due now and no request is under way that could make one due. */
  async rest(): Promise<void> {
    let quietTurns = 0;
    for (let turn = 0; quietTurns < 3; turn++) {
      if (turn > 100_000) throw new Error("the loop does not come to rest: it runs hot");
      const key = await this.#take();
      if (key === undefined) {
        if (this.collectsAtOnce) this.api.collect();
        await new Promise((resolve) => setImmediate(resolve));
        quietTurns++;
        continue;
      }
      quietTurns = 0;
      await this.#process(key);
    }
  }

  /** Lets time pass, working off what falls due on the way. */
  async pass(ms: number): Promise<void> {
    const endMs = this.clock.monotonic() + ms;
    await this.rest();
    for (let steps = 0;; steps++) {
      if (steps > 100_000) throw new Error("timers fire without end");
      const delayMs = this.clock.nextDelayMs;
      if (delayMs === undefined || this.clock.monotonic() + delayMs > endMs) break;
      this.clock.advance(delayMs);
      await this.rest();
    }
    this.clock.advance(endMs - this.clock.monotonic());
    await this.rest();
  }

  async #take(): Promise<string | undefined> {
    const stop = new AbortController();
    const next = this.queue.next(stop.signal);
    stop.abort();
    return await next;
  }

  async #process(key: string): Promise<void> {
    this.reconciles++;
    const { outcome } = await this.reconciler.reconcile(key);
    this.#settle(key, outcome);
    this.queue.done(key);
  }

  #settle(key: string, outcome: Outcome): void {
    switch (outcome.kind) {
      case "done":
        this.queue.forget(key);
        if (outcome.lookAgainMs !== undefined) this.queue.addAfter(key, outcome.lookAgainMs);
        return;
      case "again":
        this.queue.forget(key);
        return this.queue.addAfter(key, outcome.afterMs);
      case "backOff":
        this.backOffs[outcome.isError ? "failed" : "overtaken"]++;
        this.queue.addRateLimited(key);
    }
  }

  #watch(event: WatchEvent): void {
    const isJobSet = event.path.includes("/jobsets/");
    if (this.isLagging || (this.jobSetsLag && isJobSet)) this.#late.push(event);
    else if (isJobSet) feed(this.jobSets, event, readJobSet);
    else if (event.path.includes("/jobs/")) feed(this.jobs, event, readJob);
    else if (event.path.includes("/services/")) feed(this.services, event, readService);
  }

  #log(): Log {
    return {
      info: (verbosity, message, fields = {}) => this.logLines.push({ verbosity, message, fields }),
      error: (message, fields = {}) => this.logLines.push({ verbosity: -1, message, fields }),
    };
  }
}

/** A world with JobSet `a` of so many Jobs, all of them created, and an endless restart budget. */
export async function running(
  workers: number,
  spec: JsonObject = {},
  { gates, hasAdmission = true }: { gates?: FeatureGates; hasAdmission?: boolean } = {},
): Promise<TestWorld> {
  const world = new TestWorld(gates, { hasAdmission });
  world.apply("a", { failurePolicy: { maxRestarts: 100_000 }, ...spec }, workers);
  await world.pass(1000);
  if (world.jobs.size !== workers) throw new Error(`${world.jobs.size} Jobs instead of ${workers}`);
  return world;
}

export function failJob(world: TestWorld, name: string): void {
  world.api.setJobStatus(`${JOBS}/${name}`, {}, [{ type: "Failed", reason: "BackoffLimitExceeded" }]);
}

export function makeReady(world: TestWorld, names: readonly string[] = world.jobNames()): void {
  for (const name of names) world.api.setJobStatus(`${JOBS}/${name}`, { ready: 1, active: 1 });
}

/** The Events with this reason. */
export function eventsOf(world: TestWorld, reason: string): readonly JsonObject[] {
  return world.api.list("/events/").filter((event) => event["reason"] === reason);
}

/** How often something was told, repeats in a series included. */
export function told(world: TestWorld, reason: string): number {
  return eventsOf(world, reason).reduce((sum, event) => sum + Number(at(event, "series", "count") ?? 1), 0);
}

/** Lets a cache hear what the watch tells. */
export function feed<T extends CacheEntry>(
  cache: ObjectCache<T>,
  { kind, body }: WatchEvent,
  read: (body: JsonObject) => T | undefined,
): void {
  const item = read(body);
  if (item === undefined) return;
  if (kind === "upsert") cache.upsert(item);
  else cache.remove(item);
}
