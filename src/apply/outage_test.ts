import { expect, test } from "bun:test";
import { failJob, JOBS, running, type TestWorld } from "./test_world.ts";

const METHODS = ["GET", "POST", "DELETE", "PATCH"] as const;

async function outage(world: TestWorld, methods: readonly (typeof METHODS)[number][]): Promise<void> {
  for (const method of methods) world.api.fail(method, "/", { kind: "refuse", status: 0 }, 1_000_000);
  await world.pass(180_000);
  world.api.heal();
}

test("a restart that an outage stopped goes on as soon as the API server answers again", async () => {
  const world = await running(20);
  const posts = world.api.count("POST", JOBS);
  failJob(world, "a-w-1");
  await outage(world, METHODS);
  world.reconciler.hurry();
  await world.pass(1000);
  expect(world.status("a")["restarts"]).toBe(1);
  expect(world.api.count("POST", JOBS)).toBe(posts + 20);
});

test("deletes that an outage stopped go on as soon as the API server answers again", async () => {
  const world = await running(20);
  const posts = world.api.count("POST", JOBS);
  const stopped = outage(world, ["DELETE"]);
  failJob(world, "a-w-1");
  await stopped;
  world.reconciler.hurry();
  await world.pass(1000);
  expect(world.api.count("POST", JOBS)).toBe(posts + 20);
});

test("a world at rest has nothing to hurry", async () => {
  const world = await running(3);
  const { reconciles } = world;
  world.reconciler.hurry();
  await world.pass(1000);
  expect(world.reconciles).toBe(reconciles);
});
