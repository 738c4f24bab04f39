import { expect, test } from "bun:test";
import { Backoff } from "./backoff.ts";

test("backoff grows by its factor up to the cap and starts anew after a reset", () => {
  const backoff = new Backoff({ baseMs: 800, capMs: 3_000 });
  expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([800, 1_600, 3_000, 3_000]);
  backoff.reset();
  expect(backoff.next()).toBe(800);
});

test("backoff draws its jitter from the random source handed in", () => {
  const draws = [0, 0.5];
  const random = { next: () => draws.shift() ?? 0 };
  const backoff = new Backoff({ baseMs: 100, capMs: 1_000, jitter: 0.25, random });
  expect([backoff.next(), backoff.next()]).toEqual([100, 225]);
});
