import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "./duration.ts";

test("durations are read as Go writes them", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["0s", 0],
    ["15s", 15_000],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    ["100ms", 100],
    ["1h0m0.5s", 3_600_500],
    ["-2s", -2000],
    ["+2s", 2000],
    [".5s", 500],
    ["1.s", 1000],
    ["250us", 0.25],
    ["250µs", 0.25],
    ["1500000ns", 1.5],
  ];
  for (const [text, ms] of cases) expect(parseDuration(text)).toBeCloseTo(ms, 6);
});

test("what is no duration is refused", () => {
  for (const text of ["", "-", "15", "s", "1 s", "1m 30s", "1d", "1s2", "1,5s", ".s", "1e3s", "infinite", "9999999h"]) {
    expect(parseDuration(text)).toBeUndefined();
  }
});

test("durations are written as Go writes them", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [0.0004, "0s"],
    [0.25, "250µs"],
    [1.5, "1.5ms"],
    [100, "100ms"],
    [1500, "1.5s"],
    [90_000, "1m30s"],
    [5_400_000, "1h30m0s"],
    [-61_000, "-1m1s"],
  ];
  for (const [ms, text] of cases) expect(formatDuration(ms)).toBe(text);
});

test("a duration written and read again is the same", () => {
  fc.assert(fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) => {
    expect(parseDuration(formatDuration(ms))).toBeCloseTo(ms, 3);
  }));
});
