import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { Retries } from "./retries.ts";

/** The waits of `count` failures in a row. */
function waits(retries: Retries, clock: FakeClock, count: number): number[] {
  return Array.from({ length: count }, () => {
    const since = clock.monotonic();
    let waited = -1;
    retries.later("k", 60_000, () => waited = clock.monotonic() - since);
    while (waited < 0) clock.advance(clock.nextDelayMs ?? 1);
    return waited;
  });
}

test("each failure in a row doubles the wait from 5 ms up to the cap, and a success starts anew", () => {
  const clock = new FakeClock();
  const retries = new Retries(clock);
  expect(waits(retries, clock, 16).slice(0, 5)).toEqual([5, 10, 20, 40, 80]);
  expect(waits(retries, clock, 2)).toEqual([60_000, 60_000]);
  retries.reset("k");
  expect(waits(retries, clock, 2)).toEqual([5, 10]);
});

test("stop leaves no timer, and takes none afterwards", () => {
  const clock = new FakeClock();
  const retries = new Retries(clock);
  retries.later("a", 1000, () => {});
  retries.stop();
  retries.later("b", 1000, () => {});
  expect(clock.timerCount).toBe(0);
});

test("keys that have long been quiet are forgotten", () => {
  const clock = new FakeClock();
  const retries = new Retries(clock);
  for (let round = 0; round < 50; round++) {
    for (let key = 0; key < 1000; key++) retries.later(`${round}/${key}`, 60_000, () => {});
    clock.advance(600_000);
  }
  expect(retries.size).toBeLessThan(5000);
});

test("hurry ends every wait at once, and the next failure still waits longer", () => {
  const clock = new FakeClock();
  const retries = new Retries(clock);
  waits(retries, clock, 3);
  let due = 0;
  retries.later("k", 60_000, () => due++);
  expect(retries.hurry()).toBe(true);
  expect(due).toBe(1);
  expect(clock.timerCount).toBe(0);
  expect(retries.hurry()).toBe(false);
  expect(waits(retries, clock, 1)).toEqual([80]);
});
