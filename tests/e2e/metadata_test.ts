/** Labels, annotations and names of the children (spec 1.3; 9: C5, C6). */
import { expect } from "bun:test";
import { at, type JsonObject } from "../../src/base/json.ts";
import { jobKey } from "../../src/api/names.ts";
import { annotationsOf, type Cluster, labelsOf, nameOf, uidOf } from "./cluster.ts";
import { byHand, group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();
const PREFIX = "jobset.sigs.k8s.io/";

function ourKeys(map: Readonly<Record<string, string>>): JsonObject {
  const entries = Object.entries(map).filter(([key]) => key.startsWith(PREFIX));
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(PREFIX.length), value]));
}

/** The priority stands among the labels of Pods and pod templates alone (spec 4.1); that of a cluster without a default is 0. */
const POD_LABELS = { priority: "0" };

/** The keys of a Job stand as labels and as annotations, on itself and on its pod template; all four are the same. */
function keysOf(job: JsonObject | undefined): JsonObject {
  const template = at(job, "spec", "template");
  const { priority, ...podLabels } = ourKeys(labelsOf(template));
  expect({ priority }).toEqual(POD_LABELS);
  const maps = [...[labelsOf(job), annotationsOf(job), annotationsOf(template)].map(ourKeys), podLabels];
  for (const map of maps.slice(1)) expect(map).toEqual(maps[0] ?? {});
  return maps[0] ?? {};
}

async function keysByJob(cluster: Cluster, count: number): Promise<ReadonlyMap<string, JsonObject>> {
  return new Map((await cluster.jobCount("js", count)).map((job) => [nameOf(job), keysOf(job)]));
}

e2e.test("every standard key, as label and annotation, on Jobs and pod templates (C6)", async (cluster) => {
  const groups = [
    byHand("a", { replicas: 2, extra: { groupName: "one" } }),
    byHand("b", { replicas: 3, extra: { groupName: "two" } }),
    byHand("c", { replicas: 1, extra: { groupName: "one" } }),
  ];
  const coordinator = { replicatedJob: "b", jobIndex: 1, podIndex: 0 };
  await cluster.create("jobsets", jobSet("js", groups, { coordinator, network: { subdomain: "net" } }));
  const keys = await keysByJob(cluster, 6);
  const shared = {
    "jobset-name": "js",
    "jobset-uid": uidOf(await cluster.jobSet("js")),
    "restart-attempt": "0",
    "global-replicas": "6",
    coordinator: "js-b-1-0.net",
  };
  expect(keys.get("js-b-2")).toEqual({
    ...shared,
    "replicatedjob-name": "b",
    "replicatedjob-replicas": "3",
    "job-index": "2",
    "job-global-index": "4",
    "job-key": jobKey(cluster.namespace, "js-b-2"),
    "group-name": "two",
    "group-replicas": "3",
    "job-group-index": "2",
  });
  expect(keys.get("js-c-0")).toEqual({
    ...shared,
    "replicatedjob-name": "c",
    "replicatedjob-replicas": "1",
    "job-index": "0",
    "job-global-index": "5",
    "job-key": jobKey(cluster.namespace, "js-c-0"),
    "group-name": "one",
    "group-replicas": "3",
    "job-group-index": "2",
  });
});

e2e.test("real Pods carry them too, with host name and completion index; the coordinator's name is one of them (C11, K22, K34)", async (cluster) => {
  const coordinator = { replicatedJob: "a", jobIndex: 1, podIndex: 1 };
  await cluster.create("jobsets", jobSet("js", [group("a", { replicas: 2, parallelism: 2 })], { coordinator }));
  const pods = await cluster.eventually("4 Pods", async () => {
    const found = await cluster.pods("js");
    return found.length === 4 ? found : undefined;
  });
  const jobs = new Map((await cluster.jobs("js")).map((job) => [nameOf(job), keysOf(job)]));
  const names = pods.map((pod) => {
    const job = labelsOf(pod)["batch.kubernetes.io/job-name"] ?? "";
    expect(ourKeys(labelsOf(pod))).toEqual({ ...jobs.get(job), ...POD_LABELS });
    expect(ourKeys(annotationsOf(pod))).toEqual(jobs.get(job) ?? {});
    const host = `${job}-${labelsOf(pod)["batch.kubernetes.io/job-completion-index"]}`;
    expect(at(pod, "spec", "hostname")).toBe(host);
    return `${host}.${at(pod, "spec", "subdomain")}`;
  });
  expect(names.toSorted()).toEqual(["js-a-0-0.js", "js-a-0-1.js", "js-a-1-0.js", "js-a-1-1.js"]);
  expect(jobs.get("js-a-0")?.["coordinator"]).toBe("js-a-1-1.js");
});

e2e.test("labels and annotations of the templates reach each of two replicas, ours win, and no map is shared (R37)", async (cluster) => {
  const mine = (where: string) => ({
    labels: { where, "jobset.sigs.k8s.io/job-index": "99" },
    annotations: { why: where, "jobset.sigs.k8s.io/jobset-name": "other" },
  });
  const options = { replicas: 2, jobMetadata: mine("job"), podMetadata: mine("pod") };
  await cluster.create("jobsets", jobSet("js", [byHand("a", options), byHand("b", { replicas: 2 })]));
  const jobs = await cluster.jobCount("js", 4);
  const index = "jobset.sigs.k8s.io/job-index";
  for (const [position, job] of jobs.slice(0, 2).entries()) {
    const template = at(job, "spec", "template");
    expect([labelsOf(job)["where"], annotationsOf(job)["why"]]).toEqual(["job", "job"]);
    expect([labelsOf(template)["where"], annotationsOf(template)["why"]]).toEqual(["pod", "pod"]);
    expect([labelsOf(job)[index], labelsOf(template)[index]]).toEqual([String(position), String(position)]);
    expect(keysOf(job)["jobset-name"]).toBe("js");
  }
  for (const job of jobs.slice(2)) {
    expect(labelsOf(job)["where"]).toBeUndefined();
    expect(labelsOf(at(job, "spec", "template"))["where"]).toBeUndefined();
  }
});

e2e.testWithoutWebhooks(
  "defaults hold for an object that never passed a webhook: Indexed, OnFailure, DNS host names (R14)",
  async (cluster) => {
    const containers = [{ name: "main", image: "example.com/none" }];
    const bare = { name: "a", template: { spec: { template: { spec: { containers } } } } };
    await cluster.create("jobsets", jobSet("js", [bare]));
    const [job] = await cluster.jobCount("js", 1);
    expect(at(job, "spec")).toMatchObject({ completionMode: "Indexed", suspend: false });
    expect(at(job, "spec", "template", "spec")).toMatchObject({ restartPolicy: "OnFailure", subdomain: "js" });
    expect(await cluster.find("services", "js")).toBeDefined();
    expect(at(await cluster.jobSet("js"), "spec", "network")).toBeUndefined();
  },
);
