/** Which reconciles count as errors (spec 6.4): those that failed, not those that were only overtaken. */
import { expect, test } from "bun:test";
import { failJob, JOBS, JOBSETS, running } from "./test_world.ts";

const STATUS = "/jobsets/a/status";

test.each(
  [
    ["conflicts", { kind: "refuse", status: 409, reason: "Conflict" }, { failed: 0, overtaken: 1 }],
    ["is answered 500", { kind: "refuse", status: 500 }, { failed: 1, overtaken: 0 }],
    ["is refused", { kind: "refuse", status: 403, reason: "Forbidden" }, { failed: 1, overtaken: 0 }],
    ["gets no answer", { kind: "refuse", status: 0, reason: "Timeout" }, { failed: 1, overtaken: 0 }],
  ] as const,
)("a status write that %s", async (_, fault, backOffs) => {
  const world = await running(1);
  world.api.fail("PATCH", STATUS, fault);
  failJob(world, "a-w-0");
  await world.pass(1000);
  expect(world.backOffs).toEqual(backOffs);
  expect(world.status("a")["restarts"]).toBe(1);
});

test("a conflict that cannot be looked into stays one", async () => {
  const world = await running(1);
  world.api.fail("PATCH", STATUS, { kind: "refuse", status: 409, reason: "Conflict" });
  world.api.fail("GET", JOBSETS, { kind: "refuse", status: 500 });
  failJob(world, "a-w-0");
  await world.pass(1000);
  expect(world.backOffs).toEqual({ failed: 0, overtaken: 1 });
});

test("a JobSet in doubt that cannot be read is an error", async () => {
  const world = await running(2);
  world.api.fail("GET", JOBSETS, { kind: "refuse", status: 500 }, 2);
  world.api.remove(`${JOBS}/a-w-1`);
  await world.pass(1000);
  expect(world.backOffs).toEqual({ failed: 2, overtaken: 0 });
  expect(world.jobNames()).toEqual(["a-w-0", "a-w-1"]);
});

test("a JobSet that is in doubt again once it was read is none", async () => {
  const world = await running(2);
  const answer = Promise.withResolvers<void>();
  world.api.fail("GET", JOBSETS, { kind: "hold", until: answer.promise });
  world.api.remove(`${JOBS}/a-w-1`);
  const resting = world.rest();
  while (world.api.count("GET", JOBSETS) === 0) await new Promise((resolve) => setImmediate(resolve));
  world.api.remove(`${JOBS}/a-w-0`);
  answer.resolve();
  await resting;
  await world.pass(1000);
  expect(world.backOffs).toEqual({ failed: 0, overtaken: 1 });
  expect(world.jobNames()).toEqual(["a-w-0", "a-w-1"]);
});

test("a JobSet that works without faults counts neither", async () => {
  const world = await running(3);
  failJob(world, "a-w-2");
  await world.pass(1000);
  expect(world.backOffs).toEqual({ failed: 0, overtaken: 0 });
});
