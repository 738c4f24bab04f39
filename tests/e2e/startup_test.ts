/** Who starts when: dependsOn and startupPolicy (spec 3.7). */
import { expect } from "bun:test";
import { type Cluster, conditionOf, conditionsOf, countersOf, nameOf, restartsOf } from "./cluster.ts";
import { complete, fail, run } from "./job_status.ts";
import { byHand, group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();
const IN_ORDER = { startupPolicy: { startupPolicyOrder: "InOrder" } };

/** The child Jobs once there are exactly these. */
async function jobsAre(cluster: Cluster, names: readonly string[]): Promise<void> {
  expect((await cluster.jobCount("js", names.length)).map(nameOf)).toEqual([...names]);
}

e2e.test("dependsOn Complete: dependents are created once every Job before them has succeeded", async (cluster) => {
  await cluster.create(
    "jobsets",
    jobSet("js", [
      byHand("load", { replicas: 2 }),
      byHand("train", { dependsOn: [{ name: "load", status: "Complete" }] }),
    ]),
  );
  await jobsAre(cluster, ["js-load-0", "js-load-1"]);
  await run(cluster, "js-load-0");
  await run(cluster, "js-load-1");
  await complete(cluster, "js-load-0");
  await cluster.eventually("one success and one ready", async () => {
    const { ready, succeeded } = countersOf(await cluster.jobSet("js"), "load");
    return ready === 1 && succeeded === 1;
  });
  await jobsAre(cluster, ["js-load-0", "js-load-1"]);
  await complete(cluster, "js-load-1");
  await jobsAre(cluster, ["js-load-0", "js-load-1", "js-train-0"]);
  await complete(cluster, "js-train-0");
  await cluster.terminal("js", "Completed");
});

e2e.test("dependsOn Ready with real Pods: dependents come when the Pods are ready, through a chain of two", async (cluster) => {
  const [jobs, jobSets] = await Promise.all([cluster.record("jobs"), cluster.record("jobsets")]);
  await cluster.create(
    "jobsets",
    jobSet("js", [
      group("a", { replicas: 2, fate: { "ready-after": "1s" } }),
      group("b", { fate: { "succeed-after": "500ms" }, dependsOn: [{ name: "a", status: "Ready" }] }),
      group("c", {
        fate: { "succeed-after": "0s" },
        dependsOn: [{ name: "b", status: "Complete" }, { name: "a", status: "Ready" }],
      }),
    ], { successPolicy: { operator: "All", targetReplicatedJobs: ["b", "c"] } }),
  );
  await cluster.terminal("js", "Completed");
  await Promise.all([jobs.stop(), jobSets.stop()]);
  const added = jobs.frames.filter(({ type }) => type === "ADDED").map(({ object }) => nameOf(object));
  expect(added.slice(0, 2).toSorted()).toEqual(["js-a-0", "js-a-1"]);
  expect(added.slice(2)).toEqual(["js-b-0", "js-c-0"]);
});

e2e.test("dependsOn while suspended: dependents are not created; a restart begins the sequence anew", async (cluster) => {
  const groups = [byHand("a"), byHand("b", { dependsOn: [{ name: "a", status: "Ready" }] })];
  await cluster.create("jobsets", jobSet("js", groups, { suspend: true, failurePolicy: { maxRestarts: 1 } }));
  await cluster.condition("js", "Suspended");
  await jobsAre(cluster, ["js-a-0"]);
  await cluster.patch("jobsets", "js", { spec: { suspend: false } });
  await cluster.condition("js", "Suspended", "False");
  await run(cluster, "js-a-0");
  await jobsAre(cluster, ["js-a-0", "js-b-0"]);
  await fail(cluster, "js-b-0");
  expect((await cluster.jobCount("js", 1, 1)).map(nameOf)).toEqual(["js-a-0"]);
  await run(cluster, "js-a-0");
  expect((await cluster.jobCount("js", 2, 1)).map(nameOf)).toEqual(["js-a-0", "js-b-0"]);
  expect(restartsOf(await cluster.jobSet("js"))).toBe(1);
});

e2e.test("InOrder: one replicatedJob after another, with the two conditions", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 2 }), byHand("b"), byHand("c")], IN_ORDER));
  await jobsAre(cluster, ["js-a-0", "js-a-1"]);
  const inProgress = await cluster.condition("js", "StartupPolicyInProgress");
  expect(conditionOf(inProgress, "StartupPolicyInProgress")).toMatchObject({
    reason: "InOrderStartupPolicyInProgress",
    message: "in order startup policy is in progress",
  });
  await run(cluster, "js-a-0");
  await run(cluster, "js-a-1", false);
  await jobsAre(cluster, ["js-a-0", "js-a-1"]);
  await run(cluster, "js-a-1");
  await jobsAre(cluster, ["js-a-0", "js-a-1", "js-b-0"]);
  await complete(cluster, "js-b-0");
  await jobsAre(cluster, ["js-a-0", "js-a-1", "js-b-0", "js-c-0"]);
  await run(cluster, "js-c-0");
  const started = await cluster.condition("js", "StartupPolicyCompleted");
  expect(conditionsOf(started).map(({ type, status }) => [type, status]).toSorted()).toEqual([
    ["StartupPolicyCompleted", "True"],
    ["StartupPolicyInProgress", "False"],
  ]);
  expect(conditionOf(started, "StartupPolicyCompleted")).toMatchObject({
    reason: "InOrderStartupPolicyCompleted",
    message: "in order startup policy has completed",
  });
  await cluster.event("js", "InOrderStartupPolicyCompleted");
  const reasons = (await cluster.events("js")).map(({ reason }) => reason);
  expect(reasons.filter((reason) => reason === "InOrderStartupPolicyInProgress")).toHaveLength(1);
});

e2e.test("InOrder resumes in order: Suspended stays True until all have started", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [byHand("a"), byHand("b")], { ...IN_ORDER, suspend: true }));
  await jobsAre(cluster, ["js-a-0", "js-b-0"]);
  const suspended = await cluster.condition("js", "Suspended");
  expect(conditionsOf(suspended).map(({ type }) => type)).toEqual(["Suspended"]);
  await cluster.patch("jobsets", "js", { spec: { suspend: false } });
  const isSuspended = async (name: string) => (await cluster.get("jobs", name))["spec"];
  await cluster.eventually("a to be resumed", async () => Object(await isSuspended("js-a-0")).suspend === false);
  await cluster.condition("js", "StartupPolicyInProgress");
  expect(Object(await isSuspended("js-b-0")).suspend).toBe(true);
  expect(conditionOf(await cluster.jobSet("js"), "Suspended")?.status).toBe("True");
  await run(cluster, "js-a-0");
  await cluster.eventually("b to be resumed", async () => Object(await isSuspended("js-b-0")).suspend === false);
  await run(cluster, "js-b-0");
  const resumed = await cluster.condition("js", "Suspended", "False");
  expect(conditionOf(resumed, "Suspended")).toMatchObject({ reason: "ResumeJobs", message: "jobset is resumed" });
  await cluster.condition("js", "StartupPolicyCompleted");
});
