import { expect, test } from "bun:test";
import { at } from "../base/json.ts";
import { readJob } from "../api/job.ts";
import { readJobSet } from "../api/job_set.ts";
import { nothingKnown } from "../plan/nothing_known.ts";
import type { EventDraft, Plan } from "../plan/types.ts";
import { JobSetEffects } from "./job_set_effects.ts";
import { eventsOf, failJob, JOBS, JOBSETS, NAMESPACE, running, SERVICES, TestWorld } from "./test_world.ts";

function uids(world: TestWorld): Set<unknown> {
  return new Set(world.api.list("/jobs/").map((job) => at(job, "metadata", "uid")));
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
    expect(eventsOf(world, "JobCreationFailed")).toEqual([]);
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

test("a Job that has failed unseen is kept for the evidence when its JobSet fails, the others go", async () => {
  const world = await running(3, { failurePolicy: { maxRestarts: 0 } });
  world.isLagging = true;
  failJob(world, "a-w-0");
  const seen = readJob(world.api.get(`${JOBS}/a-w-0`) ?? {});
  failJob(world, "a-w-1");
  if (seen === undefined) throw new Error("no Job");
  world.jobs.observeWrite(seen);
  await world.pass(1000);
  expect(world.conditions("a")).toContain("Failed=True");
  world.catchUp();
  await world.pass(1000);
  expect(world.jobNames()).toEqual(["a-w-0", "a-w-1"]);
  expect(world.api.count("DELETE", "a-w-1")).toBe(1);
  expect(world.logLines.filter(({ message }) => message.startsWith("a request failed"))).toEqual([]);
});

test("refusals are told although no create of the newest plan is left to end the round", async () => {
  const world = new TestWorld();
  const jobSet = readJobSet(world.api.put(`${JOBSETS}/a`, { metadata: { namespace: NAMESPACE, name: "a" }, spec: {} }));
  if (jobSet === undefined) throw new Error("no JobSet");
  const events: EventDraft[] = [];
  const { api: client, jobs, services, clock } = world;
  const log = { info: () => {}, error: () => {} };
  const effects = new JobSetEffects(jobSet.uid, {
    client,
    jobSet: () => jobSet,
    jobs,
    services,
    clock,
    log,
    wake: () => {},
    emit: (event) => events.push(event),
  });
  const nothing: Plan = {
    deletes: [],
    claims: [],
    creates: [],
    patches: [],
    deleteJobSet: false,
    events: [],
    problems: [],
  };
  client.fail("DELETE", JOBS, { kind: "hold", until: new Promise(() => {}) }, 50);
  const deletes = Array.from({ length: 50 }, (_, index) => ({ name: `d${index}`, uid: `d${index}` }));
  const create = (name: string) => ({ name, replicatedJobIndex: 0, jobIndex: 0 });
  // The jobSet has no replicatedJob: the body can't be made, which counts as refused.
  effects.submit(jobSet, { ...nothing, deletes: deletes.slice(0, 49), creates: [create("x")] }, nothingKnown());
  effects.submit(jobSet, { ...nothing, deletes: deletes.slice(49), creates: [create("y")] }, nothingKnown());
  await world.rest();
  expect(events).toEqual([]);
  effects.submit(jobSet, nothing, nothingKnown());
  expect(events.map(({ reason }) => reason)).toEqual(["JobCreationFailed"]);
  expect([...effects.inFlight.refused]).toEqual(["x"]);
  clock.advance(5);
  expect([...effects.inFlight.refused]).toEqual([]);
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

test("a create that waited while the JobSet restarted is not sent: no Job of the old attempt (R84)", async () => {
  const world = new TestWorld();
  const made: unknown[] = [];
  world.jobs.onChange((change) => {
    if (change.kind === "upsert" && change.before === undefined) made.push(change.after.restartAttempt);
  });
  const turn = Promise.withResolvers<void>();
  world.api.fail("POST", JOBS, { kind: "wait", until: turn.promise });
  world.apply("a", { failurePolicy: { maxRestarts: 5 } }, 3);
  await world.pass(500);
  expect(made).toEqual([0, 0]);
  failJob(world, world.jobNames()[0] ?? "");
  await world.pass(500);
  expect(made).toEqual([0, 0, 1, 1]);
  turn.resolve();
  await world.pass(500);
  expect(made).toEqual([0, 0, 1, 1, 1]);
  expect(eventsOf(world, "JobCreationFailed")).toEqual([]);
  expect(world.logLines.filter(({ message }) => message.startsWith("creating Jobs"))).toEqual([]);
});
