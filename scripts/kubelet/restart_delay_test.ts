import { expect, test } from "bun:test";
import { type RestartDelay, restartDelayMs } from "./restart_delay.ts";

function delays(delay: RestartDelay, isOfAll = false): readonly number[] {
  return [0, 1, 2, 3, 4, 5, 6, 7, 50].map((restarts) => restartDelayMs(delay, { restarts, isOfAll }));
}

test("without a delay every restart is at once", () => {
  expect(new Set([...delays("none"), ...delays("none", true)])).toEqual(new Set([0]));
});

test("the short delay doubles from 100 ms to 10 s, and leaves whole Pods alone", () => {
  expect(delays("short")).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  expect(new Set(delays("short", true))).toEqual(new Set([0]));
});

test("a kubelet's own: at once, then 10 s, doubling to 5 minutes, for whole Pods too", () => {
  const real = [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000];
  expect(delays("kubelet")).toEqual(real);
  expect(delays("kubelet", true)).toEqual(real);
});
