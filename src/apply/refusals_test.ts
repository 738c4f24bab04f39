import { expect, test } from "bun:test";
import { at } from "../base/json.ts";
import { eventsOf, JOBS, NAMESPACE, running, TestWorld } from "./test_world.ts";

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
  expect(eventsOf(world, "JobCreationFailed")).toEqual([]);
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
  expect(eventsOf(world, "JobCreationFailed")).toEqual([]);
});

test.each([
  ["of nobody", 60_000, undefined],
  // Its end wakes the JobSet that its owner reference names (spec 3.11).
  ["of an older JobSet of this name", 100, {
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    name: "a",
    uid: "old",
    controller: true,
  }],
])(
  "a Job %s under our name is left alone, told of once, and its place taken within %d ms of its end",
  async (_, withinMs, owner) => {
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
    const [event, ...others] = eventsOf(world, "JobCreationFailed");
    expect(others).toEqual([]);
    expect(String(event?.["note"])).toStartWith('job "a-w-0" creation failed with error: ');
    expect(String(event?.["note"])).toContain(owner === undefined ? "not owned by a JobSet" : '"old"');
    expect(event?.["series"]).toBeUndefined();
    expect(at(world.api.get(`${JOBS}/a-w-0`), "metadata", "uid")).toBe("foreign");
    expect(world.jobNames()).toEqual(["a-w-0", "a-w-1"]);
    expect(world.api.count("DELETE", JOBS) + world.api.count("PATCH", JOBS)).toBe(0);
    expect(world.api.count("POST", JOBS)).toBeLessThan(30);
    world.api.remove(`${JOBS}/a-w-0`);
    await world.pass(withinMs);
    expect(at(world.api.get(`${JOBS}/a-w-0`), "metadata", "uid") ?? "foreign").not.toBe("foreign");
  },
);

test("200 refused creates make one readable event, its repeats a series, no condition (R62, R63, R82)", async () => {
  const world = new TestWorld();
  const message = "exceeded quota: 100%s used\nby ünïcödé 😀 pods";
  world.api.fail("POST", JOBS, { kind: "refuse", status: 403, message }, 100_000);
  world.apply("a", {}, 200);
  await world.pass(300);
  const [event, ...others] = eventsOf(world, "JobCreationFailed");
  expect(others).toEqual([]);
  expect(String(event?.["note"])).toStartWith(
    `job "a-w-0" creation failed with error: ${message}\njob "a-w-1" creation`,
  );
  expect(new TextEncoder().encode(String(event?.["note"])).length).toBeLessThanOrEqual(1024);
  expect(event?.["type"]).toBe("Warning");
  await world.pass(300_000);
  expect(eventsOf(world, "JobCreationFailed").length).toBe(1);
  expect(Number(at(eventsOf(world, "JobCreationFailed")[0], "series", "count"))).toBeGreaterThan(10);
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
  expect(eventsOf(world, "JobCreationFailed").length).toBe(1);
});

test("no answer at all is no refusal: no event, and it is tried again", async () => {
  const world = new TestWorld();
  world.api.fail("POST", JOBS, { kind: "refuse", status: 0, reason: "Network", message: "connection refused" }, 3);
  world.apply("a", {}, 1);
  await world.pass(1000);
  expect(world.jobNames()).toEqual(["a-w-0"]);
  expect(eventsOf(world, "JobCreationFailed")).toEqual([]);
});
