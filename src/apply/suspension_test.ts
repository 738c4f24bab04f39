import { expect, test } from "bun:test";
import { at } from "../base/json.ts";
import { readJobSet } from "../api/job_set.ts";
import { JOBS, JOBSETS, makeReady, running, SERVICES, TestWorld } from "./test_world.ts";

test("suspension goes on while the Service and creates are refused (K17)", async () => {
  const world = await running(5);
  world.api.fail("POST", JOBS, { kind: "refuse", status: 403 }, 1000);
  world.api.fail("POST", SERVICES, { kind: "refuse", status: 403 }, 1000);
  world.api.remove(`${SERVICES}/a`);
  world.api.remove(`${JOBS}/a-w-4`);
  await world.pass(1000);
  world.edit("a", { suspend: true });
  await world.rest();
  expect(world.api.list("/jobs/").map((job) => at(job, "spec", "suspend"))).toEqual([true, true, true, true]);
  await world.pass(1000);
  expect(world.conditions("a")).toContain("Suspended=True");
});

test("suspension goes on while 50 creates hang (K17)", async () => {
  const world = await running(55);
  const hold = Promise.withResolvers<void>();
  world.api.fail("POST", JOBS, { kind: "hold", until: hold.promise }, 50);
  for (let index = 0; index < 50; index++) world.api.remove(`${JOBS}/a-w-${index}`);
  await world.pass(1000);
  world.edit("a", { suspend: true });
  await world.pass(1000);
  expect(world.api.list("/jobs/").map((job) => at(job, "spec", "suspend"))).toEqual([true, true, true, true, true]);
  // Not before the hanging ones are suspended as well.
  expect(world.conditions("a")).not.toContain("Suspended=True");
  hold.resolve();
  await world.pass(1000);
  expect(world.conditions("a")).toContain("Suspended=True");
});

test("a Job whose create was not answered is looked for, before all are said to be suspended", async () => {
  const world = new TestWorld();
  world.api.fail("POST", JOBS, { kind: "loseAnswer" });
  world.apply("a", { network: { enableDNSHostnames: false } });
  // The watch of the Jobs is silent from now on: it does not tell of the Job that was made.
  world.isLagging = true;
  await world.rest();
  world.edit("a", { suspend: true });
  const jobSet = readJobSet(world.api.get(`${JOBSETS}/a`) ?? {});
  if (jobSet !== undefined) world.jobSets.observeWrite(jobSet);
  await world.rest();
  expect(world.api.list("/jobs/").map((job) => at(job, "spec", "suspend"))).toEqual([true]);
  expect(world.conditions("a")).toContain("Suspended=True");
});

test("all Jobs are suspended and resumed while the Job controller writes all the time (R36)", async () => {
  const world = await running(20);
  world.edit("a", { suspend: true });
  for (let turn = 0; turn < 5; turn++) {
    makeReady(world);
    await world.rest();
  }
  expect(world.api.list("/jobs/").every((job) => at(job, "spec", "suspend") === true)).toBe(true);
});

/** A suspended JobSet whose Jobs have run before. */
async function suspended(): Promise<TestWorld> {
  const world = await running(2);
  for (const name of world.jobNames()) {
    world.api.setJobStatus(`${JOBS}/${name}`, { startTime: "2030-01-01T00:00:00Z", active: 1 });
  }
  world.edit("a", { suspend: true });
  await world.pass(1000);
  for (const name of world.jobNames()) {
    world.api.setJobStatus(`${JOBS}/${name}`, { active: 0 }, [{ type: "Suspended" }]);
  }
  await world.pass(1000);
  return world;
}

/** The template of the workers on other nodes. */
function onNodes(zone: string) {
  const spec = { containers: [{ name: "c", image: "i" }], nodeSelector: { zone } };
  return { replicatedJobs: [{ name: "w", replicas: 2, template: { spec: { template: { spec } } } }] };
}

function zones(world: TestWorld): unknown[] {
  return world.api.list("/jobs/").map((job) => at(job, "spec", "template", "spec", "nodeSelector", "zone"));
}

test("a resume clears startTime first, then changes the template in one JSON patch (R29)", async () => {
  const world = await suspended();
  const before = world.api.requests.length;
  world.edit("a", { suspend: false, ...onNodes("x") });
  await world.pass(1000);
  expect(zones(world)).toEqual(["x", "x"]);
  const sent = world.api.requests.slice(before).filter(({ path }) => path.includes("a-w-0"));
  expect(sent.map(({ path, contentType }) => [path, contentType])).toEqual([
    [`${JOBS}/a-w-0/status`, "application/merge-patch+json"],
    [`${JOBS}/a-w-0`, "application/json-patch+json"],
  ]);
  expect(world.api.list("/jobs/").map((job) => at(job, "spec", "suspend"))).toEqual([false, false]);
  expect(world.conditions("a")).toContain("Suspended=False");
});

test("a resume answered 422 is waited out with back-off and no event, and goes soon after", async () => {
  const world = await suspended();
  world.api.fail("PATCH", /a-w-0$/, { kind: "refuse", status: 422, reason: "Invalid" }, 100_000);
  world.edit("a", { suspend: false, ...onNodes("x") });
  const events = world.api.list("/events/").length;
  await world.pass(700_000);
  expect(world.api.requests.filter(({ path }) => path.endsWith("a-w-0")).length).toBeLessThan(30);
  expect(world.api.list("/events/").length).toBe(events);
  world.api.heal();
  await world.pass(61_000);
  expect(zones(world)).toEqual(["x", "x"]);
});

test("another controller that keeps suspending a Job makes no hot loop, nor a false restart (K4)", async () => {
  const world = await running(1);
  const path = `${JOBS}/a-w-0`;
  let fights = 0;
  const fight = () => {
    const body = world.api.get(path) ?? {};
    if (at(body, "spec", "suspend") === true) return;
    fights++;
    world.api.put(path, { ...body, spec: { ...Object(body["spec"]), suspend: true } });
  };
  for (let turn = 0; turn < 6000; turn++) {
    fight();
    await world.pass(100);
  }
  expect(fights).toBeGreaterThan(5);
  expect(fights).toBeLessThan(40);
  expect(world.status("a")["restarts"]).toBe(0);
  // While a resume is held back for a minute, a suspension of ours is not.
  await world.pass(100);
  fight();
  world.edit("a", { suspend: true });
  await world.pass(1000);
  expect(world.conditions("a")).toContain("Suspended=True");
});

test("suspensions of ours do not make a later resume wait", async () => {
  const world = await suspended();
  for (let turn = 0; turn < 20; turn++) {
    world.edit("a", { suspend: false });
    await world.pass(100);
    world.edit("a", { suspend: true });
    await world.pass(100);
  }
  world.edit("a", { suspend: false });
  await world.pass(100);
  const body = world.api.get(`${JOBS}/a-w-0`) ?? {};
  world.api.put(`${JOBS}/a-w-0`, { ...body, spec: { ...Object(body["spec"]), suspend: true } });
  await world.pass(100);
  expect(world.api.list("/jobs/").map((job) => at(job, "spec", "suspend"))).toEqual([false, false]);
});

test("a suspension right after a resume waits for nothing", async () => {
  const world = await suspended();
  for (let turn = 0; turn < 5; turn++) {
    world.edit("a", { suspend: false });
    await world.rest();
    expect(world.api.list("/jobs/").map((job) => at(job, "spec", "suspend"))).toEqual([false, false]);
    world.edit("a", { suspend: true });
    await world.rest();
    expect(world.api.list("/jobs/").map((job) => at(job, "spec", "suspend"))).toEqual([true, true]);
  }
});
