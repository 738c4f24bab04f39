/** Time to live (spec 3.8). */
import { expect } from "bun:test";
import { at } from "../../src/base/json.ts";
import { type Cluster, conditionOf, nameOf, terminalState } from "./cluster.ts";
import { complete, fail } from "./job_status.ts";
import { byHand, group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();

/** The first frame in which the JobSet is being deleted, and how long after its finish that was, in seconds. */
async function deletedAfter(cluster: Cluster, type: string): Promise<number> {
  const recording = await cluster.record("jobsets");
  await cluster.eventually("the JobSet to be gone", async () => await cluster.find("jobsets", "js") === undefined);
  await recording.stop();
  const frame = recording.frames.find(({ object }) => at(object, "metadata", "deletionTimestamp") !== undefined);
  const finishedAt = Date.parse(conditionOf(frame?.object, type)?.lastTransitionTime ?? "");
  return (Date.parse(String(at(frame?.object, "metadata", "deletionTimestamp"))) - finishedAt) / 1000;
}

e2e.test("Any met: the active Jobs go now, the JobSet at its time, with all that it owns (R03, R04)", async (cluster) => {
  const spec = { successPolicy: { operator: "Any" }, ttlSecondsAfterFinished: 8 };
  const groups = [group("quick", { fate: { "succeed-after": "300ms" } }), group("slow", { replicas: 2 })];
  await cluster.create("jobsets", jobSet("js", groups, spec));
  await cluster.terminal("js", "Completed");
  const jobs = await cluster.jobCount("js", 1, undefined, 7_000);
  expect(jobs.map(nameOf)).toEqual(["js-quick-0"]);
  expect(terminalState(await cluster.jobSet("js"))).toBe("Completed");
  const seconds = await deletedAfter(cluster, "Completed");
  expect(seconds).toBeGreaterThanOrEqual(8);
  expect(seconds).toBeLessThanOrEqual(16);
  await cluster.eventually("nothing to be left", async () => {
    const left = await Promise.all([cluster.list("jobs"), cluster.list("pods"), cluster.find("services", "js")]);
    return left[0].length === 0 && left[1].length === 0 && left[2] === undefined;
  });
});

e2e.test("ttl 0 deletes at once, a failed JobSet too", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [byHand("a")], { ttlSecondsAfterFinished: 0 }));
  await cluster.jobCount("js", 1);
  const recording = await cluster.record("jobsets");
  await fail(cluster, "js-a-0");
  await cluster.eventually("the JobSet to be gone", async () => await cluster.find("jobsets", "js") === undefined);
  await recording.stop();
  expect(recording.frames.some(({ object }) => terminalState(object) === "Failed")).toBe(true);
});

e2e.test("a ttl set after the finish counts from the finish; without one the JobSet stays", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [byHand("a")]));
  await cluster.create("jobsets", jobSet("stays", [byHand("a")]));
  await cluster.jobCount("js", 1);
  await cluster.jobCount("stays", 1);
  await complete(cluster, "js-a-0");
  await complete(cluster, "stays-a-0");
  await cluster.terminal("js", "Completed");
  await cluster.patch("jobsets", "js", { spec: { ttlSecondsAfterFinished: 2 } });
  const seconds = await deletedAfter(cluster, "Completed");
  expect(seconds).toBeGreaterThanOrEqual(2);
  expect(seconds).toBeLessThanOrEqual(10);
  expect(terminalState(await cluster.jobSet("stays"))).toBe("Completed");
});

e2e.test("a ttl that is raised in time holds the deletion off; lowered, it deletes at once", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [byHand("a")], { ttlSecondsAfterFinished: 6 }));
  await cluster.jobCount("js", 1);
  await complete(cluster, "js-a-0");
  const done = await cluster.terminal("js", "Completed");
  await cluster.patch("jobsets", "js", { spec: { ttlSecondsAfterFinished: 3600 } });
  const finishedAt = Date.parse(conditionOf(done, "Completed")?.lastTransitionTime ?? "");
  await cluster.eventually("the first time to be well over", () => Promise.resolve(Date.now() > finishedAt + 8_000));
  expect(at(await cluster.jobSet("js"), "metadata", "deletionTimestamp")).toBeUndefined();
  await cluster.patch("jobsets", "js", { spec: { ttlSecondsAfterFinished: 1 } });
  await cluster.eventually("the JobSet to be gone", async () => await cluster.find("jobsets", "js") === undefined);
});
