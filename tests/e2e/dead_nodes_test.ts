/** Recovery from dead nodes (spec 7.11, R77): Pods of an old attempt that no kubelet ends. */
import { expect } from "bun:test";
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { type Kubelet, startKubelet } from "../../scripts/kubelet.ts";
import { attemptOf, type Cluster, isDeleting, nameOf, uidOf } from "./cluster.ts";
import { fail } from "./job_status.ts";
import { byHand, group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();

const OWN_LABEL = "jobset-lite.test/nodes-of";
const WINDOW_MS = 2000;
const WINDOW = { "lite.jobset.x-k8s.io/force-delete-after": `${WINDOW_MS / 1000}s` };

interface OwnNodes {
  readonly kubelet: Kubelet;
  readonly names: readonly string[];
  /** Fields of a pod template that go to these Nodes, and to no others. */
  readonly pod: JsonObject;
}

/** Nodes of the test's own, which no other test's Pods come to, kept by a kubelet that the test may stop. */
async function withOwnNodes(cluster: Cluster, count: number, body: (nodes: OwnNodes) => Promise<void>): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `${cluster.namespace}-node-${index}`);
  const key = OWN_LABEL;
  const value = cluster.namespace;
  const kubelet = await startKubelet({
    access: cluster.api.access,
    nodes: names,
    labels: () => ({ [key]: value }),
    taints: () => [{ key, value, effect: "NoSchedule" }],
  });
  const pod = {
    nodeSelector: { [key]: value },
    tolerations: [{ key, value, effect: "NoSchedule" }],
    terminationGracePeriodSeconds: 1,
  };
  try {
    await body({ kubelet, names, pod });
  } finally {
    await kubelet.stop();
    for (const name of names) await cluster.api.request("DELETE", `/api/v1/nodes/${name}`);
    // Nobody else ends them, and the namespace waits for them.
    for (const { metadata } of await cluster.list("pods")) {
      await cluster.api.request("DELETE", cluster.path("pods", nameOf({ metadata })), { gracePeriodSeconds: 0 });
    }
  }
}

/** JobSet of one worker Job per Node, and a Job that the test fails; resolves once the workers run. */
async function startWorkers(cluster: Cluster, name: string, { pod, names }: OwnNodes, metadata: JsonObject = {}) {
  const perNode = {
    topologySpreadConstraints: [{
      maxSkew: 1,
      topologyKey: "kubernetes.io/hostname",
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: { "jobset.sigs.k8s.io/jobset-name": name } },
    }],
  };
  const groups = [group("w", { replicas: names.length, pod: { ...pod, ...perNode } }), byHand("t")];
  const body = jobSet(name, groups, { failurePolicy: { maxRestarts: 3 } });
  await cluster.create("jobsets", { ...body, metadata: { name, ...metadata } });
  return await cluster.eventually(`the Pods of ${name} to run`, async () => {
    const pods = await cluster.pods(name);
    const isRunning = pods.length === names.length && pods.every((each) => at(each, "status", "phase") === "Running");
    return isRunning ? pods : undefined;
  });
}

function nodeOf(pod: JsonObject): string {
  return asString(at(pod, "spec", "nodeName")) ?? "";
}

/** Waits until the Pod is gone; how long after its deletion deadline that was. A deletion by force moves the deadline on, to its own time. */
async function goneAfter(cluster: Cluster, pod: JsonObject): Promise<number> {
  let deadline = Infinity;
  await cluster.eventually(`Pod ${nameOf(pod)} to be gone`, async () => {
    const stored = await cluster.find("pods", nameOf(pod));
    if (stored === undefined) return true;
    const told = Date.parse(asString(at(stored, "metadata", "deletionTimestamp")) ?? "");
    if (told < deadline) deadline = told;
    return false;
  });
  return Date.now() - deadline;
}

e2e.test("a Node that is not ready and one that is gone: the new attempt starts after the window (R77)", async (cluster) => {
  await withOwnNodes(cluster, 2, async (nodes) => {
    const { kubelet, names: [notReady = "", gone = ""] } = nodes;
    const pods = await startWorkers(cluster, "js", nodes, { annotations: WINDOW });
    await startWorkers(cluster, "waits", nodes);
    await kubelet.setNodeReady(notReady, false);
    await kubelet.stop();
    await cluster.api.delete(`/api/v1/nodes/${gone}`);
    const position = cluster.environment.auditPosition();
    await Promise.all([fail(cluster, "js-t-0"), fail(cluster, "waits-t-0")]);
    const lags = await Promise.all(pods.map((pod) => goneAfter(cluster, pod)));
    for (const lag of lags) expect(lag).toBeGreaterThanOrEqual(WINDOW_MS);
    await cluster.jobCount("js", 3, 1);

    const notes = (await cluster.events("js")).filter(({ reason }) => reason === "ForceDeletedPod");
    const words = new Map([[notReady, "not ready"], [gone, "gone"]]);
    expect(notes.map(({ type, note }) => [type, note]).toSorted()).toEqual(
      pods.map((pod) => {
        const node = nodeOf(pod);
        const why = `Node "${node}" is ${words.get(node)}`;
        return ["Warning", `deleted Pod "${nameOf(pod)}" of an old attempt by force: ${why}`];
      }).toSorted(),
    );
    // Without the annotation it waits, and nobody asks for its Pods.
    const old = (await cluster.pods("waits")).filter((pod) => isDeleting(pod));
    expect(old).toHaveLength(2);
    expect((await cluster.events("waits")).map(({ reason }) => reason)).not.toContain("ForceDeletedPod");
    const asked = cluster.environment.auditSince(position, cluster.namespace)
      .filter((entry) => entry["verb"] === "list" && at(entry, "objectRef", "resource") === "pods")
      .map((entry) => decodeURIComponent(asString(entry["requestURI"]) ?? ""));
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.length).toBeLessThanOrEqual(3);
    expect(asked.filter((uri) => !uri.includes("jobset-name=js&"))).toEqual([]);
  });
});

e2e.test("the annotation added while a restart hangs helps at once", async (cluster) => {
  await withOwnNodes(cluster, 1, async (nodes) => {
    const { kubelet, names: [node = ""] } = nodes;
    const [pod = {}] = await startWorkers(cluster, "js", nodes);
    await kubelet.setNodeReady(node, false);
    await kubelet.stop();
    await fail(cluster, "js-t-0");
    await cluster.eventually("its old Pod to be overdue", async () => {
      const deadline = asString(at(await cluster.get("pods", nameOf(pod)), "metadata", "deletionTimestamp"));
      return deadline !== undefined && Date.now() > Date.parse(deadline) + WINDOW_MS;
    });
    await cluster.patch("jobsets", "js", { metadata: { annotations: WINDOW } });
    await goneAfter(cluster, pod);
    await cluster.jobCount("js", 2, 1);
  });
});

e2e.test("a Pod on a healthy Node is never forced, however late it is; once its Node is not ready it is (R77)", async (cluster) => {
  await withOwnNodes(cluster, 1, async (nodes) => {
    const { kubelet, names: [node = ""] } = nodes;
    const [pod = {}] = await startWorkers(cluster, "js", nodes, { annotations: WINDOW });
    // A kubelet that is slow to end a Pod, on a Node that is well.
    await kubelet.stop();
    const position = cluster.environment.auditPosition();
    await fail(cluster, "js-t-0");
    await cluster.eventually("the controller to have looked three times", () => {
      const lists = cluster.environment.auditSince(position, cluster.namespace)
        .filter((entry) => entry["verb"] === "list" && at(entry, "objectRef", "resource") === "pods");
      return Promise.resolve(lists.length >= 3);
    });
    const stored = await cluster.get("pods", nameOf(pod));
    expect(uidOf(stored)).toBe(uidOf(pod));
    expect(attemptOf(stored)).toBe(0);
    expect((await cluster.events("js")).map(({ reason }) => reason)).not.toContain("ForceDeletedPod");
    await kubelet.setNodeReady(node, false);
    await cluster.event("js", "ForceDeletedPod");
    await cluster.jobCount("js", 2, 1);
  });
});

e2e.test("a value that is no duration is told once and forces nothing", async (cluster) => {
  const metadata = { name: "js", annotations: { "lite.jobset.x-k8s.io/force-delete-after": "soon" } };
  await cluster.create("jobsets", { ...jobSet("js", [byHand("t")], { failurePolicy: { maxRestarts: 3 } }), metadata });
  await cluster.jobCount("js", 1, 0);
  await fail(cluster, "js-t-0");
  await cluster.jobCount("js", 1, 1);
  const { type, note, count } = await cluster.event("js", "InvalidForceDeleteAfter");
  expect({ type, note, count }).toEqual({
    type: "Warning",
    note:
      'annotation lite.jobset.x-k8s.io/force-delete-after: "soon" is no duration such as 90s or 5m: no Pod is forced',
    count: 1,
  });
});
