/** Restarts (spec 3.3, 3.9): who is recreated when, and what the conditions say on the way. */
import { expect } from "bun:test";
import { asArray, at, type JsonObject } from "../../src/base/json.ts";
import {
  attemptOf,
  type Cluster,
  type Condition,
  conditionOf,
  countersOf,
  labelsOf,
  nameOf,
  type Recording,
  restartsOf,
  terminalState,
  uidOf,
} from "./cluster.ts";
import { complete, fail, run } from "./job_status.ts";
import { byHand, FATE, group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();

/** A JobSet of real Pods: `slow` ones take 6 s to stop. Resolves once all of them run. */
async function startSlowAndQuick(cluster: Cluster, restartStrategy: string): Promise<void> {
  const groups = [
    group("slow", { replicas: 2, fate: { "stop-after": "6s" } }),
    group("quick", { replicas: 2 }),
    group("fails", { fate: { "fail-after": "1h", "fail-on-restart-attempt": "0" } }),
  ];
  await cluster.create("jobsets", jobSet("js", groups, { failurePolicy: { maxRestarts: 1, restartStrategy } }));
  await cluster.eventually("all Jobs to be ready", async () => {
    const stored = await cluster.jobSet("js");
    return ["slow", "quick"].every((name) => countersOf(stored, name)["ready"] === 2);
  });
}

async function failNow(cluster: Cluster): Promise<void> {
  const pod = (await cluster.pods("js")).find((each) => nameOf(each).startsWith("js-fails-0"));
  await cluster.patch("pods", nameOf(pod), { metadata: { annotations: { [`${FATE}fail-after`]: "0s" } } });
}

type Happening = { readonly at: number; readonly what: string; readonly job: string; readonly attempt: number };

/** When Jobs were added and Pods and Jobs were gone, in the order of the resourceVersions, which all resources share. */
function happenings(jobs: Recording, pods: Recording): readonly Happening[] {
  const read = (recording: Recording, kind: string): readonly Happening[] =>
    recording.frames.filter(({ type }) => type === "ADDED" || type === "DELETED").map(({ type, object }) => ({
      at: Number(at(object, "metadata", "resourceVersion")),
      what: `${kind} ${type}`,
      job: kind === "job" ? nameOf(object) : labelsOf(object)["batch.kubernetes.io/job-name"] ?? "",
      attempt: attemptOf(object),
    }));
  return [...read(jobs, "job"), ...read(pods, "pod")].toSorted((a, b) => a.at - b.at);
}

e2e.test("Recreate: each Job as soon as its own Pods are gone, not before and not with the others (R06)", async (cluster) => {
  await startSlowAndQuick(cluster, "Recreate");
  const [jobs, pods] = await Promise.all([cluster.record("jobs"), cluster.record("pods")]);
  await failNow(cluster);
  await cluster.jobCount("js", 5, 1);
  await Promise.all([jobs.stop(), pods.stop()]);
  const seen = happenings(jobs, pods);
  const added = seen.filter(({ what, attempt }) => what === "job ADDED" && attempt === 1);
  expect(added.map(({ job }) => job).toSorted()).toEqual([
    "js-fails-0",
    "js-quick-0",
    "js-quick-1",
    "js-slow-0",
    "js-slow-1",
  ]);
  for (const { job, at: addedAt } of added) {
    const podsGone = seen.filter((each) => each.what === "pod DELETED" && each.job === job && each.attempt === 0);
    expect(podsGone).toHaveLength(1);
    expect(podsGone.every((each) => each.at < addedAt)).toBe(true);
  }
  const slowGone = seen.find(({ what, job }) => what === "pod DELETED" && job.startsWith("js-slow"));
  const quickAdded = added.filter(({ job }) => job.startsWith("js-quick"));
  expect(quickAdded.every(({ at: addedAt }) => addedAt < Number(slowGone?.at))).toBe(true);
  expect(restartsOf(await cluster.jobSet("js"))).toBe(1);
});

e2e.test("BlockingRecreate: no new Job while one old Job is still there (R07)", async (cluster) => {
  await startSlowAndQuick(cluster, "BlockingRecreate");
  const [jobs, pods] = await Promise.all([cluster.record("jobs"), cluster.record("pods")]);
  await failNow(cluster);
  await cluster.jobCount("js", 5, 1);
  await Promise.all([jobs.stop(), pods.stop()]);
  const seen = happenings(jobs, pods);
  const gone = seen.filter(({ what, attempt }) => what === "job DELETED" && attempt === 0);
  const added = seen.filter(({ what, attempt }) => what === "job ADDED" && attempt === 1);
  expect(gone).toHaveLength(5);
  expect(added).toHaveLength(5);
  expect(Math.min(...added.map((each) => each.at))).toBeGreaterThan(Math.max(...gone.map((each) => each.at)));
});

e2e.test("a restart of 60 Jobs creates exactly 60, deletes exactly 60, and no request is answered 409 (R83)", async (cluster) => {
  const spec = { failurePolicy: { maxRestarts: 1 } };
  await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 60 })], spec));
  await cluster.jobCount("js", 60, 0);
  const position = cluster.environment.auditPosition();
  const jobs = await cluster.record("jobs");
  await fail(cluster, "js-a-7");
  await cluster.jobCount("js", 60, 1);
  await jobs.stop();
  const count = (type: string) => jobs.frames.filter((frame) => frame.type === type).length;
  expect([count("ADDED"), count("DELETED")]).toEqual([60, 60]);
  const requests = cluster.environment.auditSince(position, cluster.namespace);
  expect(requests.filter((entry) => at(entry, "responseStatus", "code") === 409)).toEqual([]);
  const creates = requests.filter((entry) =>
    entry["verb"] === "create" && at(entry, "objectRef", "resource") === "jobs"
  );
  expect(creates).toHaveLength(60);
  expect(restartsOf(await cluster.jobSet("js"))).toBe(1);
});

/** A JobSet by hand that has just been restarted once; its Jobs are there again. */
async function restartOnce(cluster: Cluster, extra: JsonObject = {}): Promise<Recording> {
  const spec = { failurePolicy: { maxRestarts: 1 }, ...extra };
  await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 2 })], spec));
  await cluster.jobCount("js", 2, 0);
  const recording = await cluster.record("jobsets");
  await fail(cluster, "js-a-1");
  await cluster.jobCount("js", 2, 1);
  return recording;
}

/** The states that RestartingJobSet went through, one for each change. */
async function transitions(recording: Recording): Promise<readonly Condition[]> {
  await recording.stop();
  const seen: Condition[] = [];
  for (const { object } of recording.frames) {
    const condition = conditionOf(object, "RestartingJobSet");
    if (condition === undefined || JSON.stringify(condition) === JSON.stringify(seen.at(-1))) continue;
    seen.push(condition);
  }
  return seen;
}

async function expectTransitions(recording: Recording, reason: string, message: string): Promise<void> {
  const seen = await transitions(recording);
  expect(seen.map(({ status, reason }) => [status, reason])).toEqual([["True", "DefaultFailurePolicy"], [
    "False",
    reason,
  ]]);
  expect(seen.at(-1)?.message).toBe(message);
}

e2e.test("after a restart all Jobs are ready: RestartingJobSet False, JobsReady (R66)", async (cluster) => {
  const recording = await restartOnce(cluster);
  await run(cluster, "js-a-0");
  await run(cluster, "js-a-1");
  await cluster.condition("js", "RestartingJobSet", "False");
  expect(await cluster.event("js", "JobsReady")).toMatchObject({
    type: "Normal",
    note: "all jobs are ready",
    count: 1,
  });
  await expectTransitions(recording, "JobsReady", "all jobs are ready");
});

e2e.test("after a restart the next failure is final: RestartingJobSet False, JobSetFailed (R66)", async (cluster) => {
  const recording = await restartOnce(cluster);
  await fail(cluster, "js-a-0");
  await cluster.terminal("js", "Failed");
  await expectTransitions(recording, "JobSetFailed", "jobset failed");
});

e2e.test("suspended in a restart: RestartingJobSet False, JobSetSuspended (R66)", async (cluster) => {
  const recording = await restartOnce(cluster);
  await cluster.patch("jobsets", "js", { spec: { suspend: true } });
  await cluster.condition("js", "Suspended");
  await cluster.condition("js", "RestartingJobSet", "False");
  await expectTransitions(recording, "JobSetSuspended", "jobset is suspended");
});

e2e.test("completed before it was ready: RestartingJobSet False, JobSetCompleted (R66)", async (cluster) => {
  const recording = await restartOnce(cluster, { successPolicy: { operator: "Any" } });
  await complete(cluster, "js-a-1");
  await cluster.terminal("js", "Completed");
  await expectTransitions(recording, "JobSetCompleted", "jobset completed successfully");
});

e2e.test("frame by frame: ready and succeeded never dip while Pods stay ready, whatever else changes (R79)", async (cluster) => {
  const recording = await cluster.record("jobsets");
  await cluster.create(
    "jobsets",
    jobSet("js", [
      group("stay", { replicas: 8 }),
      group("end", { replicas: 4, fate: { "succeed-after": "2s" } }),
    ]),
  );
  const counters = async (name: string) => countersOf(await cluster.jobSet("js"), name);
  await cluster.eventually("8 ready", async () => (await counters("stay"))["ready"] === 8);
  for (const name of ["js-stay-0", "js-stay-1", "js-stay-2", "js-end-0"]) {
    await cluster.patch("jobs", name, { metadata: { labels: { touched: "yes" } } });
    await cluster.patch("jobsets", "js", { metadata: { annotations: { touched: name } } });
  }
  await cluster.eventually("4 succeeded", async () => (await counters("end"))["succeeded"] === 4);
  await recording.stop();
  const sums = (name: string) =>
    recording.frames.map(({ object }) => countersOf(object, name)).map((c) =>
      Number(c["ready"] ?? 0) + Number(c["succeeded"] ?? 0)
    );
  for (const name of ["stay", "end"]) expect(sums(name)).toEqual(sums(name).toSorted((a, b) => a - b));
  const entries = recording.frames.map(({ object }) => asArray(at(object, "status", "replicatedJobsStatus")));
  const names = entries.filter((each) => each.length > 0).map((each) => each.map((entry) => at(entry, "name")).join());
  expect(new Set(names)).toEqual(new Set(["stay,end"]));
});

/** Holds an object in the API server after its deletion. */
const HOLD = { metadata: { finalizers: ["example.com/hold"] } };
const LET_GO = { metadata: { finalizers: null } };

e2e.test("deleted and created again under its name: the older one's failed Job is ignored (R08)", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [byHand("old")]));
  await cluster.jobCount("js", 1);
  await fail(cluster, "js-old-0");
  await cluster.terminal("js", "Failed");
  await cluster.patch("jobs", "js-old-0", HOLD);
  await cluster.delete("jobsets", "js");
  await cluster.eventually("the JobSet to be gone", async () => await cluster.find("jobsets", "js") === undefined);
  await cluster.create("jobsets", jobSet("js", [group("new", { replicas: 2, fate: { "succeed-after": "300ms" } })]));
  const done = await cluster.terminal("js", "Completed");
  expect(countersOf(done, "new")["succeeded"]).toBe(2);
  expect(await cluster.jobNames("js")).toEqual(["js-new-0", "js-new-1", "js-old-0"]);
  await cluster.patch("jobs", "js-old-0", LET_GO);
});

e2e.test("a Job of the same name that an older JobSet left is neither adopted nor deleted, but waited for (R08)", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [byHand("a")]));
  const [old] = await cluster.jobCount("js", 1);
  await cluster.patch("jobs", "js-a-0", HOLD);
  await cluster.delete("jobsets", "js");
  await cluster.eventually("the JobSet to be gone", async () => await cluster.find("jobsets", "js") === undefined);
  await cluster.create("jobsets", jobSet("js", [byHand("a")]));
  const { note, type } = await cluster.event("js", "JobCreationFailed");
  expect(type).toBe("Warning");
  expect(note).toContain('job "js-a-0" creation failed with error: ');
  expect(note).toContain(`belongs to JobSet uid`);
  expect(uidOf(await cluster.get("jobs", "js-a-0"))).toBe(uidOf(old));
  await cluster.patch("jobs", "js-a-0", LET_GO);
  const [fresh] = await cluster.jobCount("js", 1);
  expect(uidOf(fresh)).not.toBe(uidOf(old));
});

e2e.test("a Job that nobody owns and that has a child's name is left alone, and told of", async (cluster) => {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "example.com/none" }] } };
  await cluster.create("jobs", { metadata: { name: "js-a-0" }, spec: { suspend: true, template } });
  await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 2 })]));
  expect((await cluster.event("js", "JobCreationFailed")).note).toContain("is not owned by a JobSet");
  await cluster.jobCount("js", 1);
  expect(at(await cluster.get("jobs", "js-a-0"), "metadata", "ownerReferences")).toBeUndefined();
});

e2e.test("a malformed restart-attempt leaves that Job alone and the rest goes on (spec 3.1)", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 2 })], { failurePolicy: { maxRestarts: 1 } }));
  const [odd] = await cluster.jobCount("js", 2);
  await cluster.patch("jobs", "js-a-0", { metadata: { labels: { "jobset.sigs.k8s.io/restart-attempt": "soon" } } });
  await fail(cluster, "js-a-1");
  const again = await cluster.eventually("the other Job to be recreated", async () => {
    const job = await cluster.find("jobs", "js-a-1");
    return job !== undefined && attemptOf(job) === 1 ? job : undefined;
  });
  expect(attemptOf(again)).toBe(1);
  expect(uidOf(await cluster.get("jobs", "js-a-0"))).toBe(uidOf(odd));
  expect(terminalState(await cluster.jobSet("js"))).toBe("");
});
