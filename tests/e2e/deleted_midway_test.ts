/** Namespaces and JobSets that go while something is under way, and JobSets that come again under the same name. */
import { expect } from "bun:test";
import { asArray, at, type JsonObject } from "../../src/base/json.ts";
import { behindProxy, errorLines } from "./behind_proxy.ts";
import { attemptOf, Cluster, isDeleting, nameOf, ownerUidOf, restartsOf, terminalState, uidOf } from "./cluster.ts";
import { JobRecord } from "./job_record.ts";
import { fail } from "./job_status.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { soloSuite, suite } from "./suite.ts";
import { expectNoWrites } from "./writes.ts";

const e2e = suite();
const solo = soloSuite();
const RESTARTS = { failurePolicy: { maxRestarts: 5 } };
const HOLD = "example.com/hold";

e2e.test("a namespace deleted while its JobSets run goes, and the controller asks for nothing again and again", async (cluster) => {
  const going = await Cluster.create(cluster.environment);
  for (const name of ["runs", "restarts"]) {
    await going.create("jobsets", jobSet(name, [byHand("a", { replicas: 20 })], RESTARTS));
    await going.jobCount(name, 20, 0);
  }
  const position = cluster.environment.auditPosition();
  await fail(going, "restarts-a-0");
  await cluster.api.delete(`/api/v1/namespaces/${going.namespace}`);
  await cluster.eventually("the namespace to be gone", async () => {
    return (await cluster.api.request("GET", `/api/v1/namespaces/${going.namespace}`)).code === 404;
  }, 60_000);
  const requests = cluster.environment.auditSince(position, going.namespace).length;
  console.log(`namespace deleted: ${requests} requests meanwhile`);
  // A restart of 20 Jobs takes 40, and each may be refused a few times.
  expect(requests).toBeLessThan(600);
  await expectNoWrites(going, { position: cluster.environment.auditPosition(), forMs: 3_000 });
  await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 2 })]));
  await cluster.jobCount("js", 2, 0);
});

for (const propagation of ["Foreground", "Background"]) {
  e2e.test(`deleted in the middle of a restart, ${propagation}: it and all its Jobs go, and nothing is made any more`, async (cluster) => {
    const record = await startRestart(cluster);
    await cluster.delete("jobsets", "js", propagation);
    await cluster.eventually("all to be gone", async () => {
      return await cluster.find("jobsets", "js") === undefined && (await cluster.list("jobs")).length === 0;
    });
    await expectNoWrites(cluster, { position: cluster.environment.auditPosition(), forMs: 2_000 });
    expect(await cluster.list("jobs")).toEqual([]);
    await expectNoneTwice(record);
  });
}

e2e.test("deleted in the middle of a restart, Orphan: its Jobs stay, without an owner, and are left alone", async (cluster) => {
  const record = await startRestart(cluster);
  await cluster.delete("jobsets", "js", "Orphan");
  await cluster.eventually("it to be gone", async () => await cluster.find("jobsets", "js") === undefined);
  await cluster.eventually("the deletes under way to end", async () => !(await cluster.jobs("js")).some(isDeleting));
  await expectNoWrites(cluster, { position: cluster.environment.auditPosition(), forMs: 2_000 });
  const jobs = await cluster.jobs("js");
  expect(jobs.length).toBeGreaterThan(0);
  for (const job of jobs) expect(asArray(at(job, "metadata", "ownerReferences"))).toEqual([]);
  await expectNoneTwice(record);
});

/** A JobSet of 20 Jobs whose restart has begun: some of the new Jobs are there. */
async function startRestart(cluster: Cluster): Promise<JobRecord> {
  const record = await JobRecord.start(cluster);
  const groups = [byHand("a", { replicas: 20 })];
  await cluster.create("jobsets", jobSet("js", groups, RESTARTS));
  await cluster.jobCount("js", 20, 0);
  await fail(cluster, "js-a-0");
  await cluster.eventually("the restart to be under way", async () => {
    return (await cluster.jobs("js")).some((job) => attemptOf(job) === 1);
  });
  return record;
}

/** What goes is not made again: no more than the Jobs of two attempts were ever there. */
async function expectNoneTwice(record: JobRecord): Promise<void> {
  await record.stop();
  expect(record.counts("js")[0]).toBe(20);
  expect(record.counts("js")[1]).toBeLessThanOrEqual(20);
}

solo.test(
  "made anew while Jobs of its predecessor linger, one of them failed: told, not adopted, not failed by them; created once they go (R08)",
  async (cluster, controller) => {
    await controller.start();
    const record = await JobRecord.start(cluster);
    const body = (groups: readonly JsonObject[]) => jobSet("js", groups);
    const first = uidOf(await cluster.create("jobsets", body([byHand("a", { replicas: 2 }), byHand("old")])));
    await cluster.jobCount("js", 3, 0);
    for (const name of ["js-a-0", "js-old-0"]) await cluster.patch("jobs", name, { metadata: { finalizers: [HOLD] } });
    await fail(cluster, "js-old-0");
    await cluster.terminal("js", "Failed");
    await cluster.delete("jobsets", "js");
    await cluster.eventually("the first to be gone", async () => await cluster.find("jobsets", "js") === undefined);
    const second = uidOf(await cluster.create("jobsets", body([byHand("a", { replicas: 2 }), byHand("new")])));
    await cluster.eventually("what can be made", async () => {
      const own = (await cluster.jobs("js")).filter((job) => ownerUidOf(job) === second);
      return own.map(nameOf).join() === "js-a-1,js-new-0";
    });
    const told = await cluster.event("js", "JobCreationFailed");
    expect(told.note).toContain('job "js-a-0" creation failed with error');
    expect(told.note).toContain("already exists");
    // Longer than a few tries: only then does it show whether the end of the old Job is waited for, or asked about.
    const heldUntil = performance.now() + 6_000;
    await cluster.eventually("the old Jobs to linger on", () => Promise.resolve(performance.now() > heldUntil));
    for (const name of ["js-a-0", "js-old-0"]) {
      const held = await cluster.get("jobs", name);
      expect(ownerUidOf(held)).toBe(first);
      expect(isDeleting(held)).toBe(true);
    }
    expect(terminalState(await cluster.jobSet("js"))).toBe("");
    const releasedAt = performance.now();
    for (const name of ["js-old-0", "js-a-0"]) await cluster.patch("jobs", name, { metadata: { finalizers: [] } });
    await cluster.eventually("the last Job", async () => {
      const jobs = await cluster.jobs("js");
      return jobs.length === 3 && jobs.every((job) => ownerUidOf(job) === second) ? jobs : undefined;
    });
    const waitedMs = performance.now() - releasedAt;
    console.log(`made ${waitedMs.toFixed(0)} ms after the old Job had gone`);
    expect(waitedMs).toBeLessThan(2_000);
    const stored = await cluster.jobSet("js");
    expect(restartsOf(stored)).toBe(0);
    await record.stop();
    expect(record.of("js")).toHaveLength(6);
    expect(errorLines(controller)).toEqual([]);
  },
);

e2e.test("a restart-attempt label that is no number, put on a Job by hand: that Job is left alone, the rest restarts, others go on", async (cluster) => {
  for (const name of ["js", "other"]) {
    await cluster.create("jobsets", jobSet(name, [byHand("a", { replicas: 3 })], RESTARTS));
    await cluster.jobCount(name, 3, 0);
  }
  const label = { "jobset.sigs.k8s.io/restart-attempt": "first" };
  const odd = uidOf(await cluster.patch("jobs", "js-a-2", { metadata: { labels: label } }));
  await fail(cluster, "js-a-0");
  await fail(cluster, "other-a-0");
  await cluster.jobCount("other", 3, 1);
  await cluster.eventually("the others to restart", async () => {
    const attempts = (await cluster.jobs("js")).map((job) => `${nameOf(job)}:${attemptOf(job)}`);
    return attempts.join() === "js-a-0:1,js-a-1:1,js-a-2:NaN";
  });
  expect(uidOf(await cluster.get("jobs", "js-a-2"))).toBe(odd);
  expect(restartsOf(await cluster.jobSet("js"))).toBe(1);
});

solo.test("the same, in the log: once, in words", async (cluster) => {
  await behindProxy(cluster, async ({ controller }) => {
    await controller.start();
    await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 2 })], RESTARTS));
    await cluster.jobCount("js", 2, 0);
    await cluster.patch("jobs", "js-a-1", { metadata: { labels: { "jobset.sigs.k8s.io/restart-attempt": "first" } } });
    await fail(cluster, "js-a-0");
    await cluster.eventually("the restart", async () => attemptOf(await cluster.get("jobs", "js-a-0")) === 1);
    expect(controller.logLines("restart-attempt label is no integer")).toHaveLength(1);
    expect(errorLines(controller)).toEqual([]);
  });
});
