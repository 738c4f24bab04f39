import { expect, test } from "bun:test";
import { systemClock } from "./clock.ts";

test("a timer counts until it fires", async () => {
  const clock = systemClock();
  const fired = Promise.withResolvers<number>();
  clock.after(1, () => fired.resolve(clock.timers));
  expect(clock.timers).toBe(1);
  expect(await fired.promise).toBe(0);
});

test("a timer counts until it is cancelled, and cancelling it again or after it fired counts nothing", async () => {
  const clock = systemClock();
  const cancelled = clock.after(60_000, () => {});
  const fired = Promise.withResolvers<void>();
  const short = clock.after(1, fired.resolve);
  expect(clock.timers).toBe(2);
  cancelled.cancel();
  cancelled.cancel();
  expect(clock.timers).toBe(1);
  await fired.promise;
  short.cancel();
  expect(clock.timers).toBe(0);
});
