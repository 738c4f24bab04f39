import { expect, test } from "bun:test";
import { readJobSet } from "../api/job_set.ts";
import { JOBS, JOBSETS, running, TestWorld } from "./test_world.ts";

test("no Job is made again when the deletion of its JobSet is seen later than its own (R05)", async () => {
  const world = await running(5);
  const posts = world.api.count("POST", JOBS);
  const body = world.api.get(`${JOBSETS}/a`) ?? {};
  const metadata = { ...Object(body["metadata"]), deletionTimestamp: "2030-01-01T00:00:00Z" };
  world.jobSetsLag = true;
  world.collectsAtOnce = false;
  world.api.put(`${JOBSETS}/a`, { ...body, metadata });
  world.api.remove(`${JOBS}/a-w-0`);
  await world.pass(1000);
  expect(world.api.count("POST", JOBS)).toBe(posts);
});

test("nor when the JobSet is gone already", async () => {
  const world = await running(5);
  const posts = world.api.count("POST", JOBS);
  world.jobSetsLag = true;
  world.api.remove(`${JOBSETS}/a`);
  for (const name of world.jobNames()) world.api.remove(`${JOBS}/${name}`);
  await world.pass(1000);
  expect(world.api.count("POST", JOBS)).toBe(posts);
  expect(world.jobSets.size).toBe(0);
});

test("a Job that a hand deleted is made again once the JobSet was read, and that read is tried until it answers", async () => {
  const world = await running(5);
  world.api.fail("GET", JOBSETS, { kind: "refuse", status: 500 }, 2);
  world.api.remove(`${JOBS}/a-w-3`);
  await world.pass(1000);
  expect(world.jobNames()).toEqual(["a-w-0", "a-w-1", "a-w-2", "a-w-3", "a-w-4"]);
});

test("a Job that succeeded and went before its watch told is not run again for a patch that found it gone (R81)", async () => {
  const world = await running(3);
  world.isLagging = true;
  world.api.setJobStatus(`${JOBS}/a-w-1`, { succeeded: 1 }, [{ type: "Complete" }]);
  world.api.remove(`${JOBS}/a-w-1`);
  world.edit("a", { suspend: true });
  const seen = readJobSet(world.api.get(`${JOBSETS}/a`) ?? {});
  if (seen !== undefined) world.jobSets.observeWrite(seen);
  await world.pass(1000);
  world.catchUp();
  await world.pass(10_000);
  expect(world.jobNames()).toEqual(["a-w-0", "a-w-2"]);
  expect(world.conditions("a")).toEqual(["Suspended=True"]);
});

test("a Job that succeeded and went before its JobSet was seen is not run again (R81)", async () => {
  const body = (await running(2)).api.get(`${JOBS}/a-w-0`) ?? {};
  const world = new TestWorld();
  world.jobSetsLag = true;
  // Made, and begun, while another replica led.
  world.apply("a", {}, 2);
  const { resourceVersion: _, ...metadata } = Object(body["metadata"]);
  world.api.put(`${JOBS}/a-w-0`, { ...body, metadata });
  world.api.setJobStatus(`${JOBS}/a-w-0`, { succeeded: 1 }, [{ type: "Complete" }]);
  world.api.remove(`${JOBS}/a-w-0`);
  await world.pass(1000);
  world.catchUp();
  await world.pass(1000);
  expect(world.jobNames()).toEqual(["a-w-1"]);
});
