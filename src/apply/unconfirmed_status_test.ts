import { expect, test } from "bun:test";
import { failJob, running, told } from "./test_world.ts";

test("a restart is told once where the client's own second try met a conflict with the first", async () => {
  const world = await running(3);
  world.api.fail("PATCH", "/status", { kind: "loseAnswer", status: 409, reason: "Conflict" });
  failJob(world, "a-w-1");
  await world.pass(2000);
  expect(world.status("a")["restarts"]).toBe(1);
  expect(told(world, "RestartJobSetFailurePolicyAction")).toBe(1);
  expect(told(world, "DefaultFailurePolicy")).toBe(1);
});

test("a second restart for the same Job is told where its answer was lost: it changes no condition", async () => {
  const world = await running(3);
  failJob(world, "a-w-1");
  await world.pass(2000);
  world.api.fail("PATCH", "/status", { kind: "loseAnswer" });
  failJob(world, "a-w-1");
  await world.pass(2000);
  expect(world.status("a")["restarts"]).toBe(2);
  expect(told(world, "RestartJobSetFailurePolicyAction")).toBe(2);
});

test("the end is told once where the first try took effect, and a later one got no answer either", async () => {
  const world = await running(1, { failurePolicy: { maxRestarts: 0 } });
  world.api.fail("PATCH", "/status", { kind: "loseAnswer" });
  world.api.fail("PATCH", "/status", { kind: "refuse", status: 0, reason: "Timeout" });
  world.jobSetsLag = true;
  failJob(world, "a-w-0");
  await world.rest();
  // The second try's conditions have other times.
  world.clock.advance(3000);
  await world.rest();
  world.catchUp();
  await world.pass(3000);
  expect(told(world, "ReachedMaxRestarts")).toBe(1);
  expect(world.logLines.filter(({ message }) => message === "JobSet finished").length).toBe(1);
});
