import { expect, test } from "bun:test";
import { asArray, asObject, at } from "../base/json.ts";
import { EVENTS, failJob, JOBS, JOBSETS, makeReady, running, SERVICES, TestWorld, told } from "./test_world.ts";

function statusWrites(world: TestWorld) {
  return world.api.requests.filter(({ method, path }) => method === "PATCH" && path.endsWith("/jobsets/a/status"));
}

test("a JobSet gets its Service and its Jobs, and a steady world sees no write (R12)", async () => {
  const world = new TestWorld();
  const key = world.apply("a", {}, 3);
  await world.rest();
  expect(world.jobNames()).toEqual(["a-w-0", "a-w-1", "a-w-2"]);
  await world.pass(200);
  const writes = world.writes();
  for (let turn = 0; turn < 50; turn++) {
    world.queue.add(key);
    await world.rest();
  }
  await world.pass(60_000);
  expect(world.writes()).toBe(writes);
  expect(world.clock.timerCount).toBe(0);
  expect(world.queue.size).toBe(0);
});

test("a key rests while its requests queue up, as no plan could start one sooner", async () => {
  const world = new TestWorld();
  const key = world.apply("a", {}, 200);
  const service = await world.reconciler.reconcile(key);
  await new Promise((resolve) => setImmediate(resolve));
  const jobs = await world.reconciler.reconcile(key);
  expect([service.restMs, jobs.restMs]).toEqual([0, 100]);
  await world.rest();
  expect((await world.reconciler.reconcile(key)).restMs).toBe(0);
});

test("a status write carries uid and resourceVersion", async () => {
  const world = await running(1);
  const { metadata } = Object(statusWrites(world)[0]?.body);
  expect(Object.keys(metadata).sort()).toEqual(["resourceVersion", "uid"]);
});

test.each(
  [
    ["is answered 500", { kind: "refuse", status: 500 }],
    ["gets no answer and did not take effect", { kind: "refuse", status: 0, reason: "Timeout" }],
    ["took effect but its answer was lost", { kind: "loseAnswer" }],
    ["is answered 409", { kind: "refuse", status: 409, reason: "Conflict" }],
  ] as const,
)("one restart is counted when the status write %s (R10, R84)", async (_, fault) => {
  const world = await running(3);
  world.isLagging = true;
  world.api.fail("PATCH", "/status", fault);
  failJob(world, "a-w-1");
  world.catchUp();
  await world.pass(2000);
  expect(world.status("a")["restarts"]).toBe(1);
  expect(world.jobNames().length).toBe(3);
  for (const job of world.api.list("/jobs/")) {
    expect(at(job, "metadata", "labels", "jobset.sigs.k8s.io/restart-attempt")).toBe("1");
  }
  expect(told(world, "RestartJobSetFailurePolicyAction")).toBe(1);
  expect(world.errors()).toEqual([]);
});

test("a write of somebody else makes ours conflict: the JobSet is read and decided on anew", async () => {
  const world = await running(2);
  world.isLagging = true;
  world.edit("a", { failurePolicy: { maxRestarts: 0 } });
  const body = world.api.get(`${JOBS}/a-w-0`) ?? {};
  world.api.put(`${JOBS}/a-w-0`, body);
  const job = world.jobs.get("ns", "a-w-0");
  if (job === undefined) throw new Error("no Job");
  const failure = { reason: "r", message: "m", time: "2030-01-01T00:00:00Z" };
  world.jobs.observeWrite({ ...job, resourceVersion: world.api.version, phase: { kind: "failed", failure } });
  await world.pass(1000);
  expect(world.status("a")["restarts"]).toBe(0);
  expect(world.conditions("a")).toContain("Failed=True");
});

test("events and the log line of the end come only after the status write, and once", async () => {
  const world = await running(1, { failurePolicy: { maxRestarts: 0 } });
  world.api.fail("PATCH", "/status", { kind: "refuse", status: 500 }, 3);
  failJob(world, "a-w-0");
  await world.rest();
  expect(told(world, "ReachedMaxRestarts")).toBe(0);
  // Somebody else writes before ours is tried again: that is no sign of ours.
  world.edit("a", { network: { publishNotReadyAddresses: false } });
  await world.pass(1000);
  expect(told(world, "ReachedMaxRestarts")).toBe(1);
  expect(world.logLines.filter(({ message }) => message === "JobSet finished").map(({ fields }) => fields["state"]))
    .toEqual(["failed"]);
});

test("the end is told once where the answer to its write was lost", async () => {
  const world = await running(1, { failurePolicy: { maxRestarts: 0 } });
  world.api.fail("PATCH", "/status", { kind: "loseAnswer" });
  failJob(world, "a-w-0");
  await world.pass(10_000);
  expect(told(world, "ReachedMaxRestarts")).toBe(1);
  expect(world.logLines.filter(({ message }) => message === "JobSet finished").length).toBe(1);
});

test("counters go at most every 100 ms, conditions at once", async () => {
  const world = await running(50);
  const before = statusWrites(world).length;
  for (const name of world.jobNames().slice(0, 30)) {
    makeReady(world, [name]);
    await world.pass(10);
  }
  expect(statusWrites(world).length - before).toBeLessThanOrEqual(4);
  await world.pass(100);
  expect(at(world.status("a"), "replicatedJobsStatus")).toMatchObject([{ ready: 30 }]);
  makeReady(world, ["a-w-40"]);
  await world.rest();
  failJob(world, "a-w-0");
  await world.rest();
  expect(world.status("a")["restarts"]).toBe(1);
});

test("counters wait while Jobs are made, a second at most", async () => {
  const world = new TestWorld();
  const hold = Promise.withResolvers<void>();
  world.api.fail("POST", "/jobs", { kind: "hold", until: hold.promise });
  world.apply("a", {}, 3);
  await world.pass(900);
  expect(statusWrites(world)).toEqual([]);
  await world.pass(300);
  expect(statusWrites(world).length).toBe(1);
  hold.resolve();
  await world.pass(100);
  expect(world.jobNames().length).toBe(3);
  expect(statusWrites(world).length).toBe(1);
});

test("a thousand reconciles with conflicts, errors and lost answers converge without an error line (R11)", async () => {
  const world = await running(4);
  const faults = [
    { kind: "refuse", status: 409, reason: "Conflict" },
    { kind: "refuse", status: 500 },
    { kind: "loseAnswer" },
  ] as const;
  let restarts = 0;
  for (let round = 0; world.reconciles < 1000; round++) {
    const fault = faults[round % 3] ?? faults[0];
    for (const method of ["POST", "DELETE", "PATCH"] as const) {
      if (fault.kind !== "refuse" || fault.status !== 409 || method === "PATCH") world.api.fail(method, "/", fault);
    }
    failJob(world, `a-w-${round % 4}`);
    restarts++;
    await world.pass(5000);
    world.api.heal();
    await world.pass(5000);
  }
  expect(world.status("a")["restarts"]).toBe(restarts);
  expect(world.jobNames().length).toBe(4);
  expect(world.errors()).toEqual([]);
});

test("a JobSet that vanishes: what was not sent is not, late answers do no harm, no timer stays", async () => {
  const world = new TestWorld();
  const hold = Promise.withResolvers<void>();
  world.api.fail("POST", JOBS, { kind: "hold", until: hold.promise }, 50);
  world.apply("a", {}, 60);
  await world.pass(1000);
  expect(world.api.count("POST", JOBS)).toBe(50);
  world.api.remove(`${JOBSETS}/a`);
  await world.rest();
  hold.resolve();
  await world.pass(100_000);
  expect(world.api.count("POST", JOBS)).toBe(50);
  expect(world.clock.timerCount).toBe(0);
  expect(world.queue.size).toBe(0);
});

test("a JobSet made again under its name starts anew beside what the old one leaves (R08)", async () => {
  const world = await running(3);
  const hold = Promise.withResolvers<void>();
  world.api.fail("POST", JOBS, { kind: "hold", until: hold.promise });
  world.api.remove(`${JOBS}/a-w-2`);
  await world.rest();
  const oldUid = at(world.api.get(`${JOBSETS}/a`), "metadata", "uid");
  world.isLagging = true;
  failJob(world, "a-w-0");
  world.api.remove(`${JOBSETS}/a`);
  const template = { spec: { template: { spec: { containers: [] } } } };
  world.apply("a", { replicatedJobs: [{ name: "x", replicas: 2, template }] });
  world.catchUp();
  await world.rest();
  hold.resolve();
  await world.pass(5000);
  expect(world.jobNames()).toEqual(["a-w-0", "a-w-1", "a-w-2", "a-x-0", "a-x-1"]);
  expect(world.status("a")["restarts"]).toBe(0);
  expect(world.api.count("DELETE", JOBS)).toBe(0);
  const last = world.api.requests.findLast(({ method, path }) => method === "PATCH" && path.includes("/jobsets/"));
  expect(at(last?.body, "metadata", "uid")).not.toBe(oldUid);
});

test("a JobSet made again waits for no back-off of the old one", async () => {
  const world = new TestWorld();
  world.api.fail("POST", JOBS, { kind: "refuse", status: 403 }, 1000);
  world.apply("a");
  await world.pass(300_000);
  world.api.heal();
  world.isLagging = true;
  world.api.remove(`${JOBSETS}/a`);
  world.apply("a");
  world.catchUp();
  await world.rest();
  expect(world.jobNames()).toEqual(["a-w-0"]);
  // The series of the old one's event may still be written; nothing else is timed.
  await world.pass(1000);
  expect(world.clock.timerCount).toBe(0);
});

test("of 100 Jobs none is made again once the JobSet is being deleted (R05)", async () => {
  const world = await running(100);
  const posts = world.api.count("POST", JOBS);
  const body = world.api.get(`${JOBSETS}/a`) ?? {};
  const metadata = { ...Object(body["metadata"]), deletionTimestamp: "2030-01-01T00:00:00Z" };
  world.collectsAtOnce = false;
  world.api.put(`${JOBSETS}/a`, { ...body, metadata });
  for (const name of world.jobNames()) {
    world.api.remove(`${JOBS}/${name}`);
    await world.rest();
  }
  world.api.collect();
  await world.pass(5000);
  expect(world.api.count("POST", JOBS)).toBe(posts);
  expect(world.clock.timerCount).toBe(0);
});

test("a success that only the status remembers is not run again when another Job completes (R81)", async () => {
  const world = await running(3);
  const posts = world.api.count("POST", JOBS);
  // As a controller finds it that starts after the Job had completed, been counted and been deleted.
  world.isLagging = true;
  const body = world.api.get(`${JOBSETS}/a`) ?? {};
  const [counters] = asArray(world.status("a")["replicatedJobsStatus"]);
  const replicatedJobsStatus = [{ ...asObject(counters), succeeded: 1 }];
  world.api.put(`${JOBSETS}/a`, { ...body, status: { ...world.status("a"), replicatedJobsStatus } });
  world.api.remove(`${JOBS}/a-w-0`);
  world.catchUp();
  await world.pass(1000);
  world.api.setJobStatus(`${JOBS}/a-w-1`, { succeeded: 1 }, [{ type: "Complete" }]);
  await world.pass(1000);
  expect(world.jobNames()).toEqual(["a-w-1", "a-w-2"]);
  expect(world.api.count("POST", JOBS)).toBe(posts);
  expect(at(asArray(world.status("a")["replicatedJobsStatus"])[0], "succeeded")).toBe(2);
});

test("the time to live deletes the JobSet in the foreground, once, and again where it failed (R03, R04)", async () => {
  const world = await running(1, { ttlSecondsAfterFinished: 10 });
  world.collectsAtOnce = false;
  world.api.fail("DELETE", "/jobsets/", { kind: "refuse", status: 500 }, 2);
  world.api.setJobStatus(`${JOBS}/a-w-0`, { succeeded: 1 }, [{ type: "Complete" }]);
  await world.pass(9000);
  expect(world.api.count("DELETE", "/jobsets/")).toBe(0);
  world.isLagging = true;
  await world.pass(5000);
  world.queue.add("ns/a");
  await world.rest();
  expect(world.api.count("DELETE", "/jobsets/")).toBe(3);
  const uid = at(world.api.get(`${JOBSETS}/a`), "metadata", "uid");
  expect(world.api.requests.findLast(({ method }) => method === "DELETE")?.body).toMatchObject({
    propagationPolicy: "Foreground",
    preconditions: { uid },
  });
});

test("stop drains: nothing new is started, nothing is told of what we cut off ourselves", async () => {
  const world = new TestWorld();
  const hold = Promise.withResolvers<void>();
  world.api.fail("POST", JOBS, { kind: "hold", until: hold.promise }, 50);
  world.apply("a", {}, 60);
  await world.pass(500);
  const events = world.api.count("POST", EVENTS);
  let isStopped = false;
  const stopped = world.reconciler.stop().then(() => isStopped = true);
  world.apply("b");
  await world.pass(500);
  expect(isStopped).toBe(false);
  world.api.put(`${JOBS}/a-w-3`, { metadata: { namespace: "ns", name: "a-w-3" } });
  hold.resolve();
  await stopped;
  await world.pass(100_000);
  expect(world.api.count("POST", JOBS)).toBe(50);
  expect(world.api.count("POST", EVENTS)).toBe(events);
  expect(world.jobNames()).not.toContain("b-w-0");
  expect(world.clock.timerCount).toBe(0);
});

test("after the stop a Service that could not be made is nobody's business", async () => {
  const world = new TestWorld();
  const hold = Promise.withResolvers<void>();
  world.api.fail("POST", SERVICES, { kind: "hold", until: hold.promise });
  world.apply("a");
  await world.rest();
  world.api.fail("GET", SERVICES, { kind: "refuse", status: 500 });
  const stopped = world.reconciler.stop();
  world.isLagging = true;
  world.api.put(`${SERVICES}/a`, { metadata: { namespace: "ns", name: "a" } });
  hold.resolve();
  await stopped;
  await world.pass(1000);
  expect(world.api.count("POST", EVENTS)).toBe(0);
  expect(world.clock.timerCount).toBe(0);
});

test("a refusal that never ends leaves no timer once the controller stops", async () => {
  const world = new TestWorld();
  world.api.fail("POST", "/", { kind: "refuse", status: 403 }, 100_000);
  world.apply("a", { volumeClaimPolicies: [{ templates: [{ metadata: { name: "v" }, spec: {} }] }] }, 3);
  await world.pass(10_000);
  await world.reconciler.stop();
  await world.events.stop();
  world.queue.stop();
  expect(world.clock.timerCount).toBe(0);
});
