/** Resources of suspended Pods (spec 3.8; gate MutablePodResourcesForSuspendedJobSets), by the real Job controller. */
import { expect } from "bun:test";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { type Cluster, nameOf, uidOf } from "./cluster.ts";
import { group, type GroupOptions, jobSet } from "./job_sets.ts";
import { soloSuite } from "./suite.ts";
import { installedWithGates, withGates } from "./with_gates.ts";

const e2e = soloSuite();
const GATES = ["MutablePodResourcesForSuspendedJobSets"] as const;
const REFUSED = "FailedResourcePropagation";
const IMAGE = "example.com/none";

/** A replicatedJob `a` whose container `main` asks for this. */
function asking(resources: JsonObject, options: GroupOptions = {}): JsonObject {
  return group("a", { replicas: 2, container: { resources }, ...options });
}

/** One update as Kueue sends it: suspend and the whole list. */
async function flip(cluster: Cluster, suspend: boolean, replicatedJob: JsonObject): Promise<void> {
  const template = asObject(replicatedJob["template"]);
  const stored = { ...template, spec: { completionMode: "Indexed", ...asObject(template?.["spec"]) } };
  const replicatedJobs = [{ ...replicatedJob, template: stored }];
  await cluster.eventually("the update to be taken", async () => {
    const resourceVersion = at(await cluster.jobSet("js"), "metadata", "resourceVersion");
    await cluster.patch("jobsets", "js", { metadata: { resourceVersion }, spec: { suspend, replicatedJobs } });
    return true;
  });
}

/** What the containers of a Job's or a Pod's spec ask for, by name. */
function resourcesOf(spec: unknown): JsonObject {
  const all = ["initContainers", "containers"].flatMap((list) => asArray(at(spec, list)));
  return Object.fromEntries(all.map((one) => [asString(at(one, "name")) ?? "", at(one, "resources")]));
}

/** The Pods once there are two, each with these containers. */
async function running(cluster: Cluster, resources: JsonObject): Promise<void> {
  await cluster.eventually(`two Pods with ${JSON.stringify(resources)}`, async () => {
    const pods = await cluster.pods("js");
    const isRight = (pod: JsonObject) =>
      at(pod, "status", "phase") === "Running" && Bun.deepEquals(resourcesOf(pod["spec"]), resources);
    return pods.length === 2 && pods.every(isRight);
  });
}

async function atRest(cluster: Cluster): Promise<void> {
  await cluster.condition("js", "Suspended");
  await cluster.eventually("no Pod", async () => (await cluster.pods("js")).length === 0);
}

/** The controller's changes of Jobs since then, by subresource. */
function patchesSince(cluster: Cluster, position: number): readonly string[] {
  return cluster.environment.auditSince(position, cluster.namespace)
    .filter((entry) => entry["verb"] === "patch" && at(entry, "objectRef", "resource") === "jobs")
    .map((entry) => `${at(entry, "objectRef", "name")} ${at(entry, "responseStatus", "code")}`).toSorted();
}

e2e.test("sized twice while suspended, webhooks and all: Pods ask for the newest, each Job is patched once", async (cluster) => {
  await installedWithGates(cluster, GATES, async (own) => {
    const small = { requests: { cpu: "10m", memory: "64Mi" }, limits: { cpu: "20m", memory: "64Mi" } };
    const large = { requests: { cpu: "30m", memory: "32Mi" } };
    const init = (resources: JsonObject) => [{ name: "first", image: IMAGE, restartPolicy: "Always", resources }];
    const sized = (main: JsonObject, first: JsonObject) => asking(main, { pod: { initContainers: init(first) } });
    await own.create("jobsets", jobSet("js", [sized({}, small)], { suspend: true }));
    await own.jobCount("js", 2);
    await atRest(own);
    const position = own.environment.auditPosition();
    await flip(own, false, sized(small, large));
    await running(own, { main: small, first: large });
    expect(patchesSince(own, position)).toEqual(["js-a-0 200", "js-a-1 200"]);
    const uids = (await own.jobs("js")).map(uidOf);
    await flip(own, true, sized(small, large));
    await atRest(own);
    await flip(own, false, sized(large, {}));
    await running(own, { main: large, first: {} });
    // The same amounts in other words are no change: no template is waited for, and none is patched.
    await flip(own, true, sized({ requests: { memory: "32768Ki", cpu: "0.03" } }, {}));
    await atRest(own);
    await own.patch("jobsets", "js", { spec: { suspend: false } });
    await running(own, { main: large, first: {} });
    expect((await own.jobs("js")).map(uidOf)).toEqual(uids);
    expect((await own.events("js")).filter(({ type }) => type === "Warning")).toEqual([]);
  });
});

e2e.testWithoutWebhooks(
  "resumed while the old Pods are still stopping: waited out, without an event",
  async (cluster) => {
    const options: GroupOptions = { fate: { "stop-after": "2s" } };
    await withGates(cluster, GATES, async () => {
      await cluster.create("jobsets", jobSet("js", [asking({ requests: { cpu: "10m" } }, options)]));
      await running(cluster, { main: { requests: { cpu: "10m" } } });
      await cluster.patch("jobsets", "js", { spec: { suspend: true } });
      // Without admission, a suspension that is over before it was seen is not found out about (R34).
      await cluster.eventually(
        "the Jobs to be suspended",
        async () => (await cluster.jobs("js")).every((job) => at(job, "spec", "suspend") === true),
      );
      await flip(cluster, false, asking({ requests: { cpu: "20m" } }, options));
      await running(cluster, { main: { requests: { cpu: "20m" } } });
      expect((await cluster.events("js")).filter(({ type }) => type === "Warning")).toEqual([]);
    });
  },
);

e2e.testWithoutWebhooks(
  "containers that another admission put into a Job, in another order, are left alone",
  async (cluster) => {
    const options: GroupOptions = {
      replicas: 1,
      pod: { containers: ["main", "side"].map((name) => ({ name, image: IMAGE })) },
    };
    const owner = await cluster.create("jobsets", jobSet("js", [group("a", options)], { suspend: true }));
    const keys = {
      "jobset.sigs.k8s.io/jobset-name": "js",
      "jobset.sigs.k8s.io/replicatedjob-name": "a",
      "jobset.sigs.k8s.io/restart-attempt": "0",
    };
    const extra = { requests: { cpu: "5m" } };
    const containers = [
      { name: "side", image: IMAGE },
      { name: "injected", image: IMAGE, resources: extra },
      { name: "main", image: IMAGE, resources: extra },
    ];
    await cluster.create("jobs", {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        name: "js-a-0",
        labels: keys,
        annotations: keys,
        ownerReferences: [
          { apiVersion: owner["apiVersion"], kind: "JobSet", name: "js", uid: uidOf(owner), controller: true },
        ],
      },
      spec: { suspend: true, template: { spec: { restartPolicy: "Never", containers } } },
    });
    await withGates(cluster, GATES, async () => {
      const side = { limits: { memory: "32Mi" } };
      const sized = [{ name: "main", image: IMAGE }, { name: "side", image: IMAGE, resources: side }];
      await flip(cluster, false, group("a", { replicas: 1, pod: { containers: sized } }));
      const job = await cluster.eventually("the Job to be resumed", async () => {
        const found = await cluster.get("jobs", "js-a-0");
        return at(found, "spec", "suspend") === false ? found : undefined;
      });
      expect(resourcesOf(at(job, "spec", "template", "spec"))).toEqual({ side, injected: extra, main: {} });
    });
  },
);

e2e.testWithoutWebhooks(
  "a Job that refuses its resources stays suspended and one event tells why, until they are right",
  async (cluster) => {
    await withGates(cluster, GATES, async () => {
      await cluster.create("jobsets", jobSet("js", [asking({ requests: { cpu: "10m" } })], { suspend: true }));
      await cluster.jobCount("js", 2);
      await atRest(cluster);
      await flip(cluster, false, asking({ requests: { cpu: "10m" }, limits: { cpu: "1m" } }));
      const event = await cluster.eventually("a series of refusals", async () => {
        const found = (await cluster.events("js")).find(({ reason }) => reason === REFUSED);
        return found !== undefined && found.count > 2 ? found : undefined;
      });
      expect(event.type).toBe("Warning");
      expect(event.note).toMatch(
        /^Failed to propagate mutated resources to child Job: Job\.batch "js-a-\d" is invalid: spec\.template\.spec\.containers\[0\]\.resources\.requests: Invalid value: "10m": must be less than or equal to cpu limit of 1m\. Ensure MutablePodResourcesForSuspendedJobs is enabled on the API server\.$/,
      );
      expect((await cluster.events("js")).filter(({ reason }) => reason === REFUSED).length).toBe(1);
      await flip(cluster, false, asking({ requests: { cpu: "20m" } }));
      await running(cluster, { main: { requests: { cpu: "20m" } } });
    });
  },
);

e2e.testWithoutWebhooks("with the gate off a resume leaves the resources of the Jobs as they are", async (cluster) => {
  await withGates(cluster, [], async () => {
    await cluster.create("jobsets", jobSet("js", [asking({ requests: { cpu: "10m" } })], { suspend: true }));
    await cluster.jobCount("js", 2);
    await atRest(cluster);
    await flip(cluster, false, asking({ requests: { cpu: "20m" } }));
    await running(cluster, { main: { requests: { cpu: "10m" } } });
    expect((await cluster.jobs("js")).map(nameOf)).toEqual(["js-a-0", "js-a-1"]);
  });
});
