import { expect, test } from "bun:test";
import { at } from "../base/json.ts";
import { readJob } from "../api/job.ts";
import { readJobSet } from "../api/job_set.ts";
import { CLAIMS, JOBS, JOBSETS, NAMESPACE, SERVICES, TestWorld } from "./test_world.ts";

/** A JobSet with an endless restart budget whose Jobs all exist. */
async function running(workers: number, spec = {}): Promise<TestWorld> {
  const world = new TestWorld();
  world.apply("a", { failurePolicy: { maxRestarts: 100 }, ...spec }, workers);
  await world.pass(1000);
  expect(world.jobs.size).toBe(workers);
  return world;
}

function failJob(world: TestWorld, name: string): void {
  world.api.setJobStatus(`${JOBS}/${name}`, {}, [{ type: "Failed", reason: "BackoffLimitExceeded" }]);
}

function uids(world: TestWorld): Set<unknown> {
  return new Set(world.api.list("/jobs/").map((job) => at(job, "metadata", "uid")));
}

function jobEvents(world: TestWorld, reason = "JobCreationFailed") {
  return world.api.list("/events/").filter((event) => event["reason"] === reason);
}

test("a restart deletes each Job once, foreground and by uid, and creates each once, 50 at a time (R83)", async () => {
  const world = await running(200);
  const old = uids(world);
  const before = world.api.requests.length;
  world.api.mostAtOnce = 0;
  failJob(world, "a-w-7");
  await world.pass(1000);
  const sent = world.api.requests.slice(before);
  const deletes = sent.filter(({ method }) => method === "DELETE");
  expect(deletes.length).toBe(200);
  for (const { body } of deletes) {
    expect(at(body, "propagationPolicy")).toBe("Foreground");
    expect(old.has(at(body, "preconditions", "uid"))).toBe(true);
  }
  expect(sent.filter(({ method, path }) => method === "POST" && path === JOBS).length).toBe(200);
  expect(world.api.mostAtOnce).toBe(50);
  expect(world.jobNames().length).toBe(200);
  expect([...uids(world)].filter((uid) => old.has(uid))).toEqual([]);
});

test("creates run beside deletes: a Job comes back while other old ones still go (R06)", async () => {
  const world = await running(2);
  const hold = Promise.withResolvers<void>();
  world.api.fail("DELETE", "a-w-1", { kind: "hold", until: hold.promise });
  const old = uids(world);
  failJob(world, "a-w-0");
  await world.pass(500);
  expect(old.has(at(world.api.get(`${JOBS}/a-w-0`), "metadata", "uid"))).toBe(false);
  expect(old.has(at(world.api.get(`${JOBS}/a-w-1`), "metadata", "uid"))).toBe(true);
  hold.resolve();
  await world.pass(500);
  expect(world.api.count("DELETE", "a-w-1")).toBe(1);
});

test("answers are laid over the cache: with silent watches nothing is asked for twice", async () => {
  const world = new TestWorld();
  const key = world.apply("a", {}, 30);
  world.isLagging = true;
  await world.pass(1000);
  expect(world.jobs.size).toBe(30);
  for (let turn = 0; turn < 20; turn++) {
    world.queue.add(key);
    await world.rest();
  }
  expect(world.api.count("POST", JOBS)).toBe(30);
  expect(world.api.count("POST", SERVICES)).toBe(1);
  world.catchUp();
  await world.pass(1000);
  expect(world.api.count("POST", JOBS)).toBe(30);
});

test("requests under way are not asked for again, however often the key is worked on", async () => {
  const world = new TestWorld();
  const hold = Promise.withResolvers<void>();
  world.api.fail("POST", JOBS, { kind: "hold", until: hold.promise }, 3);
  const key = world.apply("a", {}, 3);
  for (let turn = 0; turn < 10; turn++) {
    await world.rest();
    world.queue.add(key);
  }
  expect(world.api.count("POST", JOBS)).toBe(3);
  hold.resolve();
  await world.pass(1000);
  expect(world.jobNames().length).toBe(3);
});

test.each([[404, "NotFound"], [409, "Conflict"]])(
  "a delete answered %d means that the Job is gone",
  async (status, reason) => {
    const world = await running(2);
    world.isLagging = true;
    world.collectsAtOnce = false;
    const old = at(world.api.get(`${JOBS}/a-w-1`), "metadata", "uid");
    world.api.remove(`${JOBS}/a-w-1`);
    if (status === 409) {
      // Another Job of that name, ours too, made meanwhile.
      const body = world.api.get(`${JOBS}/a-w-0`) ?? {};
      const metadata = {
        ...Object(body["metadata"]),
        name: "a-w-1",
        uid: "younger",
        labels: { ...Object(at(body, "metadata", "labels")), "jobset.sigs.k8s.io/restart-attempt": "1" },
      };
      world.api.put(`${JOBS}/a-w-1`, { ...body, metadata, status: {} });
    }
    failJob(world, "a-w-0");
    const failed = readJob(world.api.get(`${JOBS}/a-w-0`) ?? {});
    if (failed === undefined) throw new Error("no Job");
    world.jobs.observeWrite(failed);
    await world.pass(1000);
    const deletes = world.api.requests.filter(({ method, path }) => method === "DELETE" && path.endsWith("a-w-1"));
    expect(deletes.map(({ body }) => at(body, "preconditions", "uid"))).toEqual([old]);
    expect(reason).not.toBe("");
    if (status === 409) expect(at(world.api.get(`${JOBS}/a-w-1`), "metadata", "uid")).toBe("younger");
    else expect(world.jobNames()).toContain("a-w-1");
    expect(jobEvents(world)).toEqual([]);
  },
);

test("a delete that is refused with a conflict although the Job is still that one is tried again", async () => {
  const world = await running(2);
  const old = uids(world);
  world.api.fail("DELETE", "a-w-1", { kind: "refuse", status: 409, reason: "Conflict" });
  failJob(world, "a-w-0");
  await world.pass(1000);
  expect([...uids(world)].filter((uid) => old.has(uid))).toEqual([]);
  expect(world.api.count("DELETE", "a-w-1")).toBe(2);
});

test("a delete that fails is tried again with back-off until it works, also once the JobSet has finished (R86)", async () => {
  const world = await running(2);
  const old = uids(world);
  world.api.fail("DELETE", "a-w-1", { kind: "refuse", status: 500 }, 10);
  failJob(world, "a-w-0");
  await world.pass(200);
  expect(world.api.count("DELETE", "a-w-1")).toBeLessThan(8);
  world.api.setJobStatus(`${JOBS}/a-w-0`, { succeeded: 1 }, [{ type: "Complete" }]);
  world.edit("a", { successPolicy: { operator: "Any" } });
  await world.pass(20_000);
  expect(world.conditions("a")).toContain("Completed=True");
  expect([...uids(world)].filter((uid) => old.has(uid))).toEqual([]);
});

test("a create whose answer was lost is found and taken in, without an event", async () => {
  const world = new TestWorld();
  world.isLagging = true;
  world.api.fail("POST", JOBS, { kind: "loseAnswer" });
  const key = world.apply("a", {}, 2);
  world.catchUp();
  world.isLagging = true;
  world.queue.add(key);
  await world.pass(1000);
  expect(world.jobs.size).toBe(2);
  expect(jobEvents(world)).toEqual([]);
  const posts = world.api.count("POST", JOBS);
  world.queue.add(key);
  await world.pass(1000);
  expect(world.api.count("POST", JOBS)).toBe(posts);
});

test("AlreadyExists for a Job that has gone meanwhile is tried again without an event", async () => {
  const world = new TestWorld();
  world.api.fail("POST", JOBS, { kind: "refuse", status: 409, reason: "AlreadyExists" });
  world.apply("a", {}, 1);
  await world.pass(1000);
  expect(world.jobNames()).toEqual(["a-w-0"]);
  expect(jobEvents(world)).toEqual([]);
});

test.each([
  ["of nobody", undefined],
  ["of an older JobSet of this name", {
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    name: "a",
    uid: "old",
    controller: true,
  }],
])(
  "a Job %s under our name is left alone, told of once, and its place taken within 60 s of its end",
  async (_, owner) => {
    const world = new TestWorld();
    const metadata = {
      namespace: NAMESPACE,
      name: "a-w-0",
      uid: "foreign",
      ...(owner === undefined ? {} : { ownerReferences: [owner] }),
    };
    world.api.put(`${JOBS}/a-w-0`, { metadata });
    world.apply("a", {}, 2);
    await world.pass(600_000);
    const [event, ...others] = jobEvents(world);
    expect(others).toEqual([]);
    expect(String(event?.["note"])).toStartWith('job "a-w-0" creation failed with error: ');
    expect(String(event?.["note"])).toContain(owner === undefined ? "not owned by a JobSet" : '"old"');
    expect(event?.["series"]).toBeUndefined();
    expect(at(world.api.get(`${JOBS}/a-w-0`), "metadata", "uid")).toBe("foreign");
    expect(world.jobNames()).toEqual(["a-w-0", "a-w-1"]);
    expect(world.api.count("DELETE", JOBS) + world.api.count("PATCH", JOBS)).toBe(0);
    expect(world.api.count("POST", JOBS)).toBeLessThan(30);
    world.api.remove(`${JOBS}/a-w-0`);
    await world.pass(60_000);
    expect(at(world.api.get(`${JOBS}/a-w-0`), "metadata", "uid")).not.toBe("foreign");
  },
);

test("200 refused creates make one readable event, its repeats a series, no condition (R62, R63, R82)", async () => {
  const world = new TestWorld();
  const message = "exceeded quota: 100%s used\nby ünïcödé 😀 pods";
  world.api.fail("POST", JOBS, { kind: "refuse", status: 403, message }, 100_000);
  world.apply("a", {}, 200);
  await world.pass(300);
  const [event, ...others] = jobEvents(world);
  expect(others).toEqual([]);
  expect(String(event?.["note"])).toStartWith(
    `job "a-w-0" creation failed with error: ${message}\njob "a-w-1" creation`,
  );
  expect(new TextEncoder().encode(String(event?.["note"])).length).toBeLessThanOrEqual(1024);
  expect(event?.["type"]).toBe("Warning");
  await world.pass(300_000);
  expect(jobEvents(world).length).toBe(1);
  expect(Number(at(jobEvents(world)[0], "series", "count"))).toBeGreaterThan(10);
  expect(world.conditions("a")).toEqual([]);
  expect(world.errors()).toEqual([]);
  // Another JobSet goes on, and freed quota is used within a minute.
  world.api.heal();
  world.apply("b");
  await world.rest();
  expect(world.jobNames()).toEqual(["b-w-0"]);
  await world.pass(60_000);
  expect(world.jobNames().length).toBe(201);
});

test("refusals that come one after the other do not put off the next try", async () => {
  const world = await running(30);
  world.api.fail("POST", JOBS, { kind: "refuse", status: 403 }, 100_000);
  world.api.remove(`${JOBS}/a-w-0`);
  await world.pass(300_000);
  const tries = () => world.api.requests.filter(({ body }) => at(body, "metadata", "name") === "a-w-0").length;
  const before = tries();
  // While one waits its minute, another Job is lost and refused every 20 s.
  for (let index = 1; index < 25; index++) {
    world.api.remove(`${JOBS}/a-w-${index}`);
    await world.pass(20_000);
  }
  expect(tries() - before).toBeGreaterThanOrEqual(7);
  world.api.heal();
  await world.pass(60_000);
  expect(world.jobNames().length).toBe(30);
});

test("refusals are told and tried again although the rest of their plan is called off", async () => {
  const world = new TestWorld();
  const hold = Promise.withResolvers<void>();
  world.apply("a", { failurePolicy: { maxRestarts: 5 } }, 60);
  // 49 hang, one is refused; then the JobSet fails over, which calls the waiting ones off.
  world.api.fail("POST", JOBS, { kind: "refuse", status: 403, message: "no" });
  world.api.fail("POST", JOBS, { kind: "hold", until: hold.promise }, 49);
  await world.rest();
  hold.resolve();
  await world.pass(60_000);
  expect(world.jobNames().length).toBe(60);
  expect(jobEvents(world).length).toBe(1);
});

test("no answer at all is no refusal: no event, and it is tried again", async () => {
  const world = new TestWorld();
  world.api.fail("POST", JOBS, { kind: "refuse", status: 0, reason: "Network", message: "connection refused" }, 3);
  world.apply("a", {}, 1);
  await world.pass(1000);
  expect(world.jobNames()).toEqual(["a-w-0"]);
  expect(jobEvents(world)).toEqual([]);
});

test("the Service: refused it is told and tried again; there already it is used as it is (R16)", async () => {
  const world = new TestWorld();
  world.api.fail("POST", SERVICES, { kind: "refuse", status: 403, message: "100% no" }, 3);
  world.apply("a");
  await world.pass(1000);
  expect(
    jobEvents(world, "HeadlessServiceCreationFailed").map((event) => [event["note"], at(event, "series", "count")]),
  ).toEqual([
    ["100% no", 3],
  ]);
  expect(world.jobNames()).toEqual(["a-w-0"]);

  const other = new TestWorld();
  other.isLagging = true;
  other.api.put(`${SERVICES}/a`, { metadata: { namespace: NAMESPACE, name: "a" } });
  const key = other.apply("a");
  const jobSet = readJobSet(other.api.get(`${JOBSETS}/a`) ?? {});
  if (jobSet === undefined) throw new Error("no JobSet");
  other.jobSets.upsert(jobSet);
  other.queue.add(key);
  other.api.fail("GET", SERVICES, { kind: "refuse", status: 500 });
  await other.rest();
  expect(other.api.count("POST", JOBS)).toBe(0);
  await other.pass(1000);
  expect(other.api.list("/services/").length).toBe(1);
  expect(other.jobNames()).toEqual(["a-w-0"]);
});

test("claims: one look per claim, made where absent, refused ones told and tried again", async () => {
  const world = new TestWorld();
  world.api.put(`${CLAIMS}/there-a`, { metadata: { namespace: NAMESPACE, name: "there-a" } });
  world.api.fail("POST", CLAIMS, { kind: "refuse", status: 403, message: "no space" });
  const templates = ["there", "new"].map((name) => ({ metadata: { name }, spec: {} }));
  const key = world.apply("a", { volumeClaimPolicies: [{ templates }] });
  await world.pass(1000);
  expect(world.api.list("/persistentvolumeclaims/").length).toBe(2);
  expect(jobEvents(world, "PVCCreationFailed").map((event) => event["note"])).toEqual(["no space"]);
  expect(world.jobNames()).toEqual(["a-w-0"]);
  const gets = world.api.count("GET", CLAIMS);
  world.api.remove(`${CLAIMS}/new-a`);
  world.queue.add(key);
  await world.pass(1000);
  expect(world.api.count("GET", CLAIMS)).toBe(gets);
});

test("a successful Job that is deleted is neither rerun nor forgotten (R81)", async () => {
  const world = await running(3);
  world.isLagging = true;
  world.api.setJobStatus(`${JOBS}/a-w-1`, { succeeded: 1 }, [{ type: "Complete" }]);
  world.api.remove(`${JOBS}/a-w-1`);
  world.catchUp();
  await world.pass(1000);
  expect(world.jobNames()).toEqual(["a-w-0", "a-w-2"]);
  for (const name of ["a-w-0", "a-w-2"]) world.api.setJobStatus(`${JOBS}/${name}`, {}, [{ type: "Complete" }]);
  await world.pass(1000);
  expect(world.conditions("a")).toContain("Completed=True");
});

test("BlockingRecreate waits for creates of the old attempt that are still under way (R07)", async () => {
  const world = new TestWorld();
  world.collectsAtOnce = false;
  const hold = Promise.withResolvers<void>();
  world.api.fail("POST", JOBS, { kind: "hold", until: hold.promise });
  world.apply("a", { failurePolicy: { maxRestarts: 5, restartStrategy: "BlockingRecreate" } }, 2);
  await world.pass(500);
  expect(world.jobNames().length).toBe(1);
  failJob(world, world.jobNames()[0] ?? "");
  await world.pass(500);
  expect(world.status("a")["restarts"]).toBe(1);
  world.api.collect();
  await world.pass(500);
  expect(world.jobNames()).toEqual([]);
  hold.resolve();
  await world.pass(500);
  expect(world.jobNames().length).toBe(1);
  world.collectsAtOnce = true;
  await world.pass(500);
  expect(world.jobNames().length).toBe(2);
});
