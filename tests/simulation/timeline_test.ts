import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/seeded_random.ts";
import { Timeline } from "./timeline.ts";

test("what is due comes by its moment, and at one moment in the order in which it was planned", () => {
  const random = seededRandom(7);
  const timeline = new Timeline();
  const planned: { atMs: number; order: number }[] = [];
  for (let order = 0; order < 2_000; order++) {
    const atMs = Math.floor(random.next() * 100);
    planned.push({ atMs, order });
    timeline.after(atMs, String(order), () => {});
  }
  const wanted = planned.sort((one, other) => one.atMs - other.atMs || one.order - other.order);
  for (const { atMs, order } of wanted) {
    const due = timeline.next();
    expect([due?.label, timeline.nowMs]).toEqual([String(order), atMs]);
  }
  expect(timeline.next()).toBeUndefined();
});

test("delays count from now, and what is called off never comes", () => {
  const timeline = new Timeline();
  timeline.after(5, "first", () => {});
  const off = timeline.after(6, "off", () => {});
  expect(timeline.next()?.label).toBe("first");
  timeline.after(-1, "at once", () => {});
  timeline.after(2, "later", () => {});
  off.isCancelled = true;
  expect([timeline.next()?.label, timeline.nowMs]).toEqual(["at once", 5]);
  expect([timeline.next()?.label, timeline.nowMs]).toEqual(["later", 7]);
  expect(timeline.next()).toBeUndefined();
});
