import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { RateLimiter } from "./rate_limiter.ts";
import { Semaphore } from "./semaphore.ts";

test("a full bucket gives its burst at once, then qps tokens a second, first come, first served", async () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter({ qps: 10, burst: 3, clock });
  const served: string[] = [];
  for (let index = 0; index < 6; index++) limiter.take().then(() => served.push(`${index}@${clock.monotonic()}`));
  await clock.advanceAndSettle(1_000);
  expect(served).toEqual(["0@0", "1@0", "2@0", "3@100", "4@200", "5@300"]);
  expect(clock.timerCount).toBe(0);
});

test("a rest fills the bucket to its burst, not beyond", async () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter({ qps: 10, burst: 2, clock });
  await clock.advanceAndSettle(60_000);
  let served = 0;
  for (let index = 0; index < 5; index++) limiter.take().then(() => served++);
  await clock.advanceAndSettle(0);
  expect(served).toBe(2);
});

test("who comes later does not overtake those that wait", async () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter({ qps: 1, burst: 1, clock });
  const served: number[] = [];
  await limiter.take();
  // Due at the very moment of the next token, and set before the limiter's own timer.
  clock.after(1_000, () => void limiter.take().then(() => served.push(2)));
  limiter.take().then(() => served.push(1));
  await clock.advanceAndSettle(2_000);
  expect(served).toEqual([1, 2]);
});

test("an aborted wait rejects with the signal's reason and takes no token", async () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter({ qps: 1, burst: 1, clock });
  const controller = new AbortController();
  await limiter.take();
  const first = limiter.take(controller.signal);
  const second = limiter.take();
  controller.abort(new Error("stopping"));
  await expect(first).rejects.toThrow("stopping");
  await expect(limiter.take(controller.signal)).rejects.toThrow("stopping");
  await clock.advanceAndSettle(1_000);
  await second;
});

test.each([0, -1])("qps %d is no limit", async (qps) => {
  const limiter = new RateLimiter({ qps, burst: 1, clock: new FakeClock() });
  for (let index = 0; index < 1_000; index++) await limiter.take();
});

test("a burst below 1 still lets one through", async () => {
  await new RateLimiter({ qps: 1, burst: 0, clock: new FakeClock() }).take();
});

test("a semaphore admits its limit and hands places on in order, past those who gave up", async () => {
  const semaphore = new Semaphore(1);
  const controller = new AbortController();
  const admitted: string[] = [];
  await semaphore.acquire();
  const givesUp = semaphore.acquire(controller.signal);
  const waits = semaphore.acquire().then(() => admitted.push("waits"));
  const waitsToo = semaphore.acquire().then(() => admitted.push("waits too"));
  controller.abort(new Error("stopping"));
  await expect(givesUp).rejects.toThrow("stopping");
  expect(admitted).toEqual([]);
  semaphore.release();
  await waits;
  expect(admitted).toEqual(["waits"]);
  semaphore.release();
  await waitsToo;
  semaphore.release();
  await semaphore.acquire();
});
