import { expect, test } from "bun:test";
import { ByteBudget } from "./byte_budget.ts";

const KIB = 1024;

function holder(): { resume(): void } {
  return { resume: () => undefined };
}

test("large holders wait while the bytes are used up, all but the first; small ones never do", () => {
  const budget = new ByteBudget(300 * KIB);
  const [first, second, small] = [holder(), holder(), holder()];
  let resumed = 0;
  second.resume = () => resumed += 1;
  expect(budget.take(first, 200 * KIB)).toBe(true);
  expect(budget.take(second, 100 * KIB)).toBe(true);
  expect(budget.take(second, 1)).toBe(false);
  expect(budget.take(first, 100 * KIB)).toBe(true);
  expect(budget.take(small, 1 * KIB)).toBe(true);
  expect(resumed).toBe(0);
  budget.release(first);
  expect(resumed).toBe(1);
  expect(budget.take(second, 50 * KIB)).toBe(true);
});

test("what is released counts no more, and twice is once", () => {
  const budget = new ByteBudget(100 * KIB);
  const [first, second] = [holder(), holder()];
  budget.take(first, 100 * KIB);
  budget.release(first);
  budget.release(first);
  expect(budget.take(second, 70 * KIB)).toBe(true);
  expect(budget.take(first, 70 * KIB)).toBe(false);
});

test("large holders have what others want as long as somebody waits", () => {
  const budget = new ByteBudget(200 * KIB);
  const [first, second, small] = [holder(), holder(), holder()];
  budget.take(first, 150 * KIB);
  budget.take(small, 1 * KIB);
  expect(budget.isWantedOf(first)).toBe(false);
  budget.take(second, 150 * KIB);
  expect([first, second, small].map((each) => budget.isWantedOf(each))).toEqual([true, false, false]);
  budget.release(second);
  expect(budget.isWantedOf(first)).toBe(false);
});
