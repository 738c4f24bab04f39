import { expect, test } from "bun:test";
import { eventsOf, failJob, running, told } from "./test_world.ts";

test("a status that the API server refuses for good is told on the JobSet, in its words", async () => {
  const world = await running(1);
  const message = 'status.conditions[0].reason: Invalid value: "FailurePolicy_my-rule"';
  world.api.fail("PATCH", "/jobsets/a/status", { kind: "refuse", status: 422, reason: "Invalid", message }, 1000);
  failJob(world, "a-w-0");
  await world.pass(10_000);
  expect(eventsOf(world, "StatusWriteRefused")).toMatchObject([{ type: "Warning", note: message }]);
});

test.each([500, 0, 409, 403])(
  "a status write that ends with %d is told on no JobSet: it is not about its words",
  async (status) => {
    const world = await running(1);
    world.api.fail("PATCH", "/jobsets/a/status", { kind: "refuse", status, reason: "Conflict" }, 5);
    failJob(world, "a-w-0");
    await world.pass(10_000);
    expect(told(world, "StatusWriteRefused")).toBe(0);
    expect(world.status("a")["restarts"]).toBe(1);
  },
);
