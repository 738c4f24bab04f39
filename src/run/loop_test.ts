import { afterEach, expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { at, type JsonObject } from "../base/json.ts";
import { seededRandom } from "../base/seeded_random.ts";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import { readJob } from "../api/job.ts";
import { readJobSet } from "../api/job_set.ts";
import { readService } from "../api/service.ts";
import { FakeClient, type WatchEvent } from "../apply/fake_client.ts";
import { feed, JOBS, JOBSETS, NAMESPACE, SERVICES } from "../apply/test_world.ts";
import { ObjectCache } from "../cache/object_cache.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { WorkQueue } from "../queue/work_queue.ts";
import { CrdCheck } from "./crd_check.ts";
import { runLoop } from "./loop.ts";
import { PodWatches } from "./pod_watches.ts";
import { type Caches, Watches } from "./watches.ts";

const KEY = `${NAMESPACE}/a`;
const STATUS = `${JOBSETS}/a/status`;
const loops: LoopWorld[] = [];

afterEach(async () => {
  for (const loop of loops.splice(0)) await loop.stop();
});

/** The loop as it runs in production, on caches that a fake client feeds. */
class LoopWorld {
  readonly clock = new FakeClock();
  readonly api = new FakeClient((event) => this.#tell(event));
  readonly queue = new WorkQueue({ clock: this.clock });
  readonly caches: Caches = { jobSets: new ObjectCache(), jobs: new ObjectCache(), services: new ObjectCache() };
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;

  constructor() {
    for (const cache of Object.values(this.caches)) cache.replace([], "100");
    loops.push(this);
  }

  start(): void {
    const { clock, api: client, caches, queue } = this;
    const log = { info: () => {}, error: () => {} };
    const parts = { clock, client, log, random: seededRandom(1) };
    const metrics = createMetrics({ clock });
    const gates = DEFAULT_FEATURE_GATES;
    const { jobSets } = caches;
    const observe = metrics.observeWatch;
    const options = {
      ...parts,
      caches,
      queue,
      gates,
      hasAdmission: true,
      metrics,
      watches: new Watches(parts, caches, undefined),
      podWatches: new PodWatches({ ...parts, jobSets, gates, namespace: undefined, observe }),
      crdCheck: new CrdCheck({ ...parts, onChecked: metrics.crdChecked }),
      reconciles: metrics.controller("jobset", { workers: 8 }),
    };
    this.#running = runLoop(options, this.#stopped.signal, new AbortController().signal);
  }

  /** Stores a JobSet of one Job. */
  apply(name: string, spec: JsonObject = {}): void {
    const template = { spec: { template: { spec: { containers: [{ name: "c", image: "i" }] } } } };
    const replicatedJobs = [{ name: "w", replicas: 1, template }];
    this.api.put(`${JOBSETS}/${name}`, {
      metadata: { namespace: NAMESPACE, name },
      spec: { replicatedJobs, ...spec },
    });
  }

  /** Lets time pass, and whatever falls due on the way run. */
  async pass(ms: number): Promise<void> {
    const endMs = this.clock.monotonic() + ms;
    for (;;) {
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      const delayMs = this.clock.nextDelayMs ?? Infinity;
      if (this.clock.monotonic() + delayMs > endMs) break;
      this.clock.advance(delayMs);
    }
    this.clock.advance(endMs - this.clock.monotonic());
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.pass(20_000);
    await this.#running;
  }

  #tell(event: WatchEvent): void {
    const { jobSets, jobs, services } = this.caches;
    if (event.path.includes("/jobsets/")) feed(jobSets, event, readJobSet);
    else if (event.path.includes("/jobs/")) feed(jobs, event, readJob);
    else if (event.path.includes("/services/")) feed(services, event, readService);
  }
}

test("JobSets that are there before it leads, and those that come, get their Jobs", async () => {
  const world = new LoopWorld();
  world.apply("a");
  world.start();
  await world.pass(1000);
  world.apply("b");
  await world.pass(1000);
  expect(["a-w-0", "b-w-0"].map((name) => world.api.get(`${JOBS}/${name}`) !== undefined)).toEqual([true, true]);
});

test("what becomes of a Job wakes its JobSet, and so does its end", async () => {
  const world = new LoopWorld();
  world.apply("a");
  world.start();
  await world.pass(1000);
  const uid = at(world.api.get(`${JOBS}/a-w-0`), "metadata", "uid");
  world.api.remove(`${JOBS}/a-w-0`);
  await world.pass(1000);
  expect(at(world.api.get(`${JOBS}/a-w-0`), "metadata", "uid") ?? uid).not.toBe(uid);
  world.api.setJobStatus(`${JOBS}/a-w-0`, {}, [{ type: "Complete" }]);
  await world.pass(1000);
  expect(at(world.api.get(`${JOBSETS}/a`), "status", "terminalState")).toBe("Completed");
});

test("a Service that serves JobSets of others too is made again by one of them once it is deleted (R18)", async () => {
  const world = new LoopWorld();
  world.apply("owner", { network: { subdomain: "shared" } });
  world.start();
  await world.pass(1000);
  world.apply("guest", { network: { subdomain: "shared" } });
  await world.pass(1000);
  const uid = at(world.api.get(`${SERVICES}/shared`), "metadata", "uid");
  world.api.remove(`${JOBSETS}/owner`);
  world.api.remove(`${SERVICES}/shared`);
  await world.pass(1000);
  expect(at(world.api.get(`${SERVICES}/shared`), "metadata", "uid") ?? uid).not.toBe(uid);
});

test("the time to live is looked at when it is over, though nothing else happens (R04)", async () => {
  const world = new LoopWorld();
  world.apply("a", { ttlSecondsAfterFinished: 60 });
  world.start();
  await world.pass(1000);
  world.api.setJobStatus(`${JOBS}/a-w-0`, {}, [{ type: "Complete" }]);
  await world.pass(55_000);
  expect(world.api.count("DELETE", `${JOBSETS}/a`)).toBe(0);
  await world.pass(10_000);
  expect(world.api.count("DELETE", `${JOBSETS}/a`)).toBe(1);
});

test("a write that fails is tried again, ever later, and a success starts the waits anew", async () => {
  const world = new LoopWorld();
  world.apply("a");
  world.start();
  await world.pass(1000);
  world.api.fail("PATCH", STATUS, { kind: "refuse", status: 500 }, 10);
  world.api.setJobStatus(`${JOBS}/a-w-0`, { active: 1 });
  const before = world.api.count("PATCH", STATUS);
  // 5 ms, 10 ms, … 1.28 s: ten tries within three seconds.
  await world.pass(3000);
  expect(world.api.count("PATCH", STATUS) - before).toBe(10);
  expect(world.queue.failures(KEY)).toBe(10);
  await world.pass(10_000);
  expect(at(world.api.get(`${JOBSETS}/a`), "status", "replicatedJobsStatus")).toMatchObject([{ active: 1 }]);
  expect(world.queue.failures(KEY)).toBe(0);
});

test("counters that wait for their time are written, and are no failure in a row with earlier ones", async () => {
  const world = new LoopWorld();
  world.apply("a");
  world.start();
  await world.pass(1000);
  world.api.setJobStatus(`${JOBS}/a-w-0`, { active: 1 });
  await world.pass(20);
  // It is in doubt, and can't be read; once it can, its Job is made and the counters wait.
  world.api.fail("GET", `${JOBSETS}/a`, { kind: "refuse", status: 500 });
  world.api.remove(`${JOBS}/a-w-0`);
  await world.pass(1);
  expect(world.queue.failures(KEY)).toBe(1);
  const writes = world.api.count("PATCH", STATUS);
  await world.pass(20);
  expect(world.queue.failures(KEY)).toBe(0);
  expect(world.api.count("PATCH", STATUS)).toBe(writes);
  await world.pass(1000);
  expect(at(world.api.get(`${JOBSETS}/a`), "status", "replicatedJobsStatus")).toMatchObject([{ active: 0 }]);
});

test("a JobSet that is gone leaves nothing in the queue", async () => {
  const world = new LoopWorld();
  world.apply("a");
  world.start();
  await world.pass(1000);
  world.api.remove(`${JOBSETS}/a`);
  world.api.remove(`${JOBS}/a-w-0`);
  await world.pass(1000);
  expect(world.queue.size).toBe(0);
  expect(world.api.get(`${JOBS}/a-w-0`)).toBeUndefined();
});
