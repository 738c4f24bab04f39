/** Runs are counted (spec 3.12; gate ExecutionAttemptsTracking), by the real Job controller; crashes are in a file of their own. */
import { expect } from "bun:test";
import { asInteger, at, type JsonObject } from "../../src/base/json.ts";
import { annotationsOf, type Cluster, isDeleting, restartsOf, uidOf } from "./cluster.ts";
import { FATE, group, jobSet } from "./job_sets.ts";
import { soloSuite } from "./suite.ts";
import { installedWithGates, withGates } from "./with_gates.ts";

const e2e = soloSuite();
const GATES = ["ExecutionAttemptsTracking"] as const;
const ANNOTATION = "jobset.sigs.k8s.io/execution-attempt";

function attemptsOf(stored: JsonObject): number | undefined {
  return asInteger(at(stored, "status", "executionAttempts"));
}

/** So many Pods run, each of this run; their Jobs and the status say the same. */
async function running(cluster: Cluster, count: number, attempt: number | undefined): Promise<void> {
  const text = attempt === undefined ? undefined : String(attempt);
  await cluster.eventually(`${count} running Pods of run ${text}`, async () => {
    const pods = (await cluster.pods("js")).filter((pod) => !isDeleting(pod));
    const isRight = (pod: JsonObject) =>
      at(pod, "status", "phase") === "Running" && annotationsOf(pod)[ANNOTATION] === text;
    return pods.length === count && pods.every(isRight);
  });
  for (const job of await cluster.jobs("js")) expect(annotationsOf(job)[ANNOTATION]).toBe(text);
  expect(attemptsOf(await cluster.jobSet("js"))).toBe(attempt);
}

async function suspend(cluster: Cluster): Promise<void> {
  await cluster.patch("jobsets", "js", { spec: { suspend: true } });
  await cluster.condition("js", "Suspended");
  await cluster.eventually("no Pod", async () => (await cluster.pods("js")).length === 0);
}

async function resume(cluster: Cluster): Promise<void> {
  await cluster.patch("jobsets", "js", { spec: { suspend: false } });
}

e2e.test("created suspended, resumed, suspended twice and restarted, webhooks and all: unset, then 0, 1, 2, 3", async (cluster) => {
  await installedWithGates(cluster, GATES, async (own) => {
    const policy = { failurePolicy: { maxRestarts: 3 } };
    await own.create("jobsets", jobSet("js", [group("a", { replicas: 2 })], { suspend: true, ...policy }));
    for (const job of await own.jobCount("js", 2)) expect(annotationsOf(job)).not.toHaveProperty([ANNOTATION]);
    expect(attemptsOf(await own.condition("js", "Suspended"))).toBeUndefined();
    const jobs = await own.record("jobs");
    const jobSets = await own.record("jobsets");
    for (const attempt of [0, 1, 2]) {
      await resume(own);
      await running(own, 2, attempt);
      if (attempt < 2) await suspend(own);
    }
    const [pod] = await own.pods("js");
    await own.patch("pods", String(at(pod, "metadata", "name")), {
      metadata: { annotations: { [`${FATE}fail-after`]: "0s" } },
    });
    await own.jobCount("js", 2, 1);
    await running(own, 2, 3);
    expect(restartsOf(await own.jobSet("js"))).toBe(1);
    await Promise.all([jobs.stop(), jobSets.stop()]);
    // The count is raised with the restart, in one write.
    const stored = jobSets.frames.map(({ object }) => [restartsOf(object), attemptsOf(object)].join());
    expect([...new Set(stored)].filter((pair) => !pair.startsWith("-1"))).toEqual(["0,", "0,0", "0,1", "0,2", "1,3"]);
    // No Job ran with a number that its JobSet did not have yet.
    const version = (object: unknown) => Number(at(object, "metadata", "resourceVersion"));
    for (const { object } of jobs.frames.filter(({ type }) => type !== "DELETED")) {
      if (at(object, "spec", "suspend") === true) continue;
      const number = Number(annotationsOf(object)[ANNOTATION]);
      const since = jobSets.frames.find((frame) => (attemptsOf(frame.object) ?? -1) >= number)?.object;
      expect(version(since)).toBeLessThan(version(object));
    }
  });
});

e2e.test("one replicatedJob after the other, resumed and made later: all of one run", async (cluster) => {
  await withGates(cluster, GATES, async () => {
    const late = { "ready-after": "500ms" };
    const groups = [group("a", { fate: late }), group("b", { fate: late }), group("c")];
    await cluster.create("jobsets", jobSet("js", groups, { startupPolicy: { startupPolicyOrder: "InOrder" } }));
    await running(cluster, 3, 0);
    for (const attempt of [1, 2]) {
      await suspend(cluster);
      await resume(cluster);
      await running(cluster, 3, attempt);
    }
  });
});

e2e.test("the gate is turned on while it runs: restarts, nothing is touched, the next resume counts", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [group("a", { replicas: 2 })]));
  await withGates(cluster, [], async () => await running(cluster, 2, undefined));
  const before = (await cluster.jobs("js")).map((job) => [uidOf(job), at(job, "metadata", "generation")]);
  await withGates(cluster, GATES, async () => {
    await cluster.eventually("the count", async () => attemptsOf(await cluster.jobSet("js")) === 0);
    const jobs = await cluster.jobs("js");
    expect(jobs.map((job) => [uidOf(job), at(job, "metadata", "generation")])).toEqual(before);
    for (const job of jobs) expect(annotationsOf(job)).not.toHaveProperty([ANNOTATION]);
    await suspend(cluster);
    await resume(cluster);
    await running(cluster, 2, 1);
  });
  // Off again: what is there stays, on Jobs and Pods too; on again the count goes on.
  await withGates(cluster, [], async () => {
    await suspend(cluster);
    await resume(cluster);
    await running(cluster, 2, 1);
  });
  await withGates(cluster, GATES, async () => {
    await suspend(cluster);
    await resume(cluster);
    await running(cluster, 2, 2);
  });
});

e2e.test("restarts raised by hand are a global restart: counted once, and the new Jobs carry it", async (cluster) => {
  await withGates(cluster, GATES, async () => {
    await cluster.create("jobsets", jobSet("js", [group("a", { replicas: 2 })]));
    await running(cluster, 2, 0);
    await cluster.patchStatus("jobsets", "js", { restarts: 1 });
    await cluster.jobCount("js", 2, 1);
    await running(cluster, 2, 1);
  });
});

e2e.test("others' annotations of a Job stay, and one that lost all of them is resumed", async (cluster) => {
  await withGates(cluster, GATES, async () => {
    await cluster.create("jobsets", jobSet("js", [group("a", { replicas: 2 })]));
    await running(cluster, 2, 0);
    await suspend(cluster);
    await cluster.patch("jobs", "js-a-0", { metadata: { annotations: { "example.com/mine": "x" } } });
    await cluster.patch("jobs", "js-a-1", { metadata: { annotations: null } });
    await resume(cluster);
    await running(cluster, 2, 1);
    expect(annotationsOf(await cluster.get("jobs", "js-a-0"))).toMatchObject({
      "example.com/mine": "x",
      "jobset.sigs.k8s.io/jobset-name": "js",
    });
  });
});
