/** Create and complete (spec 3.4, 3.7, 3.9). */
import { expect } from "bun:test";
import { at } from "../../src/base/json.ts";
import { conditionOf, countersOf, nameOf, terminalState } from "./cluster.ts";
import { complete, fail, startToComplete, startToFail } from "./job_status.ts";
import { byHand, group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();

e2e.test("a JobSet whose Pods all succeed is Completed, with event, counters and terminalState", async (cluster) => {
  await cluster.create(
    "jobsets",
    jobSet("run", [
      group("driver", { fate: { "succeed-after": "500ms" } }),
      group("workers", { replicas: 2, parallelism: 2, fate: { "succeed-after": "300ms" } }),
    ]),
  );
  const done = await cluster.terminal("run", "Completed");
  expect(conditionOf(done, "Completed")).toMatchObject({
    status: "True",
    reason: "AllJobsCompleted",
    message: "jobset completed successfully",
  });
  expect(conditionOf(done, "Failed")).toBeUndefined();
  expect(at(done, "status", "restarts")).toBe(0);
  expect(countersOf(done, "workers")).toEqual({
    name: "workers",
    ready: 0,
    succeeded: 2,
    failed: 0,
    active: 0,
    suspended: 0,
  });
  expect(await cluster.event("run", "AllJobsCompleted")).toEqual({
    type: "Normal",
    reason: "AllJobsCompleted",
    note: "jobset completed successfully",
    count: 1,
  });
  expect(await cluster.jobNames("run")).toEqual(["run-driver-0", "run-workers-0", "run-workers-1"]);
});

e2e.test("All waits for every Job, not for some two of them (R01)", async (cluster) => {
  const groups = [byHand("a", { replicas: 3 }), byHand("b", { replicas: 3 })];
  await cluster.create("jobsets", jobSet("all", groups));
  const names = (await cluster.jobCount("all", 6)).map(nameOf);
  for (const [index, name] of names.entries()) {
    await complete(cluster, name);
    const seen = await cluster.eventually(`${index + 1} succeeded Jobs`, async () => {
      const stored = await cluster.jobSet("all");
      const sum = Number(countersOf(stored, "a")["succeeded"]) + Number(countersOf(stored, "b")["succeeded"]);
      return sum === index + 1 ? stored : undefined;
    });
    expect(terminalState(seen)).toBe(index === 5 ? "Completed" : "");
  }
});

e2e.test("All with targets completes once the targets have, and the other Jobs are deleted (T9)", async (cluster) => {
  const successPolicy = { operator: "All", targetReplicatedJobs: ["launcher"] };
  const groups = [byHand("launcher", { replicas: 2 }), byHand("workers", { replicas: 2 })];
  await cluster.create("jobsets", jobSet("targets", groups, { successPolicy }));
  await cluster.jobCount("targets", 4);
  await complete(cluster, "targets-launcher-0");
  await cluster.eventually(
    "one success",
    async () => countersOf(await cluster.jobSet("targets"), "launcher")["succeeded"] === 1,
  );
  expect(terminalState(await cluster.jobSet("targets"))).toBe("");
  await complete(cluster, "targets-launcher-1");
  await cluster.terminal("targets", "Completed");
  const left = await cluster.jobCount("targets", 2);
  expect(left.map(nameOf)).toEqual(["targets-launcher-0", "targets-launcher-1"]);
});

e2e.test("Any completes with the first success; the active Jobs and their Pods go", async (cluster) => {
  const successPolicy = { operator: "Any" };
  const groups = [group("quick", { fate: { "succeed-after": "500ms" } }), group("slow", { replicas: 2 })];
  await cluster.create("jobsets", jobSet("any", groups, { successPolicy }));
  await cluster.terminal("any", "Completed");
  await cluster.jobCount("any", 1);
  await cluster.eventually("only the Pod that succeeded", async () => {
    const pods = await cluster.pods("any");
    return pods.length === 1 && at(pods[0], "status", "phase") === "Succeeded";
  });
});

e2e.test("Any with targets does not count the success of another replicatedJob", async (cluster) => {
  const successPolicy = { operator: "Any", targetReplicatedJobs: ["b"] };
  await cluster.create("jobsets", jobSet("any", [byHand("a"), byHand("b", { replicas: 2 })], { successPolicy }));
  await cluster.jobCount("any", 3);
  await complete(cluster, "any-a-0");
  const seen = await cluster.eventually("the success of a", async () => {
    const stored = await cluster.jobSet("any");
    return countersOf(stored, "a")["succeeded"] === 1 ? stored : undefined;
  });
  expect(terminalState(seen)).toBe("");
  await complete(cluster, "any-b-1");
  await cluster.terminal("any", "Completed");
});

e2e.test("a driver that is Complete together with a failed worker ends the JobSet Completed (R80)", async (cluster) => {
  const spec = {
    successPolicy: { operator: "All", targetReplicatedJobs: ["driver"] },
    failurePolicy: { maxRestarts: 3 },
  };
  await cluster.create("jobsets", jobSet("both", [byHand("driver"), byHand("worker")], spec));
  await cluster.jobCount("both", 2);
  // The worker's end comes first to the eye: the driver's success is on its way already.
  await startToComplete(cluster, "both-driver-0");
  await startToFail(cluster, "both-worker-0");
  await fail(cluster, "both-worker-0");
  await cluster.eventually(
    "the failure to be counted",
    async () => countersOf(await cluster.jobSet("both"), "worker")["failed"] === 1,
  );
  await complete(cluster, "both-driver-0");
  const done = await cluster.terminal("both", "Completed");
  expect(at(done, "status", "restarts")).toBe(0);
  await cluster.event("both", "AllJobsCompleted");
  expect((await cluster.events("both")).map(({ reason }) => reason)).toEqual(["AllJobsCompleted"]);
});

e2e.test("a JobSet without replicatedJobs is left as it is, and others go on (R25)", async (cluster) => {
  await cluster.create("jobsets", jobSet("empty", []));
  await cluster.create("jobsets", jobSet("next", [group("a", { fate: { "succeed-after": "0s" } })]));
  await cluster.terminal("next", "Completed");
  expect(terminalState(await cluster.jobSet("empty"))).toBe("");
});
