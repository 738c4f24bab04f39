import { expect, test } from "bun:test";
import type { JsonObject } from "../../../src/base/json.ts";
import { COMPLETED, condition, counts, ended, job, jobSet, restarting, TestBench, uidOf } from "./test_bench.ts";

const SUSPENDED = condition("Suspended", "True", "SuspendedJobs: jobset is suspended");
const READY = "JobsReady: all jobs are ready";
const IN_PROGRESS = "InOrderStartupPolicyInProgress: in order startup policy is in progress";
const STARTED = "InOrderStartupPolicyCompleted: in order startup policy has completed";

function created(spec: JsonObject = {}, ...[scenario]: ConstructorParameters<typeof TestBench>): TestBench {
  const bench = new TestBench(scenario);
  bench.put("jobsets", jobSet(spec), { user: "user" });
  return bench;
}

function completed(): TestBench {
  const bench = created();
  for (const place of ["a-0", "a-1", "b-0"]) {
    bench.put("jobs", job(place));
    bench.change(uidOf(place), { status: ended("Complete") }, "job-controller");
  }
  bench.status("js", { conditions: [COMPLETED], terminalState: "Completed" });
  expect(bench.details).toEqual([]);
  return bench;
}

/** What is found in a status that is written over another. */
function found(spec: JsonObject, first: readonly JsonObject[], second: readonly JsonObject[]): readonly string[] {
  const bench = new TestBench();
  bench.put("jobsets", jobSet(spec, { status: { conditions: first } }), { user: "user" });
  bench.status("js", { conditions: second });
  return bench.violated;
}

test("a condition is added as True only", () => {
  expect(found({}, [], [condition("RestartingJobSet", "False", READY)])).toEqual(["conditions"]);
  expect(found({ suspend: true }, [], [SUSPENDED])).toEqual([]);
});

test("a condition that is none of ours, twice there, or taken away is found", () => {
  expect(found({}, [], [condition("Odd", "True", "a: b")])).toEqual(["conditions"]);
  expect(found({ suspend: true }, [SUSPENDED], [SUSPENDED, SUSPENDED])).toEqual(["conditions"]);
  expect(found({ suspend: true }, [SUSPENDED], [])).toEqual(["conditions"]);
});

test("a time that changes without a transition is found", () => {
  expect(found({ suspend: true }, [SUSPENDED], [{ ...SUSPENDED, lastTransitionTime: "2030-01-01T00:00:05Z" }])).toEqual(
    [
      "conditions",
    ],
  );
});

test("ready and restarted again in one reconcile is a transition, and back", () => {
  const bench = created({ failurePolicy: { maxRestarts: 9 } });
  const restart = (attempt: number, lastTransitionTime: string) => {
    bench.put("jobs", job("a-0", { attempt: attempt - 1 }));
    bench.change(uidOf("a-0", attempt - 1), { status: ended("FailureTarget") }, "job-controller");
    const conditions = [{ ...restarting("js-a-0"), lastTransitionTime }];
    bench.status("js", { restarts: attempt, restartsCountTowardsMax: attempt, conditions });
  };
  restart(1, "2030-01-01T00:00:01Z");
  restart(2, "2030-01-01T00:00:02Z");
  expect(bench.details).toEqual([]);
});

test("other words than those of the specification are found", () => {
  const resumed = (words: string) => found({}, [SUSPENDED], [condition("Suspended", "False", words)]);
  expect(resumed("ResumeJobs: jobset is resumed")).toEqual([]);
  expect(resumed("ResumeJobs: it is resumed")).toEqual(["conditions"]);
});

test("a condition that the spec does not bear out is found", () => {
  expect(found({}, [], [SUSPENDED])).toEqual(["conditions"]);
  const resumed = condition("Suspended", "False", "ResumeJobs: jobset is resumed");
  expect(found({ suspend: true }, [SUSPENDED], [resumed])).toEqual(["conditions"]);
  expect(found({}, [], [condition("StartupPolicyInProgress", "True", IN_PROGRESS)])).toEqual(["conditions"]);
  const restarting = condition("RestartingJobSet", "True", "DefaultFailurePolicy: x");
  expect(found({}, [restarting], [condition("RestartingJobSet", "False", "JobSetFailed: jobset failed")])).toEqual([
    "conditions",
  ]);
});

test("Suspended while a Job runs is found", () => {
  const bench = created({ suspend: true });
  bench.put("jobs", job("a-0", { suspend: true }));
  bench.put("jobs", job("a-1"));
  // So long a controller may not know.
  bench.pass(10_000);
  bench.status("js", { conditions: [SUSPENDED] });
  expect(bench.violated).toEqual(["conditions"]);
});

test("the startup conditions exclude each other, and keep their words", () => {
  const spec = { startupPolicy: { startupPolicyOrder: "InOrder" } };
  const progress = condition("StartupPolicyInProgress", "True", IN_PROGRESS);
  const done = condition("StartupPolicyCompleted", "True", STARTED);
  expect(found(spec, [progress], [{ ...progress, status: "False" }, done])).toEqual([]);
  expect(found(spec, [progress], [progress, done])).toEqual(["conditions"]);
  expect(found(spec, [progress], [{ ...progress, status: "False", reason: "Other" }, done])).toEqual(["conditions"]);
});

test("an end that is taken back, changed or contradicted is found", () => {
  const final = ["terminal states are final"];
  const back = completed();
  back.status("js", { conditions: [{ ...COMPLETED, status: "False" }], terminalState: "" });
  expect(back.violated).toContain(final[0] ?? "");
  const odd = completed();
  odd.status("js", { terminalState: "Failed" });
  expect(odd.violated).toEqual(final);
  const again = completed();
  again.status("js", { restarts: 1, restartsCountTowardsMax: 1 });
  expect(again.violated).toContain(final[0] ?? "");
});

test("counters over the replicas are found", () => {
  const bench = created();
  bench.status("js", { replicatedJobsStatus: [counts("a", { ready: 2, succeeded: 1 }), counts("b")] });
  expect(bench.violated).toEqual(["counters"]);
});

test("of a JobSet whose replicas were changed, which only the webhook forbids, nothing is said", () => {
  const bench = created();
  bench.change("js", { spec: { replicatedJobs: [{ name: "a", replicas: 0, template: {} }] } }, "user");
  bench.status("js", { replicatedJobsStatus: [counts("a", { ready: 1 })] });
  expect(bench.details).toEqual([]);
});

test("counters that are wrong at rest are found", () => {
  const bench = created({ replicatedJobs: [{ name: "a", replicas: 1, template: {} }] });
  bench.put("jobs", job("a-0"));
  bench.change(uidOf("a-0"), { status: { ready: 1, active: 1 } }, "job-controller");
  bench.status("js", { replicatedJobsStatus: [counts("a", { ready: 1 })] });
  bench.rest();
  expect(bench.violated).toContain("counters");
  expect(bench.details).toContain(
    'counters: js: a has {"ready":1,"succeeded":0,"failed":0,"active":1,"suspended":0}, ' +
      'the status says {"ready":1,"succeeded":0,"failed":0,"active":0,"suspended":0}',
  );
});

const GATE = { gates: { ExecutionAttemptsTracking: true } };
const INVARIANT = ["execution attempts"];

/** A JobSet that runs for the first time, with one Job. */
function counted(): TestBench {
  const bench = created({}, GATE);
  bench.status("js", { executionAttempts: 0 });
  bench.put("jobs", job("a-0", { execution: 0 }));
  expect(bench.details).toEqual([]);
  return bench;
}

function resume(bench: TestBench): void {
  bench.change("js", { spec: { suspend: true } }, "user");
  bench.change(uidOf("a-0"), { spec: { suspend: true } }, "controller-1");
  bench.change("js", { spec: { suspend: false } }, "user");
}

test("a resume is counted once, and a Job runs once in each run", () => {
  const right = counted();
  resume(right);
  right.status("js", { executionAttempts: 1 });
  const annotations = { "jobset.sigs.k8s.io/execution-attempt": "1" };
  right.change(uidOf("a-0"), { metadata: { annotations }, spec: { suspend: false } }, "controller-1");
  expect(right.details).toEqual([]);
  right.status("js", { executionAttempts: 2 });
  expect(right.violated).toEqual(INVARIANT);
});

test("a Job that somebody else suspends begins another run", () => {
  const bench = counted();
  bench.change(uidOf("a-0"), { spec: { suspend: true } }, "queue");
  bench.status("js", { executionAttempts: 1 });
  expect(bench.details).toEqual([]);
  bench.status("js", { executionAttempts: 2 });
  expect(bench.violated).toEqual(INVARIANT);
});

test("a Job that runs twice in one run, or before it is counted, is found", () => {
  const twice = counted();
  resume(twice);
  twice.change(uidOf("a-0"), { spec: { suspend: false } }, "controller-1");
  expect(twice.violated).toEqual(INVARIANT);
  const early = counted();
  early.put("jobs", job("a-1", { execution: 1 }));
  expect(early.violated).toEqual(INVARIANT);
});

test("a count that jumps, falls, or is made with the gate off is found", () => {
  for (const executionAttempts of [2, -1]) {
    const bench = counted();
    bench.status("js", { executionAttempts });
    expect(bench.violated).toEqual(INVARIANT);
  }
  const off = created();
  off.status("js", { executionAttempts: 0 });
  expect(off.violated).toEqual(INVARIANT);
});
