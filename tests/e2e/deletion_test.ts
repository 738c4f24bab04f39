/** JobSets and Jobs that are deleted: by hand, by a Job's own time to live (spec 3.7). */
import { expect } from "bun:test";
import { at } from "../../src/base/json.ts";
import { countersOf, nameOf, terminalState, uidOf } from "./cluster.ts";
import { complete } from "./job_status.ts";
import { byHand, group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();
const JOBS = 100;

e2e.test("100 Jobs, deleted in the foreground: not one is created again, and the JobSet goes (R05)", async (cluster) => {
  await cluster.create(
    "jobsets",
    jobSet("js", [byHand("a", { replicas: JOBS - 5 }), group("b", { replicas: 5, fate: { "stop-after": "1s" } })]),
  );
  await cluster.jobCount("js", JOBS);
  await cluster.eventually("5 running Pods", async () => {
    const pods = await cluster.pods("js");
    return pods.filter((pod) => at(pod, "status", "phase") === "Running").length === 5;
  });
  const recording = await cluster.record("jobs");
  await cluster.delete("jobsets", "js", "Foreground");
  await cluster.eventually("the JobSet to be gone", async () => await cluster.find("jobsets", "js") === undefined);
  expect(await cluster.list("jobs")).toEqual([]);
  const count = (type: string) => recording.frames.filter((frame) => frame.type === type).length;
  await cluster.eventually("all deletions to be recorded", () => Promise.resolve(count("DELETED") === JOBS));
  await recording.stop();
  expect(count("ADDED")).toBe(0);
});

e2e.test("deleted with the default propagation: all that it owns goes (K9)", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [group("a", { replicas: 3 })]));
  await cluster.jobCount("js", 3);
  await cluster.api.delete(cluster.path("jobsets", "js"));
  await cluster.eventually("nothing to be left", async () => {
    const [jobs, pods, service] = await Promise.all([
      cluster.list("jobs"),
      cluster.list("pods"),
      cluster.find("services", "js"),
    ]);
    return jobs.length === 0 && pods.length === 0 && service === undefined;
  });
  expect(await cluster.find("jobsets", "js")).toBeUndefined();
});

e2e.test("an unfinished Job deleted by hand is made again, without a restart", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [group("a", { replicas: 2 })]));
  const [first] = await cluster.jobCount("js", 2);
  await cluster.delete("jobs", "js-a-0");
  await cluster.eventually("another Job", async () => {
    const job = await cluster.find("jobs", "js-a-0");
    return job !== undefined && uidOf(job) !== uidOf(first);
  });
  expect(at(await cluster.jobSet("js"), "status", "restarts")).toBe(0);
});

for (const ttlSecondsAfterFinished of [0, 1]) {
  e2e.test(`Jobs with ttlSecondsAfterFinished ${ttlSecondsAfterFinished}: finished and gone, not run again, still counted (R81)`, async (cluster) => {
    const jobs = await cluster.record("jobs");
    await cluster.create(
      "jobsets",
      jobSet("js", [
        group("a", { replicas: 3, fate: { "succeed-after": "200ms" }, job: { ttlSecondsAfterFinished } }),
        byHand("b"),
        byHand("c", { dependsOn: [{ name: "a", status: "Complete" }] }),
      ]),
    );
    await cluster.eventually("a's Jobs to be gone and c's to be there", async () => {
      return (await cluster.jobNames("js")).join() === "js-b-0,js-c-0";
    });
    await cluster.eventually("a to count", async () => countersOf(await cluster.jobSet("js"), "a")["succeeded"] === 3);
    await complete(cluster, "js-b-0");
    await cluster.eventually("b to count", async () => countersOf(await cluster.jobSet("js"), "b")["succeeded"] === 1);
    expect(terminalState(await cluster.jobSet("js"))).toBe("");
    await complete(cluster, "js-c-0");
    const done = await cluster.terminal("js", "Completed");
    expect(countersOf(done, "a")).toMatchObject({ succeeded: 3, failed: 0, active: 0 });
    await jobs.stop();
    const added = jobs.frames.filter(({ type }) => type === "ADDED").map(({ object }) => nameOf(object));
    expect(added.toSorted()).toEqual(["js-a-0", "js-a-1", "js-a-2", "js-b-0", "js-c-0"]);
  });
}
