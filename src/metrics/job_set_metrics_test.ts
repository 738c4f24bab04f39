import { expect, test } from "bun:test";
import { testMetrics } from "./test_metrics.ts";

const HOUR_MS = 3_600_000;

function series(metric: "completed" | "failed", name: string, namespace = "default"): string {
  return `jobset_${metric}_total{jobset_name="${name}",namespace="${namespace}"}`;
}

function start() {
  const { clock, metrics, scrape } = testMetrics();
  const found = () => Object.keys(scrape()).filter((line) => /^jobset_(completed|failed)_total/.test(line));
  return { clock, jobSets: metrics.jobSets, scrape, found };
}

const jobSet = (name: string) => ({ namespace: "default", name });

test("JobSets count as completed or failed, by name and namespace", () => {
  const { jobSets, scrape } = start();
  jobSets.finished(jobSet("a"), "Completed");
  jobSets.finished(jobSet("b"), "Failed");
  jobSets.finished({ namespace: "other", name: "a" }, "Failed");
  const samples = scrape();
  expect(samples).toMatchObject({
    [series("completed", "a")]: 1,
    [series("failed", "b")]: 1,
    [series("failed", "a", "other")]: 1,
  });
  expect(samples[series("failed", "a")]).toBeUndefined();
});

test("the series of a deleted JobSet stay an hour", () => {
  const { clock, jobSets, found } = start();
  for (const name of ["kept", "gone", "late"]) jobSets.finished(jobSet(name), "Completed");
  jobSets.deleted(jobSet("gone"));
  clock.advance(1);
  jobSets.deleted(jobSet("late"));
  jobSets.deleted(jobSet("never finished"));
  clock.advance(HOUR_MS - 2);
  expect(found()).toHaveLength(3);
  clock.advance(1);
  expect(found()).toEqual([series("completed", "kept"), series("completed", "late")]);
  clock.advance(1);
  expect(found()).toEqual([series("completed", "kept")]);
  clock.advance(100 * HOUR_MS);
  expect(found()).toEqual([series("completed", "kept")]);
});

test("a JobSet made anew under the name of a deleted one keeps the series, and counts on", () => {
  const { clock, jobSets, scrape, found } = start();
  jobSets.finished(jobSet("a"), "Failed");
  jobSets.deleted(jobSet("a"));
  jobSets.seen(jobSet("a"));
  jobSets.seen(jobSet("unfinished"));
  clock.advance(2 * HOUR_MS);
  expect(found()).toEqual([series("failed", "a")]);
  jobSets.finished(jobSet("a"), "Failed");
  expect(scrape()[series("failed", "a")]).toBe(2);
  jobSets.deleted(jobSet("a"));
  clock.advance(HOUR_MS);
  expect(found()).toEqual([]);
});

test("beyond 1,000 JobSets the longest deleted go at once, those that exist stay (R75)", () => {
  const { jobSets, found } = start();
  for (let index = 0; index < 10; index++) jobSets.finished(jobSet(`kept-${index}`), "Failed");
  for (let index = 0; index < 10_000; index++) {
    jobSets.finished(jobSet(`run-${index}`), index % 2 === 0 ? "Completed" : "Failed");
    jobSets.deleted(jobSet(`run-${index}`));
  }
  const lines = found();
  expect(lines).toHaveLength(1000);
  for (let index = 0; index < 10; index++) expect(lines).toContain(series("failed", `kept-${index}`));
  expect(lines).toContain(series("failed", "run-9999"));
  expect(lines).toContain(series("completed", "run-9010"));
  expect(lines).not.toContain(series("failed", "run-9009"));
});

test("10,000 JobSets that all exist have no more series either (R75)", () => {
  const { jobSets, found } = start();
  for (let index = 0; index < 10_000; index++) jobSets.finished(jobSet(`run-${index}`), "Completed");
  const lines = found();
  expect(lines).toHaveLength(1000);
  expect(lines[0]).toBe(series("completed", "run-9000"));
});
