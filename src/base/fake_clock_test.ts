import { expect, test } from "bun:test";
import { sleep } from "./clock.ts";
import { FakeClock } from "./fake_clock.ts";

test("a fake clock fires timers in order, each at its own moment", () => {
  const clock = new FakeClock(1_000);
  const seen: string[] = [];
  clock.after(20, () => seen.push(`b@${clock.monotonic()}`));
  clock.after(10, () => {
    seen.push(`a@${clock.monotonic()}`);
    clock.after(5, () => seen.push(`nested@${clock.monotonic()}`));
  });
  clock.after(20, () => seen.push("c"));
  clock.after(15, () => seen.push("cancelled")).cancel();
  expect(clock.nextDelayMs).toBe(10);
  clock.advance(19);
  expect(seen).toEqual(["a@10", "nested@15"]);
  clock.advance(1);
  expect(seen).toEqual(["a@10", "nested@15", "b@20", "c"]);
  expect(clock.now()).toBe(1_020);
  expect(clock.timerCount).toBe(0);
});

test("advanceAndSettle fires the timers that promises set on the way", async () => {
  const clock = new FakeClock();
  const { signal } = new AbortController();
  let steps = 0;
  const walk = async () => {
    for (; steps < 3; steps++) await sleep(clock, 100, signal);
  };
  const done = walk();
  await clock.advanceAndSettle(250);
  expect(steps).toBe(2);
  await clock.advanceAndSettle(50);
  await done;
  expect(steps).toBe(3);
});

test("an aborted sleep rejects with the signal's reason and leaves no timer", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const slept = sleep(clock, 100, controller.signal);
  controller.abort(new Error("stopping"));
  await expect(slept).rejects.toThrow("stopping");
  expect(clock.timerCount).toBe(0);
});
