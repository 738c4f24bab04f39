import { expect, test } from "bun:test";
import fc from "fast-check";
import { FakeClock } from "../base/fake_clock.ts";
import { WorkQueue, type WorkQueueOptions } from "./work_queue.ts";

const never = new AbortController().signal;

function start(options: Partial<WorkQueueOptions> = {}) {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue({ clock, ...options }) };
}

/** What `next` gives without waiting: undefined where a worker would have to wait. */
async function take(queue: WorkQueue): Promise<string | undefined> {
  const stop = new AbortController();
  const next = queue.next(stop.signal);
  stop.abort();
  return await next;
}

async function takeAll(queue: WorkQueue): Promise<string[]> {
  const keys: string[] = [];
  for (let key = await take(queue); key !== undefined; key = await take(queue)) keys.push(key);
  return keys;
}

test("keys are handed out once each, first in, first out", async () => {
  const { queue } = start();
  for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
  expect(queue.depth).toBe(3);
  expect(await takeAll(queue)).toEqual(["a", "b", "c"]);
  expect(queue.depth).toBe(0);
});

test("thousands of keys come out in order, however the line is shortened on the way", async () => {
  const { queue } = start();
  const keys = Array.from({ length: 5000 }, (_, index) => `key-${index}`);
  for (const key of keys) queue.add(key);
  expect(await takeAll(queue)).toEqual(keys);
});

test("a key added while a worker has it is handed out again when that worker is done", async () => {
  const { queue } = start();
  queue.add("a");
  expect(await take(queue)).toBe("a");
  queue.add("a");
  queue.add("a");
  expect(await take(queue)).toBeUndefined();
  queue.done("a");
  expect(await takeAll(queue)).toEqual(["a"]);
  queue.done("a");
  expect(await take(queue)).toBeUndefined();
  expect(queue.size).toBe(0);
});

test("waiting workers get keys in the order in which they asked", async () => {
  const { queue } = start();
  const first = queue.next(never);
  const second = queue.next(never);
  queue.add("a");
  queue.add("b");
  expect(await Promise.all([first, second])).toEqual(["a", "b"]);
});

test("a worker that stopped waiting takes no key with it", async () => {
  const { queue } = start();
  const stop = new AbortController();
  const leaver = queue.next(stop.signal);
  const stayer = queue.next(never);
  stop.abort();
  queue.add("a");
  expect(await leaver).toBeUndefined();
  expect(await stayer).toBe("a");
  expect(await queue.next(stop.signal)).toBeUndefined();
});

test("of several timers of a key the earliest stands", async () => {
  const { clock, queue } = start();
  queue.addAfter("a", 100);
  queue.addAfter("a", 50);
  queue.addAfter("a", 70);
  clock.advance(49);
  expect(await take(queue)).toBeUndefined();
  clock.advance(1);
  expect(await takeAll(queue)).toEqual(["a"]);
  queue.done("a");
  clock.advance(1000);
  expect(await take(queue)).toBeUndefined();
  expect(clock.timerCount).toBe(0);
  expect(queue.size).toBe(0);
});

test("a delay of nothing adds at once", async () => {
  const { queue } = start();
  queue.addAfter("a", 0);
  expect(await takeAll(queue)).toEqual(["a"]);
});

test("back-off doubles per key from 5 ms to 1,000 s until the key is forgotten", () => {
  const { clock, queue } = start();
  const delays = Array.from({ length: 20 }, () => {
    const delayMs = queue.addRateLimited("a");
    clock.advance(delayMs);
    return delayMs;
  });
  expect(delays.slice(0, 5)).toEqual([5, 10, 20, 40, 80]);
  expect(delays.slice(17)).toEqual([655_360, 1_000_000, 1_000_000]);
  expect(queue.failures("a")).toBe(20);
  expect(queue.addRateLimited("b")).toBe(5);
  queue.forget("a");
  expect(queue.addRateLimited("a")).toBe(5);
});

test("a key that was worked on without being forgotten still has its failures", async () => {
  const { queue, clock } = start();
  expect(queue.addRateLimited("a")).toBe(5);
  clock.advance(5);
  expect(await take(queue)).toBe("a");
  queue.done("a");
  expect(queue.failures("a")).toBe(1);
  expect(queue.addRateLimited("a")).toBe(10);
});

test("back-off may have a lower cap, as refused creates have", () => {
  const { queue } = start();
  const delays = Array.from({ length: 16 }, () => queue.addRateLimited("a", 60_000));
  expect(delays.at(-1)).toBe(60_000);
});

test("a key that rests is handed out only when it has rested, although it is wanted", async () => {
  const { clock, queue } = start();
  queue.add("a");
  await take(queue);
  queue.rest("a", 40);
  queue.rest("a", 30);
  queue.add("a");
  queue.done("a");
  queue.add("b");
  expect(queue.depth).toBe(2);
  expect(await takeAll(queue)).toEqual(["b"]);
  clock.advance(39);
  expect(await take(queue)).toBeUndefined();
  clock.advance(1);
  expect(await takeAll(queue)).toEqual(["a"]);
});

test("a key put to rest while it stands in line is passed over", async () => {
  const { clock, queue } = start();
  queue.add("a");
  queue.add("b");
  queue.rest("a", 10);
  expect(await takeAll(queue)).toEqual(["b"]);
  clock.advance(10);
  expect(await takeAll(queue)).toEqual(["a"]);
});

test("a rest that nobody interrupts leaves nothing behind", () => {
  const { clock, queue } = start();
  queue.rest("a", 10);
  clock.advance(10);
  expect(queue.size).toBe(0);
  expect(clock.timerCount).toBe(0);
});

test("a rest ending while a worker has the key lets it go on undisturbed", async () => {
  const { clock, queue } = start();
  queue.add("a");
  await take(queue);
  queue.rest("a", 10);
  queue.add("a");
  clock.advance(10);
  expect(await take(queue)).toBeUndefined();
  queue.done("a");
  expect(await takeAll(queue)).toEqual(["a"]);
});

test("a stopped queue wakes those who wait, takes nothing in and runs no timers", async () => {
  const { clock, queue } = start();
  const waiting = queue.next(never);
  queue.addAfter("a", 10);
  queue.rest("b", 10);
  queue.stop();
  queue.add("c");
  queue.addAfter("c", 1);
  queue.addRateLimited("c");
  expect(await waiting).toBeUndefined();
  expect(await queue.next(never)).toBeUndefined();
  expect(clock.timerCount).toBe(0);
  expect(queue.size).toBe(0);
});

test("more keys than allowed is an error", () => {
  const { queue } = start({ maxKeys: 2 });
  queue.add("a");
  queue.addAfter("b", 5);
  expect(() => queue.add("c")).toThrow("more than 2 keys");
});

test("the queue reports adds, depth, waits, work and retries", async () => {
  const told: string[] = [];
  const { clock, queue } = start({
    metrics: {
      added: () => told.push("added"),
      depth: (keys) => told.push(`depth ${keys}`),
      waited: (seconds) => told.push(`waited ${seconds}`),
      worked: (seconds) => told.push(`worked ${seconds}`),
      retried: () => told.push("retried"),
    },
  });
  queue.add("a");
  queue.add("a");
  clock.advance(2000);
  await take(queue);
  clock.advance(3000);
  expect(queue.longestRunningSeconds).toBe(3);
  expect(queue.unfinishedSeconds).toBe(3);
  queue.addRateLimited("a");
  queue.done("a");
  expect(told).toEqual(["added", "depth 1", "waited 2", "depth 0", "retried", "worked 3"]);
  expect(queue.longestRunningSeconds).toBe(0);
});

const step = fc.record({
  kind: fc.constantFrom(
    "add",
    "add",
    "addAfter",
    "addRateLimited",
    "rest",
    "take",
    "take",
    "done",
    "forget",
    "advance",
  ),
  key: fc.constantFrom("a", "b", "c"),
  ms: fc.nat(100),
});

test("no key is ever with two workers, is handed out while it rests, or is lost", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const { clock, queue } = start();
      const working = new Set<string>();
      const wanted = new Set<string>();
      const restUntil = new Map<string, number>();
      const taken = (key: string) => {
        expect(working.has(key)).toBe(false);
        expect(clock.monotonic()).toBeGreaterThanOrEqual(restUntil.get(key) ?? 0);
        working.add(key);
        wanted.delete(key);
      };
      const steer: Record<string, (key: string, ms: number) => Promise<void> | void> = {
        add: (key) => (wanted.add(key), queue.add(key)),
        addAfter: (key, ms) => (wanted.add(key), queue.addAfter(key, ms)),
        addRateLimited: (key) => (wanted.add(key), void queue.addRateLimited(key)),
        forget: (key) => queue.forget(key),
        done: (key) => (working.delete(key), queue.done(key)),
        advance: (_key, ms) => clock.advance(ms),
        rest(key, ms) {
          if (ms > 0) restUntil.set(key, Math.max(restUntil.get(key) ?? 0, clock.monotonic() + ms));
          queue.rest(key, ms);
        },
        async take() {
          const key = await take(queue);
          if (key !== undefined) taken(key);
        },
      };
      for (const { kind, key, ms } of steps) await steer[kind]?.(key, ms);
      for (const key of working) queue.done(key);
      working.clear();
      clock.advance(2_000_000);
      for (let key = await take(queue); key !== undefined; key = await take(queue)) {
        taken(key);
        working.delete(key);
        queue.done(key);
        queue.forget(key);
      }
      for (const key of ["a", "b", "c"]) queue.forget(key);
      expect([...wanted]).toEqual([]);
      expect(queue.depth).toBe(0);
      expect(queue.size).toBe(0);
      expect(clock.timerCount).toBe(0);
    }),
    { numRuns: 1000 },
  );
});
