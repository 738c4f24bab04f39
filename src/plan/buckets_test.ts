import { expect, test } from "bun:test";
import { readJobSet } from "../api/job_set.ts";
import { positionOf } from "./buckets.ts";

/** Of a JobSet whose replicatedJobs have these names and three Jobs each. */
function positionsIn(names: readonly string[], jobs: readonly string[]): readonly (number | undefined)[] {
  const replicatedJobs = names.map((name) => ({ name, replicas: 3, template: {} }));
  const jobSet = readJobSet({ metadata: { namespace: "ns", name: "js", uid: "u" }, spec: { replicatedJobs } });
  if (jobSet === undefined) throw new Error("read a JobSet: it has no name");
  const positions = new Map(names.map((name, position) => [`js-${name}`, position]));
  return jobs.map((job) => positionOf(jobSet, positions, job));
}

const JOBS = [
  "js-w-0",
  "js-w-2",
  "js-w-3",
  "js-w-1-1",
  "js-w-1-02",
  "js-w",
  "js-x-0",
  "other-w-0",
  "js-w-1-4",
  "js-w--1",
];
const EXPECTED = [0, 0, undefined, 1, undefined, undefined, undefined, undefined, undefined, undefined];

test("a Job belongs to the replicatedJob that it is named after, if that has so many", () => {
  expect(positionsIn(["w", "w-1"], JOBS)).toEqual(EXPECTED);
});

test("the same is said where there are many replicatedJobs", () => {
  expect(positionsIn(["w", "w-1", "a", "b", "c", "d"], JOBS)).toEqual(EXPECTED);
});
