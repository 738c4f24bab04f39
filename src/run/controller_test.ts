import { afterEach, expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { never } from "../base/never.ts";
import { seededRandom } from "../base/seeded_random.ts";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import { TIMING } from "../leader/test_election.ts";
import { LeaseClient, LeaseServer, NAME, NAMESPACE } from "../leader/test_lease_server.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { Controller } from "./controller.ts";
import { CrdCheck } from "./crd_check.ts";
import { TestWatchServer } from "./test_watch_server.ts";

const JOBS = "/apis/batch/v1/jobs";
const JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2/jobsets";
const runs: Run[] = [];

afterEach(async () => {
  for (const run of runs.splice(0)) await run.end();
});

/** A controller before an API server that has one JobSet and answers no write but those of the lease. */
class Run {
  readonly clock = new FakeClock();
  readonly cluster = new TestWatchServer();
  readonly leases = new LeaseServer();
  readonly controller: Controller;
  readonly stop = new AbortController();
  isLost: boolean | undefined;
  problem = "";

  constructor({ elects, failed = never() }: { elects: boolean; failed?: Promise<never> }) {
    const { clock } = this;
    const log = { info: () => {}, error: () => {} };
    const parts = { clock, log, random: seededRandom(1), client: this.#client() };
    const metrics = createMetrics({ clock });
    const crdCheck = new CrdCheck({ ...parts, onChecked: metrics.crdChecked });
    const gates = DEFAULT_FEATURE_GATES;
    this.controller = new Controller({ parts, gates, hasAdmission: true, namespace: undefined, metrics, crdCheck });
    const template = { spec: { template: { spec: { containers: [{ name: "c", image: "i" }] } } } };
    const spec = { replicatedJobs: [{ name: "w", replicas: 1, template }] };
    this.cluster.put(JOBSETS, { metadata: { namespace: "ns", name: "a" }, spec });
    this.controller.start();
    const election = elects ? { ...TIMING, identity: "us", namespace: NAMESPACE, name: NAME } : undefined;
    this.controller.lead({ signal: this.stop.signal, election, failed }).then(
      (isLost) => this.isLost = isLost,
      (error) => this.problem = String(error),
    );
    runs.push(this);
  }

  /** How many writes of the JobSet's children and status were sent. */
  get writes(): number {
    return this.cluster.asked.filter(({ method }) => method !== "GET").length;
  }

  pass(ms: number): Promise<void> {
    return this.clock.advanceAndSettle(ms);
  }

  async end(): Promise<void> {
    this.stop.abort();
    const stopped = this.controller.stop();
    await this.pass(10_000);
    await stopped;
  }

  #client(): KubeClient {
    const { cluster } = this;
    const leases = new LeaseClient(this.leases, { world: this.clock, own: this.clock });
    const serverOf = ({ path }: KubeRequest) => path.includes("/leases") ? leases : cluster;
    return {
      request(request) {
        // As the real client asks before each try.
        if (request.isWanted?.() === false) return Promise.reject(new Error("not wanted"));
        return serverOf(request).request(request);
      },
      stream: (request) => serverOf(request).stream(request),
    };
  }
}

test("the only one acts as soon as its caches are filled, until it is told to stop", async () => {
  const run = new Run({ elects: false });
  expect([run.controller.unfilled.length, run.controller.isActing]).toEqual([3, false]);
  await run.pass(100);
  expect([run.controller.unfilled, run.controller.isActing, run.controller.holdsLease]).toEqual([[], true, false]);
  expect(run.writes).toBeGreaterThan(0);
  run.stop.abort();
  await run.pass(10_000);
  expect(run.isLost).toBe(false);
});

test("whoever can't see the cluster takes no part in the election", async () => {
  const run = new Run({ elects: true });
  run.cluster.refuse(JOBS, 503);
  await run.pass(60_000);
  expect([run.controller.unfilled, run.leases.lease]).toEqual([["jobs: the cache is not filled yet"], undefined]);
  run.cluster.refuse(JOBS, undefined);
  await run.pass(60_000);
  expect([run.leases.spec("holderIdentity"), run.controller.isActing]).toEqual(["us", true]);
});

test("a new leader whose watches are cut acts once they tell of changes again", async () => {
  const run = new Run({ elects: true });
  run.leases.put({ holderIdentity: "other", leaseDurationSeconds: 15, leaseTransitions: 1 });
  await run.pass(1_000);
  run.cluster.refuse(JOBS, 503);
  await run.pass(1_000);
  run.leases.put({ holderIdentity: "", leaseDurationSeconds: 15, leaseTransitions: 1 });
  await run.pass(5_000);
  expect([run.controller.holdsLease, run.controller.isActing, run.writes]).toEqual([true, false, 0]);
  run.cluster.refuse(JOBS, undefined);
  await run.pass(20_000);
  expect(run.controller.isActing).toBe(true);
  expect(run.writes).toBeGreaterThan(0);
});

test("a new leader whose watch has fallen silent begins with the JobSets as they are now", async () => {
  const run = new Run({ elects: true });
  run.leases.put({ holderIdentity: "other", leaseDurationSeconds: 15, leaseTransitions: 1 });
  await run.pass(1_000);
  run.cluster.silence(JOBSETS);
  run.cluster.put(JOBSETS, { metadata: { namespace: "ns", name: "b" }, spec: { replicatedJobs: [] } });
  run.cluster.remove(JOBSETS, "a");
  await run.pass(1_000);
  run.leases.put({ holderIdentity: "", leaseDurationSeconds: 15, leaseTransitions: 1 });
  await run.pass(5_000);
  expect(run.controller.isActing).toBe(true);
  expect([...run.controller.caches.jobSets.values()].map(({ name }) => name)).toEqual(["b"]);
});

test("the lease is lost: it sends no write any more, and ends", async () => {
  const run = new Run({ elects: true });
  await run.pass(1_000);
  const sent = run.writes;
  expect(sent).toBeGreaterThan(0);
  run.leases.put({ holderIdentity: "other", leaseDurationSeconds: 15, leaseTransitions: 2 });
  await run.pass(60_000);
  expect([run.isLost, run.writes, run.controller.isActing]).toEqual([true, sent, false]);
  expect(run.leases.spec("holderIdentity")).toBe("other");
});

test("a process that stood still until its lease ran out sends nothing before it has renewed it", async () => {
  const run = new Run({ elects: true });
  await run.pass(1_000);
  const sent = run.writes;
  run.clock.advance(TIMING.leaseDurationMs);
  await run.pass(0);
  expect(run.writes).toBe(sent);
  await run.pass(60_000);
  expect(run.controller.isActing).toBe(true);
  expect(run.writes).toBeGreaterThan(sent);
});

test("the lease is free once it has been given back", async () => {
  const run = new Run({ elects: true });
  await run.pass(1_000);
  run.stop.abort();
  await run.pass(10_000);
  expect([run.isLost, run.leases.spec("holderIdentity")]).toEqual([false, "us"]);
  const released = run.controller.release();
  await run.pass(1_000);
  await released;
  expect(run.leases.spec("holderIdentity")).toBe("");
});

test("what fails beside it ends it", async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  const run = new Run({ elects: true, failed: promise });
  await run.pass(1_000);
  reject(new Error("no metrics"));
  await run.pass(0);
  expect([run.problem, run.isLost]).toEqual(["Error: no metrics", undefined]);
});
