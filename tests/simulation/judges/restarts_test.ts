import { expect, test } from "bun:test";
import { COMPLETED, condition, counts, ended, job, jobSet, restarting, TestBench, uidOf } from "./test_bench.ts";

const POLICY = { failurePolicy: { maxRestarts: 2 } };
const FAILED_WORDS = "FailedJobs: jobset failed due to one or more job failures";

/** A JobSet with its three Jobs. */
function running(spec: Parameters<typeof jobSet>[0] = POLICY, ...[scenario]: ConstructorParameters<typeof TestBench>) {
  const bench = new TestBench(scenario);
  bench.put("jobsets", jobSet(spec), { user: "user" });
  for (const place of ["a-0", "a-1", "b-0"]) bench.put("jobs", job(place));
  return bench;
}

function fail(bench: TestBench, uid: string, type = "Failed", time?: string): void {
  bench.change(uid, { status: ended(type, time === undefined ? {} : { time }) }, "job-controller");
}

const restart = (first: string, to = 1) => ({
  restarts: to,
  restartsCountTowardsMax: to,
  conditions: [restarting(first)],
});

test("a restart for a failure is right", () => {
  const bench = running();
  fail(bench, uidOf("a-1"), "FailureTarget");
  bench.status("js", restart("js-a-1"));
  expect(bench.details).toEqual([]);
});

test("a restart without a failure is found", () => {
  const bench = running();
  bench.status("js", restart("js-a-1"));
  expect(bench.violated).toEqual(["restarts"]);
});

test("one failure counted twice is found", () => {
  const bench = running();
  fail(bench, uidOf("a-1"));
  bench.status("js", restart("js-a-1"));
  bench.status("js", restart("js-a-1", 2));
  expect(bench.violated).toEqual(["restarts"]);
});

test("restarts that fall, or rise by two, are found", () => {
  const fallen = running();
  fail(fallen, uidOf("a-1"));
  fallen.status("js", restart("js-a-1"));
  fallen.status("js", { restarts: 0 });
  expect(fallen.violated).toEqual(["restarts"]);
  const double = running();
  fail(double, uidOf("a-1"));
  double.status("js", restart("js-a-1", 2));
  expect(double.violated).toEqual(["restarts"]);
});

test("a restart that is not counted, or over the maximum, is found", () => {
  const uncounted = running();
  fail(uncounted, uidOf("a-1"));
  uncounted.status("js", { ...restart("js-a-1"), restartsCountTowardsMax: 0 });
  expect(uncounted.violated).toEqual(["restarts"]);
  const over = running({ failurePolicy: { maxRestarts: 0 } });
  fail(over, uidOf("a-1"));
  over.status("js", restart("js-a-1"));
  expect(over.violated).toEqual(["restarts"]);
});

test("R76: counters left by the write that restarts are found", () => {
  const bench = running();
  fail(bench, uidOf("a-1"));
  bench.status("js", { ...restart("js-a-1"), replicatedJobsStatus: [counts("a", { succeeded: 1 }), counts("b")] });
  expect(bench.violated).toEqual(["counters"]);
});

test("R64: a later failure named first is found, and an earlier one that was seen late is not", () => {
  const bench = running();
  fail(bench, uidOf("a-1"), "Failed", "2030-01-01T00:00:09Z");
  fail(bench, uidOf("b-0"), "Failed", "2030-01-01T00:00:01Z");
  bench.status("js", restart("js-a-1"));
  expect(bench.violated).toEqual([]);
  const wrong = running();
  fail(wrong, uidOf("b-0"), "Failed", "2030-01-01T00:00:01Z");
  fail(wrong, uidOf("a-1"), "Failed", "2030-01-01T00:00:09Z");
  wrong.status("js", restart("js-a-1"));
  expect(wrong.violated).toEqual(["restarts"]);
});

test("a later failure known by the answer to a write may be named first", () => {
  const failed = (user: "controller-1" | "queue") => {
    const bench = running();
    fail(bench, uidOf("b-0"), "Failed", "2030-01-01T00:00:01Z");
    fail(bench, uidOf("a-1"), "Failed", "2030-01-01T00:00:09Z");
    bench.change("js", { spec: { suspend: true } }, "user");
    bench.change(uidOf("a-1"), { spec: { suspend: true } }, user);
    bench.status("js", restart("js-a-1"));
    return bench.violated;
  };
  expect(failed("controller-1")).toEqual([]);
  expect(failed("queue")).toEqual(["restarts"]);
});

test("where watches lag, a later failure known by a look-up may be named first", () => {
  const bench = running(POLICY, { controllers: 2 });
  fail(bench, uidOf("b-0"), "Failed", "2030-01-01T00:00:01Z");
  fail(bench, uidOf("a-1"), "Failed", "2030-01-01T00:00:09Z");
  bench.status("js", restart("js-a-1"));
  expect(bench.violated).toEqual([]);
});

test("R80: a restart although the run has just succeeded is found", () => {
  const spec = { ...POLICY, successPolicy: { operator: "All", targetReplicatedJobs: ["b"] } };
  const bench = running(spec);
  bench.change(uidOf("b-0"), { status: ended("SuccessCriteriaMet") }, "job-controller");
  fail(bench, uidOf("a-1"));
  bench.status("js", restart("js-a-1"));
  expect(bench.violated).toEqual(["restarts"]);
});

test("a rule is applied, and no other", () => {
  const rules = [{ name: "host", action: "RestartJobSetAndIgnoreMaxRestarts", onJobFailureReasons: ["Host"] }];
  const bench = running({ failurePolicy: { maxRestarts: 0, rules } });
  bench.change(uidOf("a-0"), { status: ended("Failed", { reason: "Host" }) }, "job-controller");
  bench.status("js", { restarts: 1, conditions: [condition("RestartingJobSet", "True", `FailurePolicy_host: x`)] });
  expect(bench.violated).toEqual(["restarts"]);
  const right = running({ failurePolicy: { maxRestarts: 0, rules } });
  right.change(uidOf("a-0"), { status: ended("Failed", { reason: "Host" }) }, "job-controller");
  const words = "applying RestartJobSetAndIgnoreMaxRestarts failure policy action (first failed job: js-a-0)";
  right.status("js", {
    restarts: 1,
    conditions: [condition("RestartingJobSet", "True", `FailurePolicy_host: ${words}`)],
  });
  expect(right.details).toEqual([]);
});

test("Completed without the successes is found, with those of Jobs that are gone it is right", () => {
  const bench = running();
  for (const place of ["a-0", "a-1"]) bench.change(uidOf(place), { status: ended("Complete") }, "job-controller");
  bench.status("js", { conditions: [COMPLETED], terminalState: "Completed" });
  expect(bench.violated).toEqual(["terminal state"]);
  const right = running();
  for (const place of ["a-0", "a-1", "b-0"]) {
    right.change(uidOf(place), { status: ended("Complete") }, "job-controller");
  }
  right.remove(uidOf("a-1"), "user");
  right.status("js", { conditions: [COMPLETED], terminalState: "Completed" });
  expect(right.details).toEqual([]);
});

test("Failed without a failure is found", () => {
  const bench = running({});
  const failed = condition("Failed", "True", `${FAILED_WORDS} (first failed job: js-a-0)`);
  bench.status("js", { conditions: [failed], terminalState: "Failed" });
  expect(bench.violated).toEqual(["terminal state"]);
});

test("the restart of one Job is counted once, and only with its gate", () => {
  const rules = [{ name: "one", action: "RestartJob" }];
  const spec = { failurePolicy: { maxRestarts: 2, rules } };
  const raise = (bench: TestBench, counted: readonly number[], restarts = [0, 1]) => {
    const a = counts("a", { jobRestarts: restarts, jobRestartsCountTowardsMax: counted });
    bench.status("js", { replicatedJobsStatus: [a, counts("b")] });
  };
  const right = running(spec, { gates: { RestartJob: true } });
  fail(right, uidOf("a-1"));
  raise(right, [0, 1]);
  expect(right.details).toEqual([]);
  raise(right, [0, 2], [0, 2]);
  expect(right.violated).toEqual(["restarts"]);
  const two = running(spec, { gates: { RestartJob: true } });
  fail(two, uidOf("a-1"));
  raise(two, [1, 1], [1, 1]);
  expect(two.violated).toEqual(["restarts of Jobs", "restarts"]);
  const off = running(spec);
  fail(off, uidOf("a-1"));
  raise(off, [0, 1]);
  expect(off.violated).toEqual(["restarts of Jobs", "restarts"]);
});

test("the canary finds a restart", () => {
  const bench = new TestBench({}, { hasCanary: true });
  bench.put("jobsets", jobSet(POLICY), { user: "user" });
  bench.put("jobs", job("a-1"));
  fail(bench, uidOf("a-1"));
  bench.status("js", restart("js-a-1"));
  expect(bench.violated).toEqual(["canary"]);
});
