/** Resumes with feature gates on, through the whole loop (spec 3.8, 3.12). */
import { expect, test } from "bun:test";
import { asObject, at, type JsonObject } from "../base/json.ts";
import { featureGates } from "../api/feature_gates.ts";
import { EXECUTION_ATTEMPT } from "../api/keys.ts";
import { eventsOf, JOBS, JOBSETS, TestWorld, told } from "./test_world.ts";

const REFUSED = "FailedResourcePropagation";
const ISSUE = 'Job.batch "a-w-0" is invalid: spec.template: Invalid value: {}: field is immutable';

function template(cpu: string): JsonObject {
  const spec = { containers: [{ name: "c", image: "i", resources: { requests: { cpu } } }] };
  return { spec: { template: { spec } } };
}

/** JobSet `a` with so many suspended Jobs that have run. */
async function stopped(gate: string, workers = 2): Promise<TestWorld> {
  const world = new TestWorld(featureGates({ [gate]: true }));
  world.apply("a", { replicatedJobs: [{ name: "w", replicas: workers, template: template("1") }] }, workers);
  await world.pass(1000);
  world.edit("a", { suspend: true });
  await world.pass(1000);
  for (const name of world.jobNames()) {
    world.api.setJobStatus(`${JOBS}/${name}`, { active: 0 }, [{ type: "Suspended" }]);
  }
  await world.pass(1000);
  return world;
}

function resume(world: TestWorld, cpu: string): void {
  const [replicatedJob] = [at(world.api.get(`${JOBSETS}/a`), "spec", "replicatedJobs")].flat();
  world.edit("a", { suspend: false, replicatedJobs: [{ ...asObject(replicatedJob), template: template(cpu) }] });
}

function requestsOf(world: TestWorld): unknown[] {
  return world.api.list("/jobs/").map((job) => {
    const [container] = [at(job, "spec", "template", "spec", "containers")].flat();
    return [at(job, "spec", "suspend"), at(container, "resources", "requests", "cpu")];
  });
}

test("new resources go with the resume, in one request for each Job", async () => {
  const world = await stopped("MutablePodResourcesForSuspendedJobSets");
  const before = world.api.requests.length;
  resume(world, "2");
  await world.pass(1000);
  expect(requestsOf(world)).toEqual([[false, "2"], [false, "2"]]);
  expect(world.api.requests.slice(before).filter(({ path }) => path.startsWith(JOBS)).length).toBe(2);
  expect(eventsOf(world, REFUSED)).toEqual([]);
});

test("Jobs that refuse their resources: one Event, whose series counts the tries of one Job, until they do not", async () => {
  const world = await stopped("MutablePodResourcesForSuspendedJobSets", 20);
  world.api.fail("PATCH", JOBS, { kind: "refuse", status: 422, reason: "Invalid", message: ISSUE }, 100_000);
  resume(world, "2");
  await world.pass(1000);
  const early = told(world, REFUSED);
  expect(early).toBeGreaterThan(1);
  await world.pass(600_000);
  expect(eventsOf(world, REFUSED).map(({ type, note }) => ({ type, note }))).toEqual([{
    type: "Warning",
    note: `Failed to propagate mutated resources to child Job: ${ISSUE}. ` +
      "Ensure MutablePodResourcesForSuspendedJobs is enabled on the API server.",
  }]);
  expect(told(world, REFUSED)).toBeLessThan(30);
  expect(world.conditions("a")).toContain("Suspended=True");
  world.api.heal();
  await world.pass(61_000);
  expect(requestsOf(world).every((job) => Bun.deepEquals(job, [false, "2"]))).toBe(true);
});

test("the note of a refusal keeps its end, where the words of an API server that quotes a whole template are cut", async () => {
  const world = await stopped("MutablePodResourcesForSuspendedJobSets");
  const message = `${"x".repeat(5000)}: field is immutable`;
  world.api.fail("PATCH", JOBS, { kind: "refuse", status: 422, reason: "Invalid", message }, 100_000);
  resume(world, "2");
  await world.pass(1000);
  const [event] = eventsOf(world, REFUSED);
  expect(String(event?.["note"])).toMatch(/^Failed to .* x{600} … x+: field is immutable\. Ensure .* API server\.$/);
});

test("a Job that was not ready after all refuses in the same words: it is tried again without an event", async () => {
  const world = await stopped("MutablePodResourcesForSuspendedJobSets", 1);
  const hold = Promise.withResolvers<void>();
  world.api.fail("PATCH", `${JOBS}/a-w-0`, { kind: "hold", until: hold.promise });
  resume(world, "2");
  await world.rest();
  // While the request is under way the Job controller tells of a Pod, then of none.
  const job = world.api.get(`${JOBS}/a-w-0`) ?? {};
  world.api.put(`${JOBS}/a-w-0`, { ...job, status: { startTime: "2030-01-01T00:00:00Z" } });
  await world.rest();
  hold.resolve();
  await world.pass(1000);
  world.api.setJobStatus(`${JOBS}/a-w-0`, { active: 0 }, [{ type: "Suspended" }]);
  await world.pass(61_000);
  expect(requestsOf(world)).toEqual([[false, "2"]]);
  expect(eventsOf(world, REFUSED)).toEqual([]);
});

test("a refusal of something else than resources is waited out without an event", async () => {
  const world = await stopped("MutablePodResourcesForSuspendedJobSets", 1);
  world.api.fail("PATCH", JOBS, { kind: "refuse", status: 422, reason: "Invalid" }, 100_000);
  resume(world, "1000m");
  await world.pass(10_000);
  expect(eventsOf(world, REFUSED)).toEqual([]);
});

test("runs are counted before a Job is resumed, and other annotations of the Job stay", async () => {
  const world = await stopped("ExecutionAttemptsTracking", 1);
  expect(world.status("a")["executionAttempts"]).toBe(0);
  const job = world.api.get(`${JOBS}/a-w-0`) ?? {};
  const metadata = asObject(job["metadata"]) ?? {};
  world.api.put(`${JOBS}/a-w-0`, {
    ...job,
    metadata: { ...metadata, annotations: { ...asObject(metadata["annotations"]), mine: "x" } },
  });
  const before = world.api.requests.length;
  resume(world, "1");
  await world.pass(1000);
  const writes = world.api.requests.slice(before).filter(({ method }) => method === "PATCH").map(({ path }) => path);
  expect(writes.slice(0, 2)).toEqual([`${JOBSETS}/a/status`, `${JOBS}/a-w-0`]);
  expect(world.status("a")["executionAttempts"]).toBe(1);
  const resumed = world.api.get(`${JOBS}/a-w-0`);
  expect(at(resumed, "metadata", "annotations")).toMatchObject({ mine: "x", [EXECUTION_ATTEMPT]: "1" });
  expect(at(resumed, "spec", "template", "metadata", "annotations", EXECUTION_ATTEMPT)).toBe("1");
});

test("a JobSet is resumed all the same where the CRD keeps no count", async () => {
  const world = new TestWorld(featureGates({ ExecutionAttemptsTracking: true }));
  world.api.prunes = "executionAttempts";
  world.apply("a", { suspend: true });
  await world.pass(1000);
  world.edit("a", { suspend: false });
  await world.pass(1000);
  expect(world.api.list("/jobs/").map((job) => at(job, "spec", "suspend"))).toEqual([false]);
  expect(world.logLines.filter(({ message }) => message.startsWith("runs are not counted")).length).toBe(1);
  expect(world.api.count("PATCH", "/jobsets/")).toBeLessThan(10);
});

test("resumes that were overtaken by a suspension, and not sent, put off no later one", async () => {
  const world = await stopped("ExecutionAttemptsTracking", 1);
  const path = `${JOBS}/a-w-0`;
  for (let turn = 0; turn < 12; turn++) {
    const hold = Promise.withResolvers<void>();
    world.api.fail("PATCH", path, { kind: "wait", until: hold.promise });
    world.edit("a", { suspend: false });
    await world.pass(60_000);
    world.edit("a", { suspend: true });
    await world.rest();
    hold.resolve();
    await world.rest();
    expect(at(world.api.get(path), "spec", "suspend")).toBe(true);
  }
  world.edit("a", { suspend: false });
  await world.pass(100);
  expect(at(world.api.get(path), "spec", "suspend")).toBe(false);
});
