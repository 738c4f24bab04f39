/** What a controller sees all at once when it starts: several failures, a success beside a failure, an older JobSet's Jobs. */
import { expect } from "bun:test";
import type { JsonObject } from "../../src/base/json.ts";
import { type Cluster, conditionOf, countersOf, restartsOf } from "./cluster.ts";
import type { Controller } from "./controller.ts";
import { complete, fail, startToComplete, startToFail } from "./job_status.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

/** Creates the JobSet and its Jobs, lets `happen` happen while no controller runs, and starts one again. */
async function unseen(
  cluster: Cluster,
  controller: Controller,
  { groups, spec, happen }: {
    readonly groups: readonly JsonObject[];
    readonly spec: JsonObject;
    readonly happen: () => Promise<void>;
  },
): Promise<void> {
  await controller.start();
  await cluster.create("jobsets", jobSet("js", groups, spec));
  const replicas = groups.reduce((sum, { replicas }) => sum + Number(replicas), 0);
  await cluster.jobCount("js", replicas, 0);
  await controller.terminate();
  await happen();
  await controller.start();
}

e2e.test(
  "of three failures the earliest is named, not the first by name or in the list (R64)",
  async (cluster, controller) => {
    await unseen(cluster, controller, {
      groups: [byHand("a", { replicas: 3 })],
      spec: {},
      happen: async () => {
        await fail(cluster, "js-a-0", { at: minutesAgo(1) });
        await fail(cluster, "js-a-1", { at: minutesAgo(3) });
        await fail(cluster, "js-a-2", { at: minutesAgo(2) });
      },
    });
    const failed = await cluster.terminal("js", "Failed");
    expect(conditionOf(failed, "Failed")?.message).toContain("(first failed job: js-a-1)");
  },
);

e2e.test(
  "the first rule that matches any failed Job wins, and names the oldest of those that it matches (R64)",
  async (cluster, controller) => {
    const rules = [
      { name: "input", action: "RestartJobSetAndIgnoreMaxRestarts", onJobFailureReasons: ["PodFailurePolicy"] },
      { name: "rest", action: "FailJobSet" },
    ];
    await unseen(cluster, controller, {
      groups: [byHand("a", { replicas: 3 })],
      spec: { failurePolicy: { maxRestarts: 0, rules } },
      happen: async () => {
        await fail(cluster, "js-a-0", { at: minutesAgo(9) });
        await fail(cluster, "js-a-1", { at: minutesAgo(1), reason: "PodFailurePolicy" });
        await fail(cluster, "js-a-2", { at: minutesAgo(2), reason: "PodFailurePolicy" });
      },
    });
    const restarting = await cluster.condition("js", "RestartingJobSet");
    expect(conditionOf(restarting, "RestartingJobSet")).toMatchObject({
      reason: "FailurePolicy_input",
      message: "applying RestartJobSetAndIgnoreMaxRestarts failure policy action (first failed job: js-a-2)",
    });
    await cluster.jobCount("js", 3, 1);
    expect(restartsOf(await cluster.jobSet("js"))).toBe(1);
  },
);

const driverDecides = {
  successPolicy: { operator: "All", targetReplicatedJobs: ["driver"] },
  failurePolicy: { maxRestarts: 3 },
};

e2e.test(
  "a Complete driver beside a Failed worker ends Completed, without a restart (R80)",
  async (cluster, controller) => {
    await unseen(cluster, controller, {
      groups: [byHand("driver"), byHand("worker")],
      spec: driverDecides,
      happen: async () => {
        await fail(cluster, "js-worker-0", { at: minutesAgo(1) });
        await complete(cluster, "js-driver-0");
      },
    });
    expect(restartsOf(await cluster.terminal("js", "Completed"))).toBe(0);
  },
);

e2e.test(
  "a driver and a worker that are both about to end: the driver's end counts (R80)",
  async (cluster, controller) => {
    await unseen(cluster, controller, {
      groups: [byHand("driver"), byHand("worker")],
      spec: driverDecides,
      happen: async () => {
        await startToFail(cluster, "js-worker-0");
        await startToComplete(cluster, "js-driver-0");
      },
    });
    await fail(cluster, "js-worker-0");
    await complete(cluster, "js-driver-0");
    expect(restartsOf(await cluster.terminal("js", "Completed"))).toBe(0);
  },
);

e2e.test(
  "what failed while no controller ran is counted as one restart, with every Job made once (R84)",
  async (cluster, controller) => {
    const recording = await cluster.record("jobs");
    await unseen(cluster, controller, {
      groups: [byHand("a", { replicas: 4 })],
      spec: { failurePolicy: { maxRestarts: 3 } },
      happen: async () => {
        await fail(cluster, "js-a-0");
        await fail(cluster, "js-a-3");
      },
    });
    await cluster.jobCount("js", 4, 1);
    await recording.stop();
    expect(recording.frames.filter(({ type }) => type === "ADDED")).toHaveLength(8);
    expect(restartsOf(await cluster.jobSet("js"))).toBe(1);
  },
);

e2e.test(
  "Jobs that succeeded and were deleted while no controller ran stay counted and are not run again (R81)",
  async (cluster, controller) => {
    const recording = await cluster.record("jobs");
    await controller.start();
    await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 2 }), byHand("b")]));
    await cluster.jobCount("js", 3);
    await complete(cluster, "js-a-0");
    await complete(cluster, "js-a-1");
    await cluster.eventually(
      "both to count",
      async () => countersOf(await cluster.jobSet("js"), "a")["succeeded"] === 2,
    );
    await controller.kill();
    await cluster.delete("jobs", "js-a-0");
    await cluster.delete("jobs", "js-a-1");
    await cluster.jobCount("js", 1);
    await controller.start();
    await complete(cluster, "js-b-0");
    expect(countersOf(await cluster.terminal("js", "Completed"), "a")["succeeded"]).toBe(2);
    await recording.stop();
    expect(recording.frames.filter(({ type }) => type === "ADDED")).toHaveLength(3);
  },
);
