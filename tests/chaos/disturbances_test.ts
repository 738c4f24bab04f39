import { expect, test } from "bun:test";
import { Disturbances } from "./disturbances.ts";

test("where nothing has happened the controller hears all", () => {
  expect(new Disturbances(1_000).deafMs(performance.now() - 10_000)).toBe(0);
});

test("while something goes on it may be deaf from any moment on, as long as told at most", () => {
  const disturbances = new Disturbances(60_000);
  disturbances.begin();
  const since = performance.now() - 500;
  expect(disturbances.deafMs(since)).toBeGreaterThanOrEqual(500);
  expect(disturbances.deafMs(since)).toBeLessThan(5_000);
  expect(disturbances.deafMs(performance.now() - 90_000)).toBe(60_000);
});

test("after the end it may be deaf for a while, and then no more", () => {
  const disturbances = new Disturbances(0);
  disturbances.begin();
  disturbances.end();
  expect(disturbances.deafMs(performance.now())).toBe(0);
  const long = new Disturbances(60_000);
  long.begin();
  long.end();
  expect(long.deafMs(performance.now() - 100)).toBeGreaterThanOrEqual(100);
});
