import { expect, test } from "bun:test";
import type { Budget } from "./bench.ts";
import { judge } from "./judge.ts";
import { type Finished, hasFailed, tableLines } from "./table.ts";

const BUDGETS: readonly Budget[] = [{ name: "create", most: 1.15 }, { name: "speedup", least: 3 }];

function finished(figures: Record<string, number>, faults: readonly string[] = []): Finished {
  return { name: "loop", judgements: judge(BUDGETS, { figures, faults: [] }), faults };
}

test("the table has a line for each figure with value, budget and verdict, in columns", () => {
  expect(tableLines([finished({ create: 1.16, speedup: 2.5 })])).toEqual([
    "bench  figure   value  budget        noise   verdict",
    "loop   create   1.16   at most 1.15  ±0.034  ok (within noise)",
    "loop   speedup  2.5    at least 3    ±0.090  OVER",
  ]);
});

test("a bench fails where a figure misses by more than noise", () => {
  expect(hasFailed(finished({ create: 1.16, speedup: 3 }))).toBe(false);
  expect(hasFailed(finished({ create: 1.3, speedup: 3 }))).toBe(true);
});

test("a fault fails the bench and stands in the table", () => {
  const broken = finished({ create: 1, speedup: 4 }, ["restart 10: 11 deletes instead of 10"]);
  expect(hasFailed(broken)).toBe(true);
  expect(tableLines([broken]).at(-1)).toMatch(/^loop {3}restart 10: 11 deletes instead of 10 .*FAULT$/);
});
