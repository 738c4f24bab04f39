import { expect, test } from "bun:test";
import { readOptions } from "./options.ts";

test("arguments have defaults", () => {
  expect(readOptions([])).toEqual({ seed: 1, steps: 1_000_000, workers: 2, hasCanary: false, scenario: undefined });
});

test("arguments are read", () => {
  const args = ["--seed", "7", "--steps=20", "--canary", "--scenario", "file.json", "--workers", "1"];
  expect(readOptions(args)).toEqual({ seed: 7, steps: 20, workers: 1, hasCanary: true, scenario: "file.json" });
});

test("what is wrong with arguments is said in one line", () => {
  expect(readOptions(["--seed", "x"])).toBe('--seed must be a whole number up to 4294967295, not "x"');
  expect(readOptions(["--steps", "0"])).toBe('--steps must be a whole number up to 1000000000000, not "0"');
  expect(readOptions(["--stepps", "1"])).toContain("--stepps");
  expect(readOptions(["more"])).toContain("more");
});
