/** The watches are cut, refused, let go or late: no event is lost, and nothing is done twice. */
import { expect } from "bun:test";
import { asString, at } from "../../src/base/json.ts";
import type { FaultRule } from "../../scripts/fault_proxy.ts";
import { behindProxy, errorLines } from "./behind_proxy.ts";
import { attemptOf, type Cluster, isDeleting, nameOf, restartsOf } from "./cluster.ts";
import { JobRecord } from "./job_record.ts";
import { complete, fail } from "./job_status.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();
const RESTARTS = { failurePolicy: { maxRestarts: 1000 } };
const isWatch: FaultRule["match"] = (_method, _path, query) => query.has("watch");
/** A watch that is cut before it brought anything waits, at last for up to 45 s. */
const PATIENCE_MS = 60_000;
const anything: FaultRule["match"] = () => true;

/** The controller's requests that the audit log has, by verb and code. */
function requestsSince(cluster: Cluster, position: number, verb: string, code: number): number {
  return cluster.environment.auditSince(position, cluster.namespace).filter((entry) =>
    entry["verb"] === verb && at(entry, "objectRef", "resource") === "jobs" &&
    at(entry, "responseStatus", "code") === code
  ).length;
}

e2e.test("watches cut again and again during restarts: no event lost, nothing counted twice", async (cluster) => {
  await behindProxy(cluster, async ({ proxy, controller }) => {
    await controller.start();
    const record = await JobRecord.start(cluster);
    await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 10 })], RESTARTS));
    await cluster.jobCount("js", 10, 0);
    for (let attempt = 1; attempt <= 2; attempt++) {
      const cutting = setInterval(() => proxy.cutWatches(), 30);
      await fail(cluster, `js-a-${attempt}`);
      await cluster.eventually("the restart to be under way", async () => {
        return (await cluster.jobs("js")).some((job) => isDeleting(job) || attemptOf(job) === attempt);
      }, PATIENCE_MS).finally(() => clearInterval(cutting));
      await cluster.jobCount("js", 10, attempt, PATIENCE_MS);
      expect(restartsOf(await cluster.jobSet("js"))).toBe(attempt);
    }
    await record.stop();
    expect(record.counts("js")).toEqual({ 0: 10, 1: 10, 2: 10 });
    expect(errorLines(controller)).toEqual([]);
  });
});

e2e.test("deaf for a while, then 410 for every watch: what happened meanwhile is found by a new list", async (cluster) => {
  await behindProxy(cluster, async ({ proxy, controller }) => {
    await controller.start();
    const record = await JobRecord.start(cluster);
    const names = ["fails", "completes", "suspends", "goes", "anew", "loses"];
    for (const name of names) {
      await cluster.create("jobsets", jobSet(name, [byHand("a", { replicas: 3 })], RESTARTS));
      await cluster.jobCount(name, 3, 0);
    }
    const isOpening = proxy.rule({ match: isWatch, answer: { code: 503 } });
    const deaf = proxy.rule({ match: anything, answer: { code: 503 } });
    proxy.cutAll();
    await fail(cluster, "fails-a-1");
    for (const index of [0, 1, 2]) await complete(cluster, `completes-a-${index}`);
    await cluster.patch("jobsets", "suspends", { spec: { suspend: true } });
    await cluster.delete("jobsets", "goes");
    await cluster.delete("jobsets", "anew");
    await cluster.delete("jobs", "loses-a-2");
    await cluster.eventually("the old JobSet and its Jobs to be gone", async () => {
      return await cluster.find("jobsets", "anew") === undefined && (await cluster.jobs("anew")).length === 0;
    });
    await cluster.create("jobsets", jobSet("anew", [byHand("b", { replicas: 2 })], RESTARTS));
    await cluster.eventually("the watches to be tried again", () => Promise.resolve(isOpening.hits >= 3));
    const gone = proxy.rule({
      match: (...request) => isWatch(...request) && request[2].has("resourceVersion"),
      answer: { code: 410 },
    });
    isOpening.remove();
    deaf.remove();
    await cluster.jobCount("fails", 3, 1);
    await cluster.terminal("completes", "Completed");
    await cluster.condition("suspends", "Suspended");
    await cluster.jobCount("anew", 2, 0);
    await cluster.jobCount("loses", 3, 0);
    expect(gone.hits).toBeGreaterThanOrEqual(3);
    await cluster.eventually(
      "the deleted JobSet's Jobs to be gone",
      async () => (await cluster.jobs("goes")).length === 0,
    );
    await record.stop();
    expect(restartsOf(await cluster.jobSet("fails"))).toBe(1);
    expect(record.counts("fails")).toEqual({ 0: 3, 1: 3 });
    expect(record.counts("loses")).toEqual({ 0: 4 });
    expect(record.counts("goes")).toEqual({ 0: 3 });
    expect(errorLines(controller)).toEqual([]);
  });
});

e2e.test(
  "200 Jobs and watches that lag by 300 ms: a restart makes exactly 200 Jobs, deletes none of them, and meets no AlreadyExists (R83)",
  async (cluster) => {
    await behindProxy(cluster, async ({ proxy, controller }) => {
      proxy.rule({ match: isWatch, lagMs: 300 });
      await controller.start();
      const record = await JobRecord.start(cluster);
      const position = cluster.environment.auditPosition();
      await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 200 })], RESTARTS));
      await cluster.jobCount("js", 200, 0, 60_000);
      await fail(cluster, "js-a-77");
      const jobs = await cluster.jobCount("js", 200, 1, 60_000);
      expect(jobs.filter(isDeleting)).toEqual([]);
      // Whatever else the controller would do, it would do when its view has caught up.
      const version = asString(at(await cluster.jobSet("js"), "metadata", "resourceVersion"));
      await cluster.eventually("the counters to have caught up", async () => {
        const stored = await cluster.jobSet("js");
        return asString(at(stored, "metadata", "resourceVersion")) === version && restartsOf(stored) === 1;
      });
      await record.stop();
      expect(record.counts("js")).toEqual({ 0: 200, 1: 200 });
      expect(record.of("js", 1).filter(({ isDeleted }) => isDeleted).map(({ name }) => name)).toEqual([]);
      expect(requestsSince(cluster, position, "create", 201)).toBe(400);
      expect(requestsSince(cluster, position, "create", 409)).toBe(0);
      expect(requestsSince(cluster, position, "delete", 200)).toBe(200);
      expect(requestsSince(cluster, position, "delete", 409)).toBe(0);
    });
  },
  180_000,
);

e2e.test("an answer that never comes costs one request, not the JobSet: others go on, and it is asked again", async (cluster) => {
  await behindProxy(cluster, async ({ proxy, controller }) => {
    await controller.start();
    const isFirst: FaultRule["match"] = (method, path) => method === "POST" && path.endsWith("/services");
    const unanswered = proxy.rule({ match: isFirst, times: 1, silenceAfterBytes: 0 });
    await cluster.create("jobsets", jobSet("slow", [byHand("a")]));
    await cluster.eventually("the request to hang", () => Promise.resolve(unanswered.hits === 1));
    await cluster.create("jobsets", jobSet("other", [byHand("a", { replicas: 2 })]));
    expect((await cluster.jobCount("other", 2, 0, 5_000)).map(nameOf)).toEqual(["other-a-0", "other-a-1"]);
    // The watch shows the Service that was made, so that not even its own JobSet waits for the answer.
    await cluster.jobCount("slow", 1, 0, 5_000);
  });
});
