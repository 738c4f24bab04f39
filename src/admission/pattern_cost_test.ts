import { expect, test } from "bun:test";
import fc from "fast-check";
import { patternCost } from "./pattern_cost.ts";

test("a pattern costs what it is long once its repetitions are written out", () => {
  const costs: Readonly<Record<string, number>> = {
    "": 0,
    "abc": 3,
    "a{10}": 10,
    "a{3,}": 3,
    "a{2,50}": 50,
    "xa{10}y": 12,
    "(ab){10}": 40,
    "((a{10}){10}){10}": ((10 + 2) * 10 + 2) * 10,
    "[a-z]{10}": 50,
    "[]{9}]{2}": 12,
    "\\{10}": 5,
    "\\Qa{10}\\E": 9,
    "a{x}": 4,
    "(a": 2,
    "a)": 2,
  };
  for (const [pattern, cost] of Object.entries(costs)) expect([pattern, patternCost(pattern)]).toEqual([pattern, cost]);
  expect(patternCost("\\pL{1000}")).toBe(1000 * (3 + 128));
});

test("any text has a cost, found in time that follows its length", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => patternCost(text) >= 0));
  for (const part of ["(", "[", "\\Q", "{1", "a{9}", "\\p{", "[[:", "[\\]", "[[:a", "(a{1000})", "{11111"]) {
    expect(patternCost(part.repeat(16_000))).toBeGreaterThan(0);
    expect(patternCost(`${part.repeat(16_000)}\\`)).toBeGreaterThan(0);
  }
});
