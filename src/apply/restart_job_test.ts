import { expect, test } from "bun:test";
import { asArray, asString, at, type JsonObject } from "../base/json.ts";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import { failJob, JOBS, JOBSETS, makeReady, TestWorld, told } from "./test_world.ts";

const EVENT = "RestartJobFailurePolicyAction";
const ONE = { maxRestarts: 100, rules: [{ name: "one", action: "RestartJob" }] };

/** JobSet `a` of so many Jobs, all of them ready, each of which is restarted alone. */
async function running(workers: number, spec: JsonObject = {}): Promise<TestWorld> {
  const world = new TestWorld({ ...DEFAULT_FEATURE_GATES, RestartJob: true });
  world.apply("a", { failurePolicy: ONE, ...spec }, workers);
  await world.pass(1000);
  makeReady(world);
  await world.pass(1000);
  return world;
}

function jobRestarts(world: TestWorld): unknown {
  return at(asArray(world.status("a")["replicatedJobsStatus"])[0], "jobRestarts");
}

/** Uids by name. */
function uids(world: TestWorld): Readonly<Record<string, string>> {
  const metadata = world.api.list("/jobs/").map((job) => at(job, "metadata"));
  return Object.fromEntries(metadata.map((data) => [at(data, "name"), asString(at(data, "uid")) ?? ""]));
}

/** Which Jobs are other ones than before. */
function replaced(world: TestWorld, before: Readonly<Record<string, string>>): string[] {
  return Object.entries(uids(world)).filter(([name, uid]) => before[name] !== uid).map(([name]) => name).sort();
}

test("two Jobs that fail together are made again, each counted and told once, the others not touched (R67)", async () => {
  const world = await running(4);
  const before = uids(world);
  failJob(world, "a-w-1");
  failJob(world, "a-w-3");
  await world.pass(2000);
  expect(replaced(world, before)).toEqual(["a-w-1", "a-w-3"]);
  expect(jobRestarts(world)).toEqual([0, 1, 0, 1]);
  expect(told(world, EVENT)).toBe(2);
  expect(world.status("a")["restarts"]).toBe(0);
  expect(world.conditions("a")).toEqual([]);
  expect(world.api.count("DELETE", JOBS)).toBe(2);
});

const FAULTS = [
  ["refused with 500", { kind: "refuse", status: 500 }],
  ["in conflict", { kind: "refuse", status: 409, reason: "Conflict" }],
  ["done, but its answer lost", { kind: "loseAnswer" }],
  ["done, and its own second try in conflict with it", { kind: "loseAnswer", status: 409, reason: "Conflict" }],
] as const;
for (const [what, fault] of FAULTS) {
  test(`a failure is counted and told once where the status write is ${what} (R10)`, async () => {
    const world = await running(3);
    const before = uids(world);
    world.api.fail("PATCH", "/jobsets/a/status", fault);
    failJob(world, "a-w-1");
    await world.pass(3000);
    expect(jobRestarts(world)).toEqual([0, 1, 0]);
    expect(told(world, EVENT)).toBe(1);
    expect(replaced(world, before)).toEqual(["a-w-1"]);
  });
}

test("a write that did not take effect is not told because another client has changed the JobSet meanwhile", async () => {
  const world = await running(3);
  world.api.fail("PATCH", "/jobsets/a/status", { kind: "refuse", status: 0, reason: "Timeout" });
  failJob(world, "a-w-1");
  await world.rest();
  world.edit("a", { ttlSecondsAfterFinished: 100 });
  await world.pass(3000);
  expect(jobRestarts(world)).toEqual([0, 1, 0]);
  expect(told(world, EVENT)).toBe(1);
});

test("while the caches lag nothing is counted twice and nothing new is deleted", async () => {
  const world = await running(3);
  failJob(world, "a-w-1");
  world.isLagging = true;
  await world.pass(3000);
  world.catchUp();
  await world.pass(3000);
  expect(jobRestarts(world)).toEqual([0, 1, 0]);
  expect(world.api.count("POST", JOBS)).toBe(4);
  expect(world.api.count("DELETE", JOBS)).toBe(1);
});

test("a Job made while the gate was off gets the label first, and is counted once", async () => {
  const world = await running(3);
  for (const name of world.jobNames()) {
    const body = world.api.get(`${JOBS}/${name}`) ?? {};
    const labels = { ...Object(at(body, "metadata", "labels")) };
    delete labels["jobset.sigs.k8s.io/job-restart-attempt"];
    world.api.put(`${JOBS}/${name}`, { ...body, metadata: { ...Object(body["metadata"]), labels } });
  }
  await world.pass(1000);
  world.api.fail("PATCH", `${JOBS}/a-w-1`, { kind: "refuse", status: 500 }, 3);
  failJob(world, "a-w-1");
  await world.pass(3000);
  expect(jobRestarts(world)).toEqual([0, 1, 0]);
  expect(told(world, EVENT)).toBe(1);
  const unlabelled = world.logLines.filter(({ message }) => message.includes("without a job-restart-attempt label"));
  expect(unlabelled.length).toBe(1);
});

test("a create that waits makes no Job of an older attempt of its own", async () => {
  const world = await running(2);
  const wait = Promise.withResolvers<void>();
  world.api.remove(`${JOBS}/a-w-1`);
  world.api.fail("POST", JOBS, { kind: "wait", until: wait.promise });
  await world.pass(1000);
  // Somebody counts a restart of it meanwhile.
  const body = world.api.get(`${JOBSETS}/a`) ?? {};
  const [entry] = asArray(at(body, "status", "replicatedJobsStatus"));
  const status = { ...Object(body["status"]), replicatedJobsStatus: [{ ...Object(entry), jobRestarts: [0, 1] }] };
  world.api.put(`${JOBSETS}/a`, { ...body, status });
  await world.pass(1000);
  wait.resolve();
  await world.pass(3000);
  const job = world.api.get(`${JOBS}/a-w-1`);
  expect(at(job, "metadata", "labels", "jobset.sigs.k8s.io/job-restart-attempt")).toBe("1");
  expect(world.api.count("DELETE", JOBS)).toBe(0);
});

test("the old Job's end is no riddle: the JobSet is not read again for it", async () => {
  const world = await running(3);
  failJob(world, "a-w-1");
  await world.pass(2000);
  expect(world.api.count("GET", JOBSETS)).toBe(0);
});
