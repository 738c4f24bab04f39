import { expect, test } from "bun:test";
import { changeLines } from "./changes.ts";
import { paint } from "./line.ts";
import { condition, EXITED_3, job, jobSet, pod, READY } from "./test_objects.ts";
import type { Snapshot } from "./views.ts";

const NOTHING: Snapshot = { jobSets: [], jobs: [], pods: [] };

function told(before: Partial<Snapshot>, after: Partial<Snapshot>): readonly string[] {
  return changeLines({ ...NOTHING, ...before }, { ...NOTHING, ...after })
    .map((entry) => paint(entry, { colours: false }));
}

test("changes tell a restart with its condition", () => {
  const conditions = [condition("RestartingJobSet", "True", "DefaultFailurePolicy")];
  expect(told({ jobSets: [jobSet()] }, { jobSets: [jobSet({ restarts: 1, conditions })] })).toEqual([
    "JobSet run  restart 1 (maxRestarts 3)",
    "JobSet run  condition RestartingJobSet=True, DefaultFailurePolicy",
    "JobSet run  Restarting",
  ]);
});

test("changes tell of a condition whose reason alone differs", () => {
  const before = jobSet({ conditions: [condition("RestartingJobSet", "False", "JobsReady")] });
  const after = jobSet({ conditions: [condition("RestartingJobSet", "False", "JobSetCompleted")] });
  expect(told({ jobSets: [before] }, { jobSets: [after] })).toEqual([
    "JobSet run  condition RestartingJobSet=False, JobSetCompleted",
  ]);
});

test("changes tell a Job that was deleted and created again as two", () => {
  const old = job({ group: "workers" });
  const recreated = job({ group: "workers", attempt: 1 });
  expect(told({ jobs: [old] }, { jobs: [recreated] })).toEqual([
    "Job run-workers-0  gone (attempt 0)",
    "Job run-workers-0  created (attempt 1)",
  ]);
});

test("changes tell how a Job stands and how many of its Pods are ready", () => {
  const old = job({ group: "workers" });
  const failing = job({
    group: "workers",
    status: { conditions: [condition("FailureTarget", "True", "BackoffLimitExceeded")] },
  });
  expect(told({ jobs: [old] }, { jobs: [job({ group: "workers", status: { ready: 2 } })] })).toEqual([
    "Job run-workers-0  2 of 2 ready",
  ]);
  expect(told({ jobs: [old] }, { jobs: [failing] })).toEqual(["Job run-workers-0  Failing"]);
});

test("changes tell the exit code of a Pod", () => {
  const owner = job({ group: "workers" });
  expect(told({ pods: [pod(owner, "0", READY)] }, { pods: [pod(owner, "0", EXITED_3)] })).toEqual([
    "Pod run-workers-0-0  Failed with exit code 3",
  ]);
});

test("changes are none where nothing that is shown has changed", () => {
  const before = { jobSets: [jobSet()], jobs: [job({ group: "driver" })] };
  const after = { jobSets: [jobSet()], jobs: [job({ group: "driver", status: { uncountedTerminatedPods: {} } })] };
  expect(told(before, after)).toEqual([]);
});
