/** Restarts of single Jobs (spec 3.3; gate RestartJob), by the real Job controller and by hand. */
import { expect } from "bun:test";
import { asArray, asInteger, at, type JsonObject } from "../../src/base/json.ts";
import {
  annotationsOf,
  type Cluster,
  conditionOf,
  countersOf,
  isDeleting,
  labelsOf,
  nameOf,
  restartsOf,
  uidOf,
} from "./cluster.ts";
import { complete, fail, run, startToFail } from "./job_status.ts";
import { JobRecord } from "./job_record.ts";
import { byHand, FATE, group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite({ flags: ["--feature-gates=RestartJob=true"] });

const ATTEMPT = "jobset.sigs.k8s.io/job-restart-attempt";

function policy(maxRestarts: number, action = "RestartJob", extra: JsonObject = {}): JsonObject {
  const rules = [{ name: "workers", action, targetReplicatedJobs: ["workers"] }];
  return { failurePolicy: { maxRestarts, rules, ...extra } };
}

/** Driver and so many workers whose Jobs are written by hand. */
async function create(cluster: Cluster, spec: JsonObject, workers = 3): Promise<readonly JsonObject[]> {
  await cluster.create("jobsets", jobSet("js", [byHand("driver"), byHand("workers", { replicas: workers })], spec));
  return await cluster.jobCount("js", workers + 1, 0);
}

function restarts(stored: JsonObject): { readonly all: unknown; readonly counted: unknown } {
  const { jobRestarts: all, jobRestartsCountTowardsMax: counted } = countersOf(stored, "workers");
  return { all, counted };
}

/** The Job of this name once its label says so; its annotation and its pod template say the same. */
async function jobOfAttempt(cluster: Cluster, name: string, attempt: number): Promise<JsonObject> {
  const job = await cluster.eventually(`${name} of job-restart-attempt ${attempt}`, async () => {
    const found = await cluster.find("jobs", name);
    return found !== undefined && !isDeleting(found) && labelsOf(found)[ATTEMPT] === String(attempt)
      ? found
      : undefined;
  });
  const template = at(job, "spec", "template");
  for (const marks of [annotationsOf(job), labelsOf(template), annotationsOf(template)]) {
    expect(marks[ATTEMPT]).toBe(String(attempt));
  }
  return job;
}

e2e.testWithoutWebhooks(
  "two Jobs whose Pods fail together are made again, each counted once; the others run on (R67, R79)",
  async (cluster) => {
    const record = await JobRecord.start(cluster);
    await cluster.create(
      "jobsets",
      jobSet("js", [group("workers", { replicas: 4, fate: { "fail-after": "1h" } })], policy(5)),
    );
    const before = await cluster.eventually("all Jobs to be ready", async () => {
      const isReady = countersOf(await cluster.jobSet("js"), "workers")["ready"] === 4;
      return isReady ? await cluster.jobs("js") : undefined;
    });
    const frames = await cluster.record("jobsets");
    const failing = (await cluster.pods("js")).filter((pod) => /-[13]-0-/.test(nameOf(pod)));
    expect(failing).toHaveLength(2);
    await Promise.all(
      failing.map((pod) =>
        cluster.patch("pods", nameOf(pod), { metadata: { annotations: { [`${FATE}fail-after`]: "0s" } } })
      ),
    );
    await Promise.all(["js-workers-1", "js-workers-3"].map((name) => jobOfAttempt(cluster, name, 1)));
    const stored = await cluster.eventually("all to be ready again", async () => {
      const found = await cluster.jobSet("js");
      return countersOf(found, "workers")["ready"] === 4 ? found : undefined;
    });
    expect(restarts(stored)).toEqual({ all: [0, 1, 0, 1], counted: [0, 1, 0, 1] });
    expect(restartsOf(stored)).toBe(0);
    expect(asArray(at(stored, "status", "conditions"))).toEqual([]);
    await Promise.all([frames.stop(), record.stop()]);
    const kept = (await cluster.jobs("js")).filter((job) => before.some((old) => uidOf(old) === uidOf(job)));
    expect(kept.map(nameOf)).toEqual(["js-workers-0", "js-workers-2"]);
    expect(record.all).toHaveLength(6);
    const ready = frames.frames.map(({ object }) => asInteger(countersOf(object, "workers")["ready"]) ?? 0);
    expect(Math.min(...ready)).toBe(2);
    const events = (await cluster.events("js")).filter(({ reason }) => reason === "RestartJobFailurePolicyAction");
    expect(events.map(({ note, type, count }) => `${type} ${count} ${note}`).toSorted()).toEqual(
      [1, 3].map((index) =>
        `Warning 1 applying RestartJob failure policy action (first failed job: js-workers-${index})`
      ),
    );
  },
);

e2e.testWithoutWebhooks(
  "restarts of Jobs and of the JobSet are compared with maxRestarts together (R68)",
  async (cluster) => {
    await create(cluster, policy(2));
    await fail(cluster, "js-workers-1");
    await jobOfAttempt(cluster, "js-workers-1", 1);
    await fail(cluster, "js-driver-0");
    await cluster.jobCount("js", 4, 1);
    const restarted = await cluster.jobSet("js");
    expect(restartsOf(restarted)).toBe(1);
    expect(at(restarted, "status", "restartsCountTowardsMax")).toBe(1);
    expect(restarts(restarted)).toEqual({ all: [0, 1, 0], counted: [0, 1, 0] });
    // The new Jobs carry what was counted before.
    await jobOfAttempt(cluster, "js-workers-1", 1);
    await jobOfAttempt(cluster, "js-workers-0", 0);
    await fail(cluster, "js-workers-2");
    const failed = await cluster.terminal("js", "Failed");
    expect(conditionOf(failed, "Failed")).toMatchObject({
      reason: "ReachedMaxRestarts",
      message: "jobset failed due to reaching max number of restarts (first failed job: js-workers-2)",
    });
    expect(restarts(failed)).toEqual({ all: [0, 1, 0], counted: [0, 1, 0] });
  },
);

e2e.testWithoutWebhooks(
  "RestartJobAndIgnoreMaxRestarts goes beyond maxRestarts, and uses nothing of it",
  async (cluster) => {
    await create(cluster, policy(1, "RestartJobAndIgnoreMaxRestarts"));
    for (const attempt of [1, 2, 3]) {
      await fail(cluster, "js-workers-0");
      await jobOfAttempt(cluster, "js-workers-0", attempt);
    }
    expect(restarts(await cluster.jobSet("js"))).toEqual({ all: [3, 0, 0], counted: undefined });
    const note = "applying RestartJobAndIgnoreMaxRestarts failure policy action (first failed job: js-workers-0)";
    const told = await cluster.event("js", "RestartJobAndIgnoreMaxRestartsFailurePolicyAction");
    expect(told).toMatchObject({ type: "Warning", note });
    await fail(cluster, "js-driver-0");
    await cluster.jobCount("js", 4, 1);
    expect(restarts(await cluster.jobSet("js")).all).toEqual([3, 0, 0]);
  },
);

e2e.testWithoutWebhooks(
  "a Job about to fail is restarted before its last Pods are gone, the others run on",
  async (cluster) => {
    const before = await create(cluster, policy(1));
    for (const job of before) await run(cluster, nameOf(job));
    await startToFail(cluster, "js-workers-0");
    await jobOfAttempt(cluster, "js-workers-0", 1);
    const changed = (await cluster.jobs("js")).filter((job) => !before.some((old) => uidOf(old) === uidOf(job)));
    expect(changed.map(nameOf)).toEqual(["js-workers-0"]);
  },
);

e2e.testWithoutWebhooks(
  "a restarted Job counts as none until it succeeds itself; the run ends Completed",
  async (cluster) => {
    await create(cluster, policy(1));
    for (const name of ["js-driver-0", "js-workers-1", "js-workers-2"]) await complete(cluster, name);
    await fail(cluster, "js-workers-0");
    await jobOfAttempt(cluster, "js-workers-0", 1);
    expect(countersOf(await cluster.jobSet("js"), "workers")["succeeded"]).toBe(2);
    await complete(cluster, "js-workers-0");
    const done = await cluster.terminal("js", "Completed");
    expect(restarts(done).all).toEqual([1, 0, 0]);
    expect(countersOf(done, "workers")["succeeded"]).toBe(3);
  },
);

e2e.testWithoutWebhooks(
  "BlockingRecreate: nothing is made while a Job that restarts is being deleted (R07)",
  async (cluster) => {
    // The Pod that does not fail takes its time, and so does its Job.
    const workers = group("workers", { parallelism: 2, fate: { "fail-after": "1h", "stop-after": "4s" } });
    const spec = policy(1, "RestartJob", { restartStrategy: "BlockingRecreate" });
    await cluster.create("jobsets", jobSet("js", [workers, group("driver")], spec));
    await cluster.eventually("all Jobs to be ready", async () => {
      const stored = await cluster.jobSet("js");
      return ["workers", "driver"].every((name) => countersOf(stored, name)["ready"] === 1);
    });
    const jobs = await cluster.record("jobs");
    const [first] = (await cluster.pods("js")).filter((pod) => nameOf(pod).startsWith("js-workers-0-0"));
    await cluster.patch("pods", nameOf(first), { metadata: { annotations: { [`${FATE}fail-after`]: "0s" } } });
    await cluster.eventually(
      "the old Job to be going",
      async () => isDeleting(await cluster.get("jobs", "js-workers-0")),
    );
    await cluster.delete("jobs", "js-driver-0");
    await cluster.jobCount("js", 2, 0);
    await jobOfAttempt(cluster, "js-workers-0", 1);
    await jobs.stop();
    const versionOf = (type: string, name: string) => {
      const frame = jobs.frames.find(({ type: seen, object }) => seen === type && nameOf(object) === name);
      return Number(at(frame?.object, "metadata", "resourceVersion"));
    };
    const gone = versionOf("DELETED", "js-workers-0");
    expect(versionOf("ADDED", "js-workers-0")).toBeGreaterThan(gone);
    expect(versionOf("ADDED", "js-driver-0")).toBeGreaterThan(gone);
  },
);

e2e.testWithoutWebhooks(
  "a Job that a hand has taken the label from gets it, and its failure is counted once",
  async (cluster) => {
    await create(cluster, policy(5));
    await cluster.patch("jobs", "js-workers-0", { metadata: { labels: { [ATTEMPT]: null } } });
    await fail(cluster, "js-workers-0");
    await jobOfAttempt(cluster, "js-workers-0", 1);
    expect(restarts(await cluster.jobSet("js"))).toEqual({ all: [1, 0, 0], counted: [1, 0, 0] });
    expect(await cluster.event("js", "RestartJobFailurePolicyAction")).toMatchObject({ count: 1 });
  },
);
