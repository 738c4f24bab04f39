/** The controller's side of the restart in place (spec 5.1); the test writes what agents would. */
import { expect } from "bun:test";
import { asInteger, at, type JsonObject } from "../../src/base/json.ts";
import { annotationsOf, type Cluster, conditionOf, isDeleting, nameOf, restartsOf, uidOf } from "./cluster.ts";
import { FATE, group, type GroupOptions, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite({ flags: ["--feature-gates=InPlaceRestart=true"] });

const ATTEMPT = "jobset.sigs.k8s.io/in-place-restart-attempt";
const REACHED = { reason: "ReachedMaxRestarts", message: "jobset failed due to reaching max number of restarts" };

/** A JobSet of 2 Jobs of 2 Pods; resolves with the Pods once they run. */
async function start(
  cluster: Cluster,
  maxRestarts: number,
  options: Pick<GroupOptions, "job" | "pod"> = {},
): Promise<readonly JsonObject[]> {
  const groups = [group("w", { replicas: 2, parallelism: 2, ...options })];
  const failurePolicy = { maxRestarts, restartStrategy: "InPlaceRestart" };
  await cluster.create("jobsets", jobSet("js", groups, { failurePolicy }));
  return await runningPods(cluster);
}

async function runningPods(cluster: Cluster): Promise<readonly JsonObject[]> {
  return await cluster.eventually("4 Pods to run", async () => {
    const pods = (await cluster.pods("js")).filter((pod) => at(pod, "status", "phase") === "Running");
    return pods.length === 4 && !pods.some(isDeleting) ? pods : undefined;
  });
}

async function say(cluster: Cluster, pods: readonly JsonObject[], attempt: string): Promise<void> {
  for (const pod of pods) {
    await cluster.patch("pods", nameOf(pod), { metadata: { annotations: { [ATTEMPT]: attempt } } });
  }
}

interface Attempts {
  readonly previous: number | undefined;
  readonly current: number | undefined;
}

function attemptsOf(stored: JsonObject): Attempts {
  return {
    previous: asInteger(at(stored, "status", "previousInPlaceRestartAttempt")),
    current: asInteger(at(stored, "status", "currentInPlaceRestartAttempt")),
  };
}

async function attempts(cluster: Cluster, previous: number | undefined, current: number | undefined): Promise<void> {
  await cluster.eventually(`previous ${previous} and current ${current}`, async () => {
    const seen = attemptsOf(await cluster.jobSet("js"));
    return seen.previous === previous && seen.current === current;
  });
}

async function expectReachedMaxRestarts(cluster: Cluster): Promise<void> {
  const failed = await cluster.terminal("js", "Failed");
  expect(conditionOf(failed, "Failed")).toMatchObject({ status: "True", ...REACHED });
  expect(restartsOf(failed)).toBe(0);
  const event = await cluster.event("js", REACHED.reason);
  expect([event.type, event.note]).toEqual(["Warning", REACHED.message]);
  await cluster.jobCount("js", 0);
}

e2e.testWithoutWebhooks(
  "a worker that fails brings all others to its attempt, and no Pod is deleted",
  async (cluster) => {
    const pods = await start(cluster, 3);
    const recording = await cluster.record("jobsets");
    await say(cluster, pods.slice(1), "0");
    await say(cluster, pods.slice(0, 1), "0");
    await attempts(cluster, undefined, 0);
    await say(cluster, pods.slice(2, 3), "1");
    await attempts(cluster, 0, 0);
    await say(cluster, pods, "1");
    await attempts(cluster, 0, 1);
    // Two at once.
    await Promise.all([say(cluster, pods.slice(0, 1), "2"), say(cluster, pods.slice(3), "2")]);
    await attempts(cluster, 1, 1);
    await say(cluster, pods, "2");
    await attempts(cluster, 1, 2);
    await recording.stop();
    const seen = recording.frames.map(({ object }) => JSON.stringify(Object.values(attemptsOf(object))));
    expect([...new Set(seen)].slice(-5)).toEqual(["[null,0]", "[0,0]", "[0,1]", "[1,1]", "[1,2]"]);
    expect((await cluster.pods("js")).map(uidOf)).toEqual(pods.map(uidOf));
    expect(restartsOf(await cluster.jobSet("js"))).toBe(0);
  },
);

e2e.testWithoutWebhooks("an attempt above maxRestarts fails the JobSet", async (cluster) => {
  const pods = await start(cluster, 1);
  await say(cluster, pods, "1");
  await attempts(cluster, 0, 1);
  await say(cluster, pods.slice(0, 1), "2");
  await expectReachedMaxRestarts(cluster);
});

e2e.testWithoutWebhooks("a container that restarted more often than maxRestarts fails the JobSet", async (cluster) => {
  // With a backoffLimit the Job controller counts the restarts too, and may fail the Job first.
  const [pod] = await start(cluster, 2, { job: { backoffLimit: 2147483647 }, pod: { restartPolicy: "OnFailure" } });
  await cluster.patch("pods", nameOf(pod), { metadata: { annotations: { [`${FATE}fail-after`]: "0s" } } });
  await expectReachedMaxRestarts(cluster);
});

e2e.testWithoutWebhooks(
  "a Job that fails restarts the whole JobSet as Recreate, and its new Pods agree above the old",
  async (cluster) => {
    const pods = await start(cluster, 3);
    await say(cluster, pods, "0");
    await attempts(cluster, undefined, 0);
    await cluster.patch("pods", nameOf(pods[0]), { metadata: { annotations: { [`${FATE}fail-after`]: "0s" } } });
    await cluster.jobCount("js", 2, 1);
    const fresh = await runningPods(cluster);
    expect(fresh.map(uidOf).filter((uid) => pods.map(uidOf).includes(uid))).toEqual([]);
    await say(cluster, fresh, "1");
    await attempts(cluster, 0, 1);
    expect(restartsOf(await cluster.jobSet("js"))).toBe(1);
  },
);

e2e.testWithoutWebhooks(
  "an attempt that is no integer is told of, and nothing is written until it is one",
  async (cluster) => {
    const pods = await start(cluster, 3);
    await say(cluster, pods, "0");
    await attempts(cluster, undefined, 0);
    await say(cluster, pods.slice(0, 1), "soon");
    const { type, note } = await cluster.event("js", "InPlaceRestartFailed");
    expect(type).toBe("Warning");
    expect(note).toBe(
      `Pod "${nameOf(pods[0])}" has an in-place-restart-attempt that is no non-negative integer: "soon"`,
    );
    await say(cluster, pods.slice(1), "1");
    await say(cluster, pods.slice(0, 1), "1");
    await attempts(cluster, undefined, 1);
    const told = (await cluster.events("js")).filter(({ reason }) => reason === "InPlaceRestartFailed");
    expect(told.map(({ count }) => count)).toEqual([1]);
  },
);

e2e.testWithoutWebhooks(
  "completions that differ from parallelism are told of, and nothing is written",
  async (cluster) => {
    const groups = [group("w", { replicas: 2, parallelism: 2, job: { completions: 3 } })];
    const failurePolicy = { maxRestarts: 3, restartStrategy: "InPlaceRestart" };
    await cluster.create("jobsets", jobSet("js", groups, { failurePolicy }));
    const pods = await runningPods(cluster);
    await say(cluster, pods, "1");
    const { type, note } = await cluster.event("js", "InPlaceRestartFailed");
    expect([type, note]).toEqual([
      "Warning",
      'replicatedJob "w" can\'t restart in place: its completions (3) and parallelism (2) must be set and equal',
    ]);
    expect((await cluster.pods("js")).map((pod) => annotationsOf(pod)[ATTEMPT])).toEqual(["1", "1", "1", "1"]);
    expect(attemptsOf(await cluster.jobSet("js"))).toEqual({ previous: undefined, current: undefined });
  },
);

e2e.testWithoutWebhooks("suspended and resumed it begins anew, and uses up no restart", async (cluster) => {
  const pods = await start(cluster, 1);
  await say(cluster, pods, "1");
  await attempts(cluster, 0, 1);
  await cluster.patch("jobsets", "js", { spec: { suspend: true } });
  await attempts(cluster, undefined, undefined);
  expect(await cluster.pods("js")).toEqual([]);
  await cluster.patch("jobsets", "js", { spec: { suspend: false } });
  await say(cluster, await runningPods(cluster), "0");
  await attempts(cluster, undefined, 0);
});
