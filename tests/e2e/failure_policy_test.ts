/** What a failed Job means (spec 3.3): every action, every kind of rule, with and without a policy. */
import { expect } from "bun:test";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import { attemptOf, type Cluster, conditionOf, countersOf, nameOf, restartsOf, terminalState } from "./cluster.ts";
import { fail, type Failure, run, startToFail } from "./job_status.ts";
import { byHand, group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();

interface Rule {
  readonly name: string;
  readonly action: string;
  readonly onJobFailureReasons?: readonly string[];
  readonly onJobFailureMessagePatterns?: readonly string[];
  readonly targetReplicatedJobs?: readonly string[];
}

function policy(maxRestarts: number, rules: readonly Rule[] = [], extra: JsonObject = {}): JsonObject {
  return { failurePolicy: { maxRestarts, rules, ...extra } };
}

/** Driver and two workers whose Jobs are written by hand. */
async function create(cluster: Cluster, spec: JsonObject): Promise<void> {
  await cluster.create("jobsets", jobSet("js", [byHand("driver"), byHand("workers", { replicas: 2 })], spec));
  await cluster.jobCount("js", 3, 0);
}

/** The JobSet once `restarts` is this, all of its Jobs being of that attempt. */
async function restarted(cluster: Cluster, restarts: number): Promise<JsonObject> {
  await cluster.jobCount("js", 3, restarts);
  const stored = await cluster.jobSet("js");
  expect(restartsOf(stored)).toBe(restarts);
  expect(terminalState(stored)).toBe("");
  return stored;
}

e2e.test("without a policy one failure fails the JobSet; the active Jobs are deleted (R02)", async (cluster) => {
  await create(cluster, {});
  await fail(cluster, "js-workers-1");
  const failed = await cluster.terminal("js", "Failed");
  const message = "jobset failed due to one or more job failures (first failed job: js-workers-1)";
  expect(conditionOf(failed, "Failed")).toMatchObject({ status: "True", reason: "FailedJobs", message });
  expect(conditionOf(failed, "Completed")).toBeUndefined();
  expect(conditionOf(failed, "RestartingJobSet")).toBeUndefined();
  expect(restartsOf(failed)).toBe(0);
  expect((await cluster.jobCount("js", 1)).map(nameOf)).toEqual(["js-workers-1"]);
  expect(await cluster.event("js", "FailedJobs")).toEqual({
    type: "Warning",
    reason: "FailedJobs",
    note: message,
    count: 1,
  });
});

e2e.test("maxRestarts: so many restarts, then Failed; absent it is 0", async (cluster) => {
  await create(cluster, policy(1));
  await fail(cluster, "js-driver-0");
  const once = await restarted(cluster, 1);
  const message = "applying RestartJobSet failure policy action (first failed job: js-driver-0)";
  expect(at(once, "status", "restartsCountTowardsMax")).toBe(1);
  expect(conditionOf(once, "RestartingJobSet")).toMatchObject({
    status: "True",
    reason: "DefaultFailurePolicy",
    message,
  });
  expect(await cluster.event("js", "RestartJobSetFailurePolicyAction")).toMatchObject({
    type: "Warning",
    note: message,
  });
  await fail(cluster, "js-workers-0");
  const failed = await cluster.terminal("js", "Failed");
  expect(conditionOf(failed, "Failed")).toMatchObject({
    reason: "ReachedMaxRestarts",
    message: "jobset failed due to reaching max number of restarts (first failed job: js-workers-0)",
  });
  expect(conditionOf(failed, "RestartingJobSet")).toMatchObject({
    status: "False",
    reason: "JobSetFailed",
    message: "jobset failed",
  });
  expect(restartsOf(failed)).toBe(1);
  expect((await cluster.jobCount("js", 1)).map(nameOf)).toEqual(["js-workers-0"]);

  await cluster.create("jobsets", jobSet("none", [byHand("a")], { failurePolicy: {} }));
  await cluster.jobCount("none", 1);
  await fail(cluster, "none-a-0");
  expect(conditionOf(await cluster.terminal("none", "Failed"), "Failed")?.reason).toBe("ReachedMaxRestarts");
});

e2e.test("the first rule that matches decides: reasons, then message patterns, then targets, then none", async (cluster) => {
  await create(
    cluster,
    policy(2, [
      { name: "wrongInput", action: "FailJobSet", onJobFailureReasons: ["PodFailurePolicy", "FailedIndexes"] },
      {
        name: "flaky",
        action: "RestartJobSetAndIgnoreMaxRestarts",
        onJobFailureMessagePatterns: ["never seen", "exit code 4[0-9] "],
      },
      {
        name: "workersLate",
        action: "RestartJobSetAndIgnoreMaxRestarts",
        onJobFailureReasons: ["DeadlineExceeded"],
        targetReplicatedJobs: ["workers"],
      },
      { name: "theRest", action: "RestartJobSet", targetReplicatedJobs: ["workers"] },
    ]),
  );
  const steps: readonly (readonly [string, Failure, string, number])[] = [
    ["js-workers-0", { message: "container main failed with exit code 42 (ours)" }, "FailurePolicy_flaky", 0],
    ["js-workers-1", { reason: "DeadlineExceeded" }, "FailurePolicy_workersLate", 0],
    ["js-workers-1", { message: "exit code 42" }, "FailurePolicy_theRest", 1],
    ["js-driver-0", { reason: "DeadlineExceeded" }, "DefaultFailurePolicy", 2],
  ];
  for (const [index, [job, failure, reason, counted]] of steps.entries()) {
    await fail(cluster, job, failure);
    const stored = await restarted(cluster, index + 1);
    expect(conditionOf(stored, "RestartingJobSet")).toMatchObject({ status: "True", reason });
    expect(at(stored, "status", "restartsCountTowardsMax") ?? 0).toBe(counted);
  }
  await fail(cluster, "js-driver-0", { reason: "FailedIndexes" });
  const failed = await cluster.terminal("js", "Failed");
  expect(conditionOf(failed, "Failed")).toMatchObject({
    reason: "FailJobSetFailurePolicyAction",
    message: "applying FailJobSet failure policy action (first failed job: js-driver-0)",
  });
  // Events follow the status that they tell of.
  await cluster.event("js", "FailJobSetFailurePolicyAction");
  const actions = (await cluster.events("js")).map(({ reason }) => reason).filter((reason) =>
    reason.endsWith("Action")
  );
  expect(new Set(actions)).toEqual(
    new Set([
      "RestartJobSetAndIgnoreMaxRestartsFailurePolicyAction",
      "RestartJobSetFailurePolicyAction",
      "FailJobSetFailurePolicyAction",
    ]),
  );
});

e2e.test("RestartJobSetAndIgnoreMaxRestarts restarts beyond maxRestarts", async (cluster) => {
  await create(cluster, policy(0, [{ name: "always", action: "RestartJobSetAndIgnoreMaxRestarts" }]));
  for (const attempt of [1, 2, 3]) {
    await fail(cluster, "js-driver-0");
    const stored = await restarted(cluster, attempt);
    expect(at(stored, "status", "restartsCountTowardsMax") ?? 0).toBe(0);
    expect(conditionOf(stored, "RestartingJobSet")?.reason).toBe("FailurePolicy_always");
  }
});

e2e.testWithoutWebhooks("a pattern that does not compile matches nothing and stops nothing (R69)", async (cluster) => {
  await create(
    cluster,
    policy(3, [
      { name: "broken", action: "FailJobSet", onJobFailureMessagePatterns: ["("] },
      { name: "good", action: "RestartJobSet", onJobFailureMessagePatterns: ["^gone"] },
    ]),
  );
  await fail(cluster, "js-driver-0", { message: "gone (" });
  expect(conditionOf(await restarted(cluster, 1), "RestartingJobSet")?.reason).toBe("FailurePolicy_good");
});

e2e.testWithoutWebhooks(
  "RestartJob while its gate is off is told by an event; nothing restarts, nothing fails",
  async (cluster) => {
    await create(cluster, policy(3, [{ name: "one", action: "RestartJob" }]));
    const before = await cluster.jobs("js");
    await fail(cluster, "js-driver-0");
    expect((await cluster.event("js", "FailurePolicyActionRefused")).type).toBe("Warning");
    const stored = await cluster.jobSet("js");
    expect(restartsOf(stored)).toBe(0);
    expect(terminalState(stored)).toBe("");
    expect((await cluster.jobs("js")).map(nameOf)).toEqual(before.map(nameOf));
  },
);

e2e.test("a Job about to fail restarts the JobSet before its last Pod is gone; it is counted as what its Pods make it (R70)", async (cluster) => {
  await create(cluster, policy(0));
  for (const name of ["js-driver-0", "js-workers-0", "js-workers-1"]) await run(cluster, name);
  const counters = async (name: string) => countersOf(await cluster.jobSet("js"), name);
  await cluster.eventually("all to be ready", async () => {
    return (await counters("driver"))["ready"] === 1 && (await counters("workers"))["ready"] === 2;
  });
  const recording = await cluster.record("jobsets");
  await startToFail(cluster, "js-driver-0", { reason: "PodFailurePolicy" });
  const failed = await cluster.terminal("js", "Failed");
  expect(conditionOf(failed, "Failed")?.message).toContain("(first failed job: js-driver-0)");
  // It is kept for the evidence, and its bucket is the one of its Pods until Failed is true.
  expect((await cluster.jobCount("js", 1)).map(nameOf)).toEqual(["js-driver-0"]);
  await cluster.eventually("the workers to be gone", async () => (await counters("workers"))["active"] === 0);
  await recording.stop();
  for (const { object } of recording.frames) {
    expect(countersOf(object, "driver")).toMatchObject({ failed: 0, active: 1, ready: 1 });
  }
  await fail(cluster, "js-driver-0");
  await cluster.eventually("it to count as failed", async () => (await counters("driver"))["failed"] === 1);
});

e2e.test("what real Pods and the real Job controller report reaches the rules", async (cluster) => {
  const spec = policy(3, [
    {
      name: "wrongInput",
      action: "FailJobSet",
      onJobFailureReasons: ["PodFailurePolicy"],
      onJobFailureMessagePatterns: ["exit code 42"],
    },
    { name: "tooLate", action: "RestartJobSetAndIgnoreMaxRestarts", onJobFailureReasons: ["DeadlineExceeded"] },
    { name: "crash", action: "RestartJobSet", onJobFailureReasons: ["BackoffLimitExceeded"] },
  ]);
  const podFailurePolicy = { rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [42] } }] };
  const ends = (attempt: string, exitCode = "1") => ({
    "fail-after": "200ms",
    "exit-code": exitCode,
    "fail-on-restart-attempt": attempt,
  });
  await cluster.create(
    "jobsets",
    jobSet("real", [
      group("crash", { fate: ends("0") }),
      group("late", { fate: ends("9"), job: { activeDeadlineSeconds: 60 } }),
      group("input", { fate: ends("1", "42"), job: { podFailurePolicy } }),
    ], spec),
  );
  const failed = await cluster.terminal("real", "Failed");
  expect(conditionOf(failed, "Failed")?.message).toContain("(first failed job: real-input-0)");
  expect(restartsOf(failed)).toBe(1);
  const note = (await cluster.event("real", "RestartJobSetFailurePolicyAction")).note;
  expect(note).toContain("(first failed job: real-crash-0)");
  await cluster.eventually("only the failed Job and its failed Pod", async () => {
    const jobs = await cluster.jobs("real");
    const pods = await cluster.pods("real");
    return jobs.length === 1 && pods.length === 1 && attemptOf(pods[0]) === 1;
  });

  await cluster.create(
    "jobsets",
    jobSet(
      "late",
      [group("a", { job: { activeDeadlineSeconds: 1 } })],
      policy(0, [
        { name: "tooLate", action: "FailJobSet", onJobFailureReasons: ["DeadlineExceeded"] },
      ]),
    ),
  );
  const late = await cluster.terminal("late", "Failed");
  expect(conditionOf(late, "Failed")?.reason).toBe("FailJobSetFailurePolicyAction");
});

e2e.test("Jobs that had succeeded are recreated too; the counters are 0 in the write that counts the restart (R76)", async (cluster) => {
  await cluster.create(
    "jobsets",
    jobSet("js", [
      group("driver", { fate: { "succeed-after": "0s" } }),
      group("workers", {
        replicas: 2,
        fate: { "fail-after": "2s", "fail-job-index": "1", "fail-on-restart-attempt": "0" },
      }),
    ], policy(1)),
  );
  const recording = await cluster.record("jobsets");
  await cluster.eventually(
    "the driver to succeed",
    async () => countersOf(await cluster.jobSet("js"), "driver")["succeeded"] === 1,
  );
  await cluster.jobCount("js", 3, 1);
  await recording.stop();
  const frames = recording.frames.map(({ object }) => object);
  const bump = frames.find((frame) => restartsOf(frame) === 1);
  const entries = asArray(at(bump, "status", "replicatedJobsStatus"));
  expect(entries).toHaveLength(2);
  for (const entry of entries) {
    expect(entry).toEqual({
      name: asString(at(entry, "name")),
      ready: 0,
      succeeded: 0,
      failed: 0,
      active: 0,
      suspended: 0,
    });
  }
  await cluster.eventually("the driver to succeed again", async () => {
    const stored = await cluster.jobSet("js");
    return restartsOf(stored) === 1 && countersOf(stored, "driver")["succeeded"] === 1;
  });
});
