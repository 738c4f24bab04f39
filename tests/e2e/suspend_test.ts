/** Suspend and resume (spec 3.8), with the edits that Kueue makes (spec 9, K10 to K17). */
import { expect } from "bun:test";
import { asArray, asObject, asString, asStringMap, at, type JsonObject } from "../../src/base/json.ts";
import {
  annotationsOf,
  type Cluster,
  conditionOf,
  countersOf,
  labelsOf,
  nameOf,
  restartsOf,
  uidOf,
} from "./cluster.ts";
import { run, suspendJob } from "./job_status.ts";
import { byHand, FATE, group, type GroupOptions, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();
const ZONE = "topology.kubernetes.io/zone";

/** What an admission puts into the pod template of a replicatedJob. */
interface Flavour {
  readonly zone: string;
  readonly key: string;
  readonly gates?: readonly string[];
}

function flavoured({ zone, key, gates = [] }: Flavour, options: GroupOptions = {}): GroupOptions {
  return {
    ...options,
    podMetadata: { labels: { [`${key}/label`]: "yes" }, annotations: { [`${key}/annotation`]: "yes" } },
    pod: {
      nodeSelector: { [ZONE]: zone },
      tolerations: [{ key: `${key}/taint`, operator: "Exists" }],
      ...(gates.length === 0 ? {} : { schedulingGates: gates.map((name) => ({ name })) }),
    },
  };
}

/** One merge patch that carries resourceVersion, suspend and the whole list, as Kueue sends it (K10). */
async function flip(cluster: Cluster, suspend: boolean, groups: readonly JsonObject[]): Promise<void> {
  const replicatedJobs = groups.map(asStored);
  await cluster.eventually("the patch to be taken", async () => {
    const resourceVersion = at(await cluster.jobSet("js"), "metadata", "resourceVersion");
    await cluster.patch("jobsets", "js", { metadata: { resourceVersion }, spec: { suspend, replicatedJobs } });
    return true;
  });
}

/** Kueue sends back what it read: with the webhook's defaults. */
function asStored(replicatedJob: JsonObject): JsonObject {
  const template = asObject(replicatedJob["template"]);
  return {
    ...replicatedJob,
    template: { ...template, spec: { completionMode: "Indexed", ...asObject(template?.["spec"]) } },
  };
}

/** Suspended, no Pod left, and the counters say so (K17). */
async function isAtRest(cluster: Cluster): Promise<void> {
  await cluster.condition("js", "Suspended");
  await cluster.eventually("no Pod and nothing active", async () => {
    const entries = asArray(at(await cluster.jobSet("js"), "status", "replicatedJobsStatus"));
    const isInactive = entries.every((entry) => at(entry, "active") === 0);
    return isInactive && (await cluster.pods("js")).length === 0;
  });
}

/** The Pods of a replicatedJob once there are so many. */
function podsOf(cluster: Cluster, replicatedJob: string, count: number): Promise<readonly JsonObject[]> {
  return cluster.eventually(`${count} Pods of ${replicatedJob}`, async () => {
    const pods = (await cluster.pods("js")).filter((pod) => nameOf(pod).startsWith(`js-${replicatedJob}-`));
    return pods.length === count ? pods : undefined;
  });
}

function running(cluster: Cluster, count: number): Promise<boolean> {
  return cluster.eventually(`${count} running Pods`, async () => {
    const pods = await cluster.pods("js");
    return pods.filter((pod) => at(pod, "status", "phase") === "Running").length === count;
  });
}

/** The Pod has what this flavour brings, and nothing that another one brought. */
function expectFlavour(pod: JsonObject, { zone, key, gates = [] }: Flavour): void {
  const brought = (keys: readonly string[]) => keys.filter((each) => each.startsWith("flavour"));
  expect(asStringMap(at(pod, "spec", "nodeSelector"))).toEqual({ [ZONE]: zone });
  expect(brought(Object.keys(labelsOf(pod)))).toEqual([`${key}/label`]);
  expect(brought(Object.keys(annotationsOf(pod)))).toEqual([`${key}/annotation`]);
  const taints = asArray(at(pod, "spec", "tolerations")).map((each) => asString(at(each, "key")) ?? "");
  expect(brought(taints)).toEqual([`${key}/taint`]);
  expect(asArray(at(pod, "spec", "schedulingGates")).map((each) => at(each, "name"))).toEqual([...gates]);
}

/** R85: what the Job controller put into the template stands, so that the selector matches the Pods. */
async function expectOwnLabels(cluster: Cluster): Promise<void> {
  for (const job of await cluster.jobs("js")) {
    const labels = asStringMap(at(job, "spec", "template", "metadata", "labels"));
    expect(labels).toMatchObject({
      "batch.kubernetes.io/controller-uid": uidOf(job),
      "batch.kubernetes.io/job-name": nameOf(job),
      "controller-uid": uidOf(job),
      "job-name": nameOf(job),
      "jobset.sigs.k8s.io/jobset-name": "js",
    });
    expect(labels).toMatchObject(asStringMap(at(job, "spec", "selector", "matchLabels")));
  }
}

e2e.test(
  "flavour A, evicted, flavour B, flavour C: each replicatedJob has its own and nothing of an earlier one (R30, R31, R32, R33, R34, R35, R78, R85)",
  async (cluster) => {
    const position = cluster.environment.auditPosition();
    const driver = { fate: { "succeed-after": "1h" } };
    const workers = { replicas: 2, parallelism: 2 };
    const plain = [group("driver", driver), group("workers", workers)];
    const admitted = (one: Flavour, other: Flavour) => [
      group("driver", flavoured(one, driver)),
      group("workers", flavoured(other, workers)),
    ];
    const zoneA: Flavour = { zone: "zone-a", key: "flavour-a" };
    const zoneB: Flavour = { zone: "zone-b", key: "flavour-b" };
    const zoneC: Flavour = { zone: "zone-c", key: "flavour-c" };
    const gated: Flavour = { ...zoneB, gates: ["kueue.x-k8s.io/topology"] };
    await cluster.create("jobsets", jobSet("js", plain, { suspend: true }));
    await cluster.jobCount("js", 3);
    await isAtRest(cluster);
    for (const [one, other] of [[zoneA, gated], [zoneC, zoneA], [zoneB, zoneC]] as const) {
      await flip(cluster, false, admitted(one, other));
      for (const pod of await podsOf(cluster, "driver", 1)) expectFlavour(pod, one);
      for (const pod of await podsOf(cluster, "workers", 4)) expectFlavour(pod, other);
      await expectOwnLabels(cluster);
      await running(cluster, other.gates === undefined ? 5 : 1);
      const resumed = await cluster.condition("js", "Suspended", "False");
      expect(conditionOf(resumed, "Suspended")).toMatchObject({ reason: "ResumeJobs", message: "jobset is resumed" });
      if (one === zoneB) break;
      await flip(cluster, true, plain);
      await isAtRest(cluster);
    }
    for (const pod of await cluster.pods("js")) {
      await cluster.patch("pods", nameOf(pod), { metadata: { annotations: { [`${FATE}succeed-after`]: "0s" } } });
    }
    const done = await cluster.terminal("js", "Completed");
    expect(restartsOf(done)).toBe(0);
    const events = await cluster.events("js");
    expect(events.filter(({ type }) => type === "Warning")).toEqual([]);
    // R35: the role covers all of it.
    const requests = cluster.environment.auditSince(position, cluster.namespace);
    const codes = requests.map((entry) => Number(at(entry, "responseStatus", "code")));
    expect(codes.filter((code) => code === 403)).toEqual([]);
  },
);

e2e.test("one update of a running JobSet suspends it and changes the template; a bare resume then uses it (R32)", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [group("a", { replicas: 2 })]));
  await running(cluster, 2);
  const changed: Flavour = { zone: "zone-b", key: "flavour-b" };
  await flip(cluster, true, [group("a", flavoured(changed, { replicas: 2 }))]);
  await isAtRest(cluster);
  await cluster.patch("jobsets", "js", { spec: { suspend: false } });
  for (const pod of await podsOf(cluster, "a", 2)) expectFlavour(pod, changed);
  await running(cluster, 2);
});

e2e.test("a suspended Job that kept its start time: it is cleared, then the new selector is applied (R29, R35)", async (cluster) => {
  // The Job controller clears it when it suspends a Job; other writers do not (K15).
  const position = cluster.environment.auditPosition();
  await cluster.create("jobsets", jobSet("js", [byHand("a")]));
  await cluster.jobCount("js", 1);
  await run(cluster, "js-a-0");
  await cluster.patch("jobsets", "js", { spec: { suspend: true } });
  await cluster.condition("js", "Suspended");
  await suspendJob(cluster, "js-a-0");
  expect(at(await cluster.get("jobs", "js-a-0"), "status", "startTime")).toBeDefined();
  await flip(cluster, false, [byHand("a", flavoured({ zone: "zone-b", key: "flavour-b" }))]);
  const job = await cluster.eventually("the Job to be resumed", async () => {
    const found = await cluster.get("jobs", "js-a-0");
    return at(found, "spec", "suspend") === false ? found : undefined;
  });
  expect(at(job, "status", "startTime")).toBeUndefined();
  expect(at(job, "spec", "template", "spec", "nodeSelector")).toEqual({ [ZONE]: "zone-b" });
  const statusPatches = cluster.environment.auditSince(position, cluster.namespace).filter((entry) =>
    at(entry, "objectRef", "resource") === "jobs" && at(entry, "objectRef", "subresource") === "status"
  );
  expect(statusPatches.map((entry) => at(entry, "responseStatus", "code"))).toEqual([200]);
});

e2e.test("resumed with another template while old Pods are still stopping: waited out, without an event", async (cluster) => {
  const options: GroupOptions = { replicas: 2, fate: { "stop-after": "2s" } };
  await cluster.create("jobsets", jobSet("js", [group("a", options)]));
  await running(cluster, 2);
  const changed: Flavour = { zone: "zone-c", key: "flavour-c" };
  await cluster.patch("jobsets", "js", { spec: { suspend: true } });
  await flip(cluster, false, [group("a", flavoured(changed, options))]);
  await cluster.eventually("new Pods of the new template only", async () => {
    const pods = await cluster.pods("js");
    const zones = pods.map((pod) => asStringMap(at(pod, "spec", "nodeSelector"))[ZONE]);
    return pods.length === 2 && zones.every((zone) => zone === "zone-c");
  });
  await running(cluster, 2);
  expect((await cluster.events("js")).filter(({ type }) => type === "Warning")).toEqual([]);
});

e2e.test("suspend: every Job, its Pods gone, conditions and counters; nothing changed, so resume needs no status write of Jobs", async (cluster) => {
  await cluster.create(
    "jobsets",
    jobSet("js", [group("a", { replicas: 2, fate: { "stop-after": "1s" } }), group("b")]),
  );
  await running(cluster, 3);
  await cluster.patch("jobsets", "js", { spec: { suspend: true } });
  const suspended = await cluster.condition("js", "Suspended");
  expect(conditionOf(suspended, "Suspended")).toMatchObject({
    reason: "SuspendedJobs",
    message: "jobset is suspended",
  });
  await isAtRest(cluster);
  const status = await cluster.eventually("3 suspended", async () => {
    const stored = await cluster.jobSet("js");
    return Number(countersOf(stored, "a")["suspended"]) === 2 && countersOf(stored, "b")["suspended"] === 1 && stored;
  });
  expect(countersOf(status, "a")).toMatchObject({ ready: 0, active: 0, failed: 0 });
  expect(await cluster.event("js", "SuspendedJobs")).toMatchObject({
    type: "Normal",
    note: "jobset is suspended",
    count: 1,
  });
  await cluster.patch("jobsets", "js", { spec: { suspend: false } });
  await running(cluster, 3);
  expect(await cluster.event("js", "ResumeJobs")).toMatchObject({ type: "Normal", note: "jobset is resumed" });
});

e2e.test("created suspended: all Jobs, no Pod, not one Job unsuspended for a moment (K13)", async (cluster) => {
  const jobs = await cluster.record("jobs");
  await cluster.create("jobsets", jobSet("js", [group("a", { replicas: 3 })], { suspend: true }));
  await cluster.jobCount("js", 3);
  await cluster.condition("js", "Suspended");
  await jobs.stop();
  expect(jobs.frames.every(({ object }) => at(object, "spec", "suspend") === true)).toBe(true);
  expect(await cluster.pods("js")).toEqual([]);
});

e2e.test("suspended while the Job controller writes all the time: all Jobs are suspended within 10 s (R36)", async (cluster) => {
  // Pods that crash and come back keep the Job controller writing.
  const job = { backoffLimit: 1_000_000, podReplacementPolicy: "TerminatingOrFailed" };
  await cluster.create(
    "jobsets",
    jobSet("js", [
      group("busy", { replicas: 6, parallelism: 2, job, fate: { "fail-after": "150ms" } }),
      group("ending", { replicas: 6, fate: { "succeed-after": "1s" } }),
    ]),
  );
  await cluster.jobCount("js", 12);
  await cluster.eventually("some Jobs to write", async () => (await cluster.pods("js")).length > 4);
  await cluster.patch("jobsets", "js", { spec: { suspend: true } });
  await cluster.eventually("all unfinished Jobs to be suspended", async () => {
    const jobs = await cluster.jobs("js");
    return jobs.every((each) => at(each, "spec", "suspend") === true || conditionOf(each, "Complete") !== undefined);
  }, 10_000);
  await cluster.condition("js", "Suspended");
});

e2e.test("a Job that somebody else suspends is resumed, and no hot loop follows (K4)", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [group("a")]));
  await running(cluster, 1);
  const position = cluster.environment.auditPosition();
  for (let round = 0; round < 3; round++) {
    await cluster.patch("jobs", "js-a-0", { spec: { suspend: true } });
    await cluster.eventually(
      "it to be resumed",
      async () => at(await cluster.get("jobs", "js-a-0"), "spec", "suspend") === false,
    );
  }
  await running(cluster, 1);
  const patches = cluster.environment.auditSince(position, cluster.namespace).filter((entry) =>
    entry["verb"] === "patch" && asString(at(entry, "objectRef", "resource")) === "jobs"
  );
  expect(patches.length).toBeLessThanOrEqual(6);
  const stored = await cluster.jobSet("js");
  expect(restartsOf(stored)).toBe(0);
  expect(asObject(stored["status"])).not.toHaveProperty("terminalState", "Failed");
});
