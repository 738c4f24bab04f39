/** What the Pod webhooks make of single Pods (spec 4.1); most are created in dry-run. Nobody reconciles these. */
import { expect } from "bun:test";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import type { ApiAnswer } from "../../scripts/control_plane/api.ts";
import { annotationsOf, type Cluster, labelsOf, uidOf } from "./cluster.ts";
import { group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const { test } = suite();

const JOBSET_NAME = "jobset.sigs.k8s.io/jobset-name";
const JOB_KEY = "jobset.sigs.k8s.io/job-key";
const PRIORITY = "jobset.sigs.k8s.io/priority";
const EXCLUSIVE = "alpha.jobset.sigs.k8s.io/exclusive-topology";
const INDEX = "batch.kubernetes.io/job-completion-index";
const ZONE = "topology.kubernetes.io/zone";
const JOB = "train-a-0";
const TRANSIENT = "this is an expected, transient error";

interface PodOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly owner?: JsonObject;
  readonly spec?: JsonObject;
}

function podOf({ annotations, labels, owner, spec }: PodOptions): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${JOB}-`,
      annotations: { [JOBSET_NAME]: "train", ...annotations },
      labels: { [JOBSET_NAME]: "train", [JOB_KEY]: "key-1", ...labels },
      ...(owner === undefined ? {} : { ownerReferences: [owner] }),
    },
    spec: { containers: [{ name: "main", image: "example.com/none" }], ...spec },
  };
}

function exclusive(index: string, more: PodOptions = {}): JsonObject {
  return podOf({ ...more, annotations: { [EXCLUSIVE]: ZONE, [INDEX]: index, ...more.annotations } });
}

/** The answer to creating the Pod without storing it. */
function dryRun(cluster: Cluster, pod: JsonObject): Promise<ApiAnswer> {
  return cluster.api.request("POST", `${cluster.path("pods")}?dryRun=All&fieldValidation=Strict`, pod);
}

async function stored(cluster: Cluster, pod: JsonObject): Promise<JsonObject> {
  const { code, body } = await dryRun(cluster, pod);
  expect([code, code === 201 ? "" : body["message"]]).toEqual([201, ""]);
  return body;
}

async function refused(cluster: Cluster, pod: JsonObject): Promise<string> {
  const { code, body } = await dryRun(cluster, pod);
  expect({ code, reason: body["reason"] }).toEqual({ code: 403, reason: "Forbidden" });
  return asString(body["message"]) ?? "";
}

function required(pod: JsonObject, kind: "podAffinity" | "podAntiAffinity"): readonly unknown[] {
  return asArray(at(pod, "spec", "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution"));
}

/** A Job that no Job controller takes up, as owner reference. */
async function jobByHand(cluster: Cluster, name: string): Promise<JsonObject> {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "example.com/none" }] } };
  const job = await cluster.create("jobs", {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: { managedBy: "example.com/by-hand", template },
  });
  return { apiVersion: "batch/v1", kind: "Job", name, uid: uidOf(job), controller: true };
}

test("each Pod of a JobSet is labelled with its priority, a negative one without a minus (R48)", async (cluster) => {
  const name = `${cluster.namespace}-low`;
  const classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
  await cluster.api.create(classes, { metadata: { name }, value: -1 });
  try {
    expect(labelsOf(await stored(cluster, podOf({})))[PRIORITY]).toBe("0");
    const low = podOf({ spec: { priorityClassName: name } });
    // Both a PriorityClass and a label that is wrong for it may be new to the API server.
    await cluster.eventually("the class to be known", async () => (await dryRun(cluster, low)).code === 201);
    expect(labelsOf(await stored(cluster, low))[PRIORITY]).toBe("n1");
    const wrong = podOf({ labels: { [PRIORITY]: "7" }, spec: { priorityClassName: "system-cluster-critical" } });
    expect(labelsOf(await stored(cluster, wrong))[PRIORITY]).toBe("2000000000");
    const other = podOf({ annotations: { "alpha.jobset.sigs.k8s.io/node-selector": "true", [EXCLUSIVE]: ZONE } });
    expect(labelsOf(await stored(cluster, other))[PRIORITY]).toBeUndefined();
  } finally {
    await cluster.api.delete(`${classes}/${name}`);
  }
});

test("a leader gets its terms beside its own, and gets them once", async (cluster) => {
  const own = { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { a: "b" } } };
  const affinity = {
    nodeAffinity: {},
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [own] },
  };
  const pod = exclusive("0", { spec: { affinity, nodeSelector: { pool: "p" } } });
  const leader = await stored(cluster, pod);
  const inJob = { key: JOB_KEY, operator: "In", values: ["key-1"] };
  expect(required(leader, "podAffinity")).toEqual([
    { labelSelector: { matchExpressions: [inJob] }, topologyKey: ZONE, namespaceSelector: {} },
  ]);
  const matchExpressions = [
    { key: JOB_KEY, operator: "Exists" },
    { key: JOB_KEY, operator: "NotIn", values: ["key-1"] },
    { key: PRIORITY, operator: "In", values: ["0"] },
  ];
  expect(required(leader, "podAntiAffinity")).toEqual([
    own,
    { labelSelector: { matchExpressions }, topologyKey: ZONE, namespaceSelector: {} },
  ]);
  expect(at(leader, "spec", "nodeSelector")).toEqual({ pool: "p" });
  expect(annotationsOf(leader)[EXCLUSIVE]).toBe(ZONE);
  // As the API server sends it where another webhook changed the Pod after ours.
  const again = exclusive("0", { spec: { affinity: at(leader, "spec", "affinity") } });
  expect(at(await stored(cluster, again), "spec", "affinity")).toEqual(at(leader, "spec", "affinity"));
});

test("a leader whose topology is no label is told so by the API server", async (cluster) => {
  const { code, body } = await dryRun(cluster, exclusive("0", { annotations: { [EXCLUSIVE]: "" } }));
  expect(code).toBe(422);
  expect(asString(body["message"])).toContain("topologyKey: Required value");
});

test("a Pod without a job key is told so", async (cluster) => {
  for (const index of ["0", "1"]) {
    expect(await refused(cluster, exclusive(index, { labels: { [JOB_KEY]: "" } }))).toBe(
      `admission webhook "mpod.kb.io" denied the request: exclusive placement needs the label "${JOB_KEY}" on each pod`,
    );
  }
});

test("a follower is refused until its leader has a node, then sent to its zone", async (cluster) => {
  const owner = await jobByHand(cluster, JOB);
  const other = await jobByHand(cluster, "other");
  const follower = (selector?: JsonObject, by = owner) =>
    exclusive("1", { owner: by, ...(selector === undefined ? {} : { spec: { nodeSelector: selector } }) });
  const byValidation = (message: string) => `admission webhook "vpod.kb.io" denied the request: ${message}`;
  const byMutation = (message: string) => `admission webhook "mpod.kb.io" denied the request: ${message}`;
  const pinned = { [ZONE]: "zone-elsewhere" };

  expect(await refused(cluster, follower())).toBe(byValidation("follower pod node selector not set"));
  expect(await refused(cluster, follower({ pool: "p" }))).toBe(
    byValidation(`follower pod node selector for topology domain not found. missing selector: ${ZONE}`),
  );
  expect(await refused(cluster, follower(pinned))).toBe(
    byMutation(`expected 1 leader pod (${JOB}-0), but got 0. ${TRANSIENT}`),
  );

  const waiting = { schedulingGates: [{ name: "jobset-lite.test/wait" }] };
  const leader = await cluster.create("pods", exclusive("0", { owner, spec: waiting }));
  const leaderName = asString(at(leader, "metadata", "name")) ?? "";
  expect(await refused(cluster, follower())).toBe(byValidation("follower pod node selector not set"));
  expect(await refused(cluster, follower(pinned))).toBe(
    byMutation(`leader pod not yet scheduled, not creating follower pod. ${TRANSIENT}`),
  );
  expect(await refused(cluster, follower(pinned, other))).toBe(
    byMutation(
      `follower pod owner UID (${asString(other["uid"])}) != leader pod owner UID (${asString(owner["uid"])})`,
    ),
  );

  const [node] = (await cluster.api.list("/api/v1/nodes")).filter((node) => labelsOf(node)[ZONE] !== undefined);
  const zone = labelsOf(node)[ZONE] ?? "";
  await cluster.patch("pods", leaderName, { spec: { schedulingGates: null } });
  const target = { apiVersion: "v1", kind: "Node", name: asString(at(node, "metadata", "name")) ?? "" };
  // The scheduler may be faster: then it is its Node that counts.
  await cluster.api.request("POST", `${cluster.path("pods", leaderName)}/binding`, {
    metadata: { name: leaderName },
    target,
  });
  const nodeName = await cluster.eventually(
    "the leader to have a Node",
    async () => asString(at(await cluster.get("pods", leaderName), "spec", "nodeName")),
  );
  const chosen = nodeName === target.name ? zone : labelsOf(await cluster.api.get(`/api/v1/nodes/${nodeName}`))[ZONE];
  for (const selector of [undefined, { pool: "p" }, pinned]) {
    const admitted = await cluster.eventually("a follower to be let in", async () => {
      const { code, body } = await dryRun(cluster, follower(selector));
      if (code !== 201) throw new Error(asString(body["message"]) ?? "");
      return body;
    });
    expect(at(admitted, "spec", "nodeSelector")).toEqual({ ...selector, [ZONE]: chosen });
    expect(asObject(at(admitted, "spec", "affinity"))).toBeUndefined();
  }
  const lone = exclusive("1", { spec: { nodeSelector: pinned } });
  expect(await refused(cluster, lone)).toBe(
    byMutation(`follower pod owner UID () != leader pod owner UID (${asString(owner["uid"])})`),
  );
});

test("Pods that come after their leader has completed go to its domain all the same", async (cluster) => {
  // A priority of its own, so that no other test's Pods keep its leader out.
  const priorityClassName = `ends-${cluster.namespace}`;
  const classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
  await cluster.api.create(classes, { metadata: { name: priorityClassName }, value: 4321 });
  try {
    const workers = group("w", {
      parallelism: 2,
      job: { completions: 4, backoffLimit: 6 },
      fate: { "succeed-after": "200ms" },
      jobMetadata: { annotations: { [EXCLUSIVE]: "kubernetes.io/hostname" } },
      pod: { priorityClassName },
    });
    await cluster.create("jobsets", jobSet("ends", [workers]));
    await cluster.eventually("all four to complete", async () => {
      return asString(at(await cluster.jobSet("ends"), "status", "terminalState")) === "Completed";
    });
    const pods = await cluster.pods("ends");
    expect(pods.length).toBe(4);
    expect(new Set(pods.map((pod) => at(pod, "spec", "nodeName"))).size).toBe(1);
  } finally {
    await cluster.api.delete(`${classes}/${priorityClassName}`);
  }
});
