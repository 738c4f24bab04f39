import { expect, test } from "bun:test";
import { at } from "../base/json.ts";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import { JOBS, makeReady, TestWorld, told } from "./test_world.ts";

const EVENT = "ElasticScaleFailed";

function sized(size: number, workers: number) {
  const spec = {
    parallelism: size,
    completions: size,
    template: { spec: { containers: [{ name: "c", image: "i" }] } },
  };
  return { replicatedJobs: [{ name: "w", replicas: workers, template: { spec } }] };
}

/** JobSet `a` of so many Jobs of two Pods each. */
async function running(workers: number): Promise<TestWorld> {
  const world = new TestWorld({ ...DEFAULT_FEATURE_GATES, ElasticJobSet: true });
  world.apply("a", sized(2, workers));
  await world.pass(1000);
  return world;
}

function sizes(world: TestWorld): string[] {
  return world.api.list("/jobs/").map((job) => `${at(job, "spec", "parallelism")}/${at(job, "spec", "completions")}`);
}

function patches(world: TestWorld): number {
  return world.api.count("PATCH", JOBS);
}

test("each Job is patched once, up and down, by its uid", async () => {
  const world = await running(3);
  world.edit("a", sized(5, 3));
  await world.pass(1000);
  expect(sizes(world)).toEqual(["5/5", "5/5", "5/5"]);
  world.edit("a", sized(1, 3));
  await world.pass(1000);
  expect(sizes(world)).toEqual(["1/1", "1/1", "1/1"]);
  expect(patches(world)).toBe(6);
  const uid = at(world.api.get(`${JOBS}/a-w-0`), "metadata", "uid");
  const sent = world.api.requests.filter(({ method, path }) => method === "PATCH" && path.endsWith("a-w-0"));
  expect(sent.map(({ body }) => at(body, "metadata", "uid"))).toEqual([uid, uid]);
});

test("a refusal is told once, retried with back-off, and holds nobody else up; a new size waits for nothing", async () => {
  const world = await running(3);
  world.api.fail("PATCH", "a-w-1", { kind: "refuse", status: 422, reason: "Invalid", message: "no" }, 100_000);
  world.edit("a", sized(5, 3));
  await world.pass(700_000);
  expect(sizes(world)).toEqual(["5/5", "2/2", "5/5"]);
  expect(patches(world)).toBeLessThan(30);
  expect(told(world, EVENT)).toBe(1);
  world.api.heal();
  world.edit("a", sized(4, 3));
  await world.pass(100);
  expect(sizes(world)).toEqual(["4/4", "4/4", "4/4"]);
});

test("a refusal that ends is retried in time, and the next one told again", async () => {
  const world = await running(1);
  for (const size of [5, 6]) {
    world.api.fail("PATCH", "a-w-0", { kind: "refuse", status: 403, reason: "Forbidden" }, 3);
    world.edit("a", sized(size, 1));
    await world.pass(1000);
    expect(sizes(world)).toEqual([`${size}/${size}`]);
  }
  expect(told(world, EVENT)).toBe(2);
});

test("no answer is told to nobody", async () => {
  const world = await running(1);
  world.api.fail("PATCH", "a-w-0", { kind: "refuse", status: 0, reason: "Timeout" }, 3);
  world.edit("a", sized(5, 1));
  await world.pass(1000);
  expect(sizes(world)).toEqual(["5/5"]);
  expect(told(world, EVENT)).toBe(0);
});

test("another controller that undoes the size again and again makes no hot loop", async () => {
  const world = await running(1);
  world.edit("a", sized(5, 1));
  const path = `${JOBS}/a-w-0`;
  let fights = 0;
  for (let turn = 0; turn < 6000; turn++) {
    const body = world.api.get(path) ?? {};
    if (at(body, "spec", "parallelism") === 5) {
      fights++;
      world.api.put(path, { ...body, spec: { ...Object(body["spec"]), parallelism: 2, completions: 2 } });
    }
    await world.pass(100);
  }
  expect(fights).toBeGreaterThan(5);
  expect(fights).toBeLessThan(40);
});

test("sizes that change every few seconds are followed at once, for hours", async () => {
  const world = await running(1);
  for (let turn = 0; turn < 300; turn++) {
    const size = 3 + turn % 2;
    world.edit("a", sized(size, 1));
    await world.pass(50);
    expect(sizes(world)).toEqual([`${size}/${size}`]);
    makeReady(world);
    await world.pass(30_000);
  }
});

test("one update that resumes and scales: the Job has its size before it runs", async () => {
  const world = await running(1);
  world.edit("a", { suspend: true });
  await world.pass(1000);
  const before = world.api.requests.length;
  world.edit("a", { suspend: false, ...sized(5, 1) });
  await world.pass(1000);
  const sent = world.api.requests.slice(before).filter(({ method, path }) =>
    method === "PATCH" && path.startsWith(JOBS)
  );
  expect(sent.map(({ contentType }) => contentType)).toEqual([
    "application/merge-patch+json",
    "application/json-patch+json",
  ]);
  expect(sizes(world)).toEqual(["5/5"]);
  expect(at(world.api.get(`${JOBS}/a-w-0`), "spec", "suspend")).toBe(false);
});

test("a refused size keeps no Job suspended", async () => {
  const world = await running(1);
  world.edit("a", { suspend: true });
  await world.pass(1000);
  world.api.fail("PATCH", "a-w-0", { kind: "refuse", status: 422, reason: "Invalid" }, 1);
  world.edit("a", { suspend: false, ...sized(5, 1) });
  await world.pass(100);
  expect(at(world.api.get(`${JOBS}/a-w-0`), "spec", "suspend")).toBe(false);
});

test("a new size right after a resume that took many tries is followed", async () => {
  const world = await running(1);
  world.edit("a", { suspend: true });
  await world.pass(1000);
  world.api.fail("PATCH", "a-w-0", { kind: "refuse", status: 422, reason: "Invalid" }, 11);
  world.edit("a", { suspend: false });
  await world.pass(12_000);
  expect(at(world.api.get(`${JOBS}/a-w-0`), "spec", "suspend")).toBe(false);
  world.edit("a", sized(5, 1));
  await world.pass(600_000);
  expect(sizes(world)).toEqual(["5/5"]);
});
