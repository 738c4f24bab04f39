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

/** A replica that begins to lead: the JobSet is known as it is, its Jobs are not. */
async function newLeader(succeeded: number): Promise<TestWorld> {
  const body = (await running(2)).api.get(`${JOBS}/a-w-0`) ?? {};
  const world = new TestWorld();
  world.apply("a", {}, 2);
  const counters = { name: "w", ready: 0, succeeded, failed: 0, active: 0, suspended: 0 };
  const jobSet = world.api.get(`${JOBSETS}/a`) ?? {};
  world.api.put(`${JOBSETS}/a`, { ...jobSet, status: { restarts: 0, replicatedJobsStatus: [counters] } });
  const { resourceVersion: _, ...metadata } = Object(body["metadata"]);
  world.api.put(`${JOBS}/a-w-0`, { ...body, metadata });
  return world;
}

test("successes that the status counts are not those of missing Jobs where others have succeeded unseen", async () => {
  const world = await newLeader(1);
  world.isLagging = true;
  world.api.setJobStatus(`${JOBS}/a-w-0`, { succeeded: 1 }, [{ type: "Complete" }]);
  world.api.fail("GET", JOBS, { kind: "refuse", status: 500 }, 2);
  await world.pass(10_000);
  expect(world.jobNames()).toEqual(["a-w-0", "a-w-1"]);
  expect(world.conditions("a")).not.toContain("Completed=True");
});

test("where all Jobs are known the missing one has succeeded and gone (R81), and they are read once for it", async () => {
  const world = await newLeader(1);
  await world.pass(10_000);
  expect(world.jobNames()).toEqual(["a-w-0"]);
  expect(world.api.requests.filter(({ method, path }) => method === "GET" && path === JOBS)).toHaveLength(1);
  world.api.setJobStatus(`${JOBS}/a-w-0`, { succeeded: 1 }, [{ type: "Complete" }]);
  await world.pass(10_000);
  expect(world.conditions("a")).toContain("Completed=True");
});
