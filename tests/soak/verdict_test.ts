import { expect, test } from "bun:test";
import { complaints } from "./verdict.ts";

const GOOD = { growths: new Map([["rssMb", 1.05], ["fds", 1]] as const), pace: 9.5, failures: 0 };

test("a soak within all limits has no complaint", () => {
  expect(complaints(GOOD)).toEqual([]);
});

test("growth, a pace that was not kept and failed requests each fail the soak", () => {
  expect(complaints({ ...GOOD, growths: new Map([["rssMb", 1.0501], ["fds", 1]]) })).toEqual([
    "rssMb grew to 1.0501 of what it was, at most 1.05 is allowed",
  ]);
  expect(complaints({ ...GOOD, pace: 9.49 })).toEqual(["9.49 JobSets a second, at least 9.5 are asked for"]);
  expect(complaints({ ...GOOD, failures: 1 })).toEqual(["1 requests failed, at most 0 may"]);
});

test("what could not be measured is no success", () => {
  expect(complaints({ ...GOOD, growths: new Map([["timers", Number.NaN]]), pace: Number.NaN })).toHaveLength(2);
});
