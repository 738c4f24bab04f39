import { expect, test } from "bun:test";
import type { JsonObject } from "../../../src/base/json.ts";
import { COMPLETED, condition, ended, job, jobSet, restarting, TestBench, uidOf } from "./test_bench.ts";

const LATE_MS = 10_000;

function created(spec: JsonObject = {}, ...[scenario]: ConstructorParameters<typeof TestBench>): TestBench {
  const bench = new TestBench(scenario);
  bench.put("jobsets", jobSet(spec), { user: "user" });
  return bench;
}

function restarted(strategy: string): TestBench {
  const bench = created({ failurePolicy: { maxRestarts: 9, restartStrategy: strategy } });
  for (const place of ["a-0", "a-1"]) bench.put("jobs", job(place));
  bench.change(uidOf("a-1"), { status: ended("Failed") }, "job-controller");
  bench.status("js", { restarts: 1, restartsCountTowardsMax: 1, conditions: [restarting("js-a-1")] });
  return bench;
}

test("BlockingRecreate: a new Job beside an old one is found", () => {
  const bench = restarted("BlockingRecreate");
  bench.remove(uidOf("a-1"));
  bench.put("jobs", job("a-1", { attempt: 1 }));
  expect(bench.violated).toEqual(["generations"]);
  const recreate = restarted("Recreate");
  recreate.remove(uidOf("a-1"));
  recreate.put("jobs", job("a-1", { attempt: 1 }));
  expect(recreate.details).toEqual([]);
});

test("R06: a new Job beside Pods of its predecessor is found", () => {
  const bench = restarted("Recreate");
  const pod = { metadata: { uid: "pod", name: "pod", ownerReferences: [{ uid: uidOf("a-1") }] } };
  bench.put("pods", pod, { user: "job-controller" });
  bench.change(uidOf("a-1"), { metadata: { deletionTimestamp: bench.time() } }, "controller-1");
  bench.remove(uidOf("a-1"), "garbage-collector");
  bench.put("jobs", job("a-1", { attempt: 1 }));
  expect(bench.violated).toEqual(["generations"]);
});

test("R06: a new Job beside Pods that a user did not wait for is right", () => {
  const bench = restarted("Recreate");
  const pod = { metadata: { uid: "pod", name: "pod", ownerReferences: [{ uid: uidOf("a-1") }] } };
  bench.put("pods", pod, { user: "job-controller" });
  bench.change(uidOf("a-1"), { metadata: { deletionTimestamp: bench.time() } }, "controller-1");
  bench.remove(uidOf("a-1"), "user");
  bench.put("jobs", job("a-1", { attempt: 1 }));
  expect(bench.details).toEqual([]);
});

test("a Job of an attempt that was not counted yet is found", () => {
  const bench = created();
  bench.put("jobs", job("a-0", { attempt: 1 }));
  expect(bench.violated).toEqual(["restarts"]);
});

test("a Job that the spec does not ask for is found", () => {
  const bench = created();
  bench.put("jobs", job("a-2"));
  expect(bench.violated).toEqual(["Jobs of the spec"]);
});

test("a Job for a JobSet that is gone, or never was, is found once that must be known", () => {
  const bench = created();
  bench.remove("js", "user");
  bench.put("jobs", job("a-0"));
  expect(bench.violated).toEqual([]);
  bench.pass(LATE_MS);
  bench.put("jobs", job("a-1"));
  expect(bench.violated).toEqual(["no Job without its JobSet"]);
  const never = new TestBench();
  never.put("jobs", job("a-0"));
  expect(never.violated).toEqual(["no Job without its JobSet"]);
});

test("a Job left without its JobSet at rest is found", () => {
  const bench = created();
  bench.put("jobs", job("a-0"));
  bench.remove("js", "user");
  bench.process.sizes = { ...bench.process.sizes, jobs: 1 };
  bench.rest();
  expect(bench.violated).toEqual(["no Job without its JobSet"]);
});

test("a Job created after the end is found", () => {
  const bench = created();
  for (const place of ["a-0", "a-1", "b-0"]) {
    bench.put("jobs", job(place));
    bench.change(uidOf(place), { status: ended("Complete") }, "job-controller");
  }
  bench.status("js", { conditions: [COMPLETED], terminalState: "Completed" });
  bench.remove(uidOf("a-0"), "user");
  bench.pass(LATE_MS);
  bench.put("jobs", job("a-0"));
  expect(bench.violated).toContain("terminal states are final");
});

test("dependsOn: a Job created too early is found", () => {
  const replicatedJobs = [
    { name: "a", replicas: 1, template: {} },
    { name: "b", replicas: 1, template: {}, dependsOn: [{ name: "a", status: "Complete" }] },
  ];
  const early = created({ replicatedJobs });
  early.put("jobs", job("a-0"));
  early.change(uidOf("a-0"), { status: { ready: 1 } }, "job-controller");
  early.put("jobs", job("b-0"));
  expect(early.violated).toEqual(["dependsOn"]);
  const right = created({ replicatedJobs });
  right.put("jobs", job("a-0"));
  right.change(uidOf("a-0"), { status: ended("Complete") }, "job-controller");
  right.remove(uidOf("a-0"), "user");
  right.put("jobs", job("b-0"));
  expect(right.details).toEqual([]);
});

test("dependsOn: Jobs that were ready one after the other may be known as ready at once, while that is news", () => {
  const replicatedJobs = [
    { name: "a", replicas: 2, template: {} },
    { name: "b", replicas: 1, template: {}, dependsOn: [{ name: "a", status: "Ready" }] },
  ];
  const violated = (passedMs: number) => {
    const bench = created({ replicatedJobs });
    for (const place of ["a-0", "a-1"]) bench.put("jobs", job(place));
    bench.change(uidOf("a-0"), { status: { ready: 1 } }, "job-controller");
    bench.change(uidOf("a-0"), { status: { ready: 0 } }, "job-controller");
    bench.pass(passedMs);
    bench.change(uidOf("a-1"), { status: { ready: 1 } }, "job-controller");
    bench.put("jobs", job("b-0"));
    return bench.violated;
  };
  expect(violated(100)).toEqual([]);
  expect(violated(LATE_MS)).toEqual(["dependsOn"]);
});

test("InOrder: a Job set running too early is found", () => {
  const spec = { startupPolicy: { startupPolicyOrder: "InOrder" } };
  const bench = created(spec);
  bench.put("jobs", job("a-0"));
  bench.put("jobs", job("b-0", { suspend: true }));
  expect(bench.violated).toEqual([]);
  bench.change(uidOf("b-0"), { spec: { suspend: false } }, "controller-1");
  expect(bench.violated).toEqual(["InOrder"]);
  const right = created(spec);
  for (const place of ["a-0", "a-1"]) {
    right.put("jobs", job(place));
    right.change(uidOf(place), { status: { ready: 1 } }, "job-controller");
  }
  right.put("jobs", job("b-0"));
  expect(right.details).toEqual([]);
});

test("a Job set running for a suspended JobSet is found", () => {
  const bench = created({ suspend: true });
  bench.put("jobs", job("a-0", { suspend: true }));
  bench.pass(LATE_MS);
  expect(bench.violated).toEqual([]);
  bench.put("jobs", job("a-1"));
  expect(bench.violated).toEqual(["suspension"]);
});

test("a Job of the current attempt that is deleted is found", () => {
  const bench = created();
  bench.put("jobs", job("a-0"));
  bench.remove(uidOf("a-0"));
  expect(bench.violated).toEqual(["deletes"]);
});

test("a new Job deleted by an old decision is found", () => {
  const bench = restarted("Recreate");
  bench.remove(uidOf("a-1"));
  bench.put("jobs", job("a-1", { attempt: 1 }));
  expect(bench.violated).toEqual([]);
  bench.change(uidOf("a-1", 1), { metadata: { deletionTimestamp: bench.time() } }, "controller-1");
  expect(bench.violated).toEqual(["deletes"]);
});

test("the failed Job of a failed JobSet that is deleted is found", () => {
  const bench = created();
  bench.put("jobs", job("a-0"));
  bench.put("jobs", job("a-1"));
  bench.change(uidOf("a-0"), { status: ended("FailureTarget") }, "job-controller");
  const words = "FailedJobs: jobset failed due to one or more job failures (first failed job: js-a-0)";
  const failed = condition("Failed", "True", words);
  bench.status("js", { conditions: [failed], terminalState: "Failed" });
  bench.remove(uidOf("a-1"));
  expect(bench.details).toEqual([]);
  bench.remove(uidOf("a-0"));
  expect(bench.violated).toEqual(["evidence"]);
});

test("a JobSet deleted before its time is found", () => {
  const bench = created({ ttlSecondsAfterFinished: 20 });
  for (const place of ["a-0", "a-1", "b-0"]) {
    bench.put("jobs", job(place));
    bench.change(uidOf(place), { status: ended("Complete") }, "job-controller");
  }
  bench.status("js", { conditions: [COMPLETED], terminalState: "Completed" });
  bench.pass(10_000);
  bench.remove("js");
  expect(bench.violated).toEqual(["time to live"]);
  const open = created({ ttlSecondsAfterFinished: 0 });
  open.remove("js");
  expect(open.violated).toEqual(["time to live"]);
});

test("a Job suspended for a JobSet that runs is found", () => {
  const bench = created();
  bench.put("jobs", job("a-0"));
  bench.change(uidOf("a-0"), { spec: { suspend: true } }, "controller-1");
  expect(bench.violated).toEqual([]);
  bench.change(uidOf("a-0"), { spec: { suspend: false } }, "controller-1");
  bench.pass(LATE_MS);
  bench.change(uidOf("a-0"), { spec: { suspend: true } }, "controller-1");
  expect(bench.violated).toEqual(["suspension"]);
});

test("R81: a Job that has succeeded and is run again is found", () => {
  const bench = created();
  bench.put("jobs", job("a-0"));
  bench.change(uidOf("a-0"), { status: ended("Complete") }, "job-controller");
  bench.remove(uidOf("a-0"), "job-controller");
  bench.put("jobs", job("a-0", { jobAttempt: 0 }));
  expect(bench.violated).toEqual(["finished and gone"]);
});
