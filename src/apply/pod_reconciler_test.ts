import { beforeEach, expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { asArray, asObject, at, type JsonObject } from "../base/json.ts";
import { type Pod, readPod } from "../api/pod.ts";
import { ApiError } from "../client/api_error.ts";
import type { KubeRequest } from "../client/kube_client.ts";
import { PodReconciler } from "./pod_reconciler.ts";

const ZONE = "topology.kubernetes.io/zone";
const JOB = "ns/j1";
const PODS = "/api/v1/namespaces/ns/pods";

interface PodFacts {
  readonly index?: number;
  readonly uid?: string;
  readonly jobUid?: string;
  readonly node?: string;
  readonly zone?: string | undefined;
  readonly annotations?: JsonObject;
  readonly metadata?: JsonObject;
  readonly phase?: string;
}

function body(name: string, facts: PodFacts = {}): JsonObject {
  const { index = 0, uid = `uid-${name}`, jobUid = "j1", node, zone, phase = "Running" } = facts;
  const annotations = { "alpha.jobset.sigs.k8s.io/exclusive-topology": ZONE, ...facts.annotations };
  return {
    kind: "Pod",
    metadata: {
      name,
      namespace: "ns",
      uid,
      resourceVersion: "5",
      labels: { "jobset.sigs.k8s.io/jobset-name": "js" },
      annotations: { ...annotations, "batch.kubernetes.io/job-completion-index": String(index) },
      ownerReferences: [{ kind: "Job", uid: jobUid, controller: true }],
      ...facts.metadata,
    },
    spec: {
      ...(node === undefined ? {} : { nodeName: node }),
      ...(zone === undefined ? {} : { nodeSelector: { [ZONE]: zone } }),
    },
    status: { phase, conditions: [{ type: "Ready", status: "True" }] },
  };
}

/** What the API server holds, what the cache holds, and what was asked and done. */
class World {
  readonly clock = new FakeClock();
  readonly server = new Map<string, JsonObject>();
  readonly cache = new Map<string, Pod>();
  readonly nodes: Record<string, string> = { n1: "a", n2: "b" };
  readonly cachedNodes: Record<string, string> = { n1: "a", n2: "b" };
  readonly requests: KubeRequest[] = [];
  readonly logged: string[] = [];
  readonly faults: ((request: KubeRequest) => Error | undefined)[] = [];
  /** Deletions end only when this says so. */
  held: Promise<void> = Promise.resolve();
  mostAtOnce = 0;
  #atOnce = 0;

  put(name: string, facts: PodFacts = {}, cached: PodFacts | null = facts): void {
    this.server.set(name, body(name, facts));
    const pod = cached === null ? undefined : readPod(body(name, cached));
    if (pod !== undefined) this.cache.set(name, pod);
  }

  reconciler(): PodReconciler {
    return new PodReconciler({
      client: { request: (request) => this.#request(request), stream: () => Promise.reject(new Error("no streams")) },
      clock: this.clock,
      log: { info: (_, message) => void this.logged.push(message), error: () => {} },
      podsOf: (job) => [...this.cache.values()].filter((pod) => `${pod.namespace}/${pod.jobUid}` === job),
      cached: ({ name }) => this.cache.get(name),
      domain: ({ nodeName, isCertain }) => {
        if (isCertain) this.requests.push({ method: "GET", path: `/api/v1/nodes/${nodeName}` });
        return Promise.resolve((isCertain ? this.nodes : this.cachedNodes)[nodeName]);
      },
      observe: {
        written: (pod) => void this.cache.set(pod.name, pod),
        deleted: (pod) => void this.cache.delete(pod.name),
      },
    });
  }

  reconcile() {
    return this.reconciler().reconcile(JOB);
  }

  /** Names of the Pods that were deleted. */
  get deleted(): string[] {
    return this.requests.filter(({ method }) => method === "DELETE").map(({ path }) => path.slice(PODS.length + 1))
      .sort();
  }

  get writes(): number {
    return this.requests.filter(({ method }) => method !== "GET").length;
  }

  conditions(name: string): unknown[] {
    return asArray(at(this.server.get(name), "status", "conditions")).map((condition) => at(condition, "type"));
  }

  async #request(request: KubeRequest): Promise<unknown> {
    this.requests.push(request);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    try {
      await this.held;
      const fault = this.faults.map((find) => find(request)).find((error) => error !== undefined);
      if (fault !== undefined) throw fault;
      return this.#serve(request);
    } finally {
      this.#atOnce--;
    }
  }

  #serve({ method, path, query, body: sent }: KubeRequest): unknown {
    if (method === "GET") {
      const found = this.server.get((query?.["fieldSelector"] ?? "").replace("metadata.name=", ""));
      return { items: path === PODS && found !== undefined ? [found] : [] };
    }
    const name = path.slice(PODS.length + 1).replace(/\/status$/, "");
    const pod = this.server.get(name);
    if (pod === undefined) throw refusal(404, "NotFound");
    const uid = at(sent, "metadata", "uid") ?? at(sent, "preconditions", "uid");
    if (uid !== at(pod, "metadata", "uid")) throw refusal(409, "Conflict");
    const changed = method === "PATCH" ? marked(pod, sent) : ending(pod);
    this.server.set(name, changed);
    return changed;
  }
}

function marked(pod: JsonObject, patch: unknown): JsonObject {
  const conditions = [...asArray(at(pod, "status", "conditions")), ...asArray(at(patch, "status", "conditions"))];
  return { ...pod, status: { ...asObject(pod["status"]), conditions } };
}

function ending(pod: JsonObject): JsonObject {
  return { ...pod, metadata: { ...asObject(pod["metadata"]), deletionTimestamp: "2030-01-01T00:00:00Z" } };
}

function refusal(status: number, reason: string): ApiError {
  return new ApiError({ status, reason, message: `refused: ${status}` });
}

let world = new World();

beforeEach(() => {
  world = new World();
  world.put("leader", { node: "n1" });
});

test("R45: a follower in a wrong domain gets the condition and is deleted; those in the right one stay", async () => {
  world.put("right", { index: 1, zone: "a" });
  world.put("wrong", { index: 2, zone: "b" });
  world.put("missing", { index: 3 });
  expect(await world.reconcile()).toEqual({ kind: "done" });
  expect(world.deleted).toEqual(["missing", "wrong"]);
  const [patch] = world.requests.filter(({ path }) => path.endsWith("/wrong/status"));
  expect(patch).toEqual({
    method: "PATCH",
    path: `${PODS}/wrong/status`,
    contentType: "application/strategic-merge-patch+json",
    body: {
      metadata: { uid: "uid-wrong" },
      status: {
        conditions: [{
          type: "DisruptionTarget",
          status: "True",
          reason: "ExclusivePlacementViolation",
          message: "Pod violated JobSet exclusive placement policy",
          lastTransitionTime: "2030-01-01T00:00:00Z",
        }],
      },
    },
  });
  const removal = world.requests.find(({ method, path }) => method === "DELETE" && path === `${PODS}/wrong`);
  expect(removal?.body).toMatchObject({ propagationPolicy: "Background", preconditions: { uid: "uid-wrong" } });
  expect(world.conditions("right")).toEqual(["Ready"]);
  expect(world.cache.get("wrong")?.isDeleting).toBe(true);
});

test("a Job whose followers are all in place costs no request", async () => {
  world.put("right", { index: 1, zone: "a" });
  expect(await world.reconcile()).toEqual({ kind: "done" });
  expect(world.requests).toEqual([]);
});

test("R09: of two generations of a Job each has its own leader", async () => {
  world.put("old-leader", { node: "n2", jobUid: "j0" });
  world.put("old-follower", { index: 1, zone: "b", jobUid: "j0" });
  world.put("right", { index: 1, zone: "a" });
  await world.reconcile();
  expect(await world.reconciler().reconcile("ns/j0")).toEqual({ kind: "done" });
  expect(world.writes).toBe(0);
});

test("R41: pinned followers go once their leader has landed elsewhere", async () => {
  world.cache.clear();
  for (let index = 1; index <= 3; index++) world.put(`pinned-${index}`, { index, zone: "a", phase: "Pending" });
  world.put("new-leader", { phase: "Pending" });
  expect(await world.reconcile()).toEqual({ kind: "done" });
  expect(world.writes).toBe(0);
  world.put("new-leader", { node: "n2" });
  expect(await world.reconcile()).toEqual({ kind: "done" });
  expect(world.deleted).toEqual(["pinned-1", "pinned-2", "pinned-3"]);
});

test("R43: beside a leader that is being deleted the new one counts alone", async () => {
  world.put("leader", { node: "n1", metadata: { deletionTimestamp: "2030-01-01T00:00:00Z" } });
  world.put("new-leader", { node: "n2" });
  world.put("old", { index: 1, zone: "a" });
  world.put("new", { index: 2, zone: "b" });
  await world.reconcile();
  expect(world.deleted).toEqual(["old"]);
});

test("while the leader's node is gone or lacks the label nothing is deleted, and it is tried again", async () => {
  world.put("wrong", { index: 1, zone: "b" });
  delete world.cachedNodes["n1"];
  expect(await world.reconcile()).toEqual({ kind: "backOff", isError: false });
  world.cachedNodes["n1"] = "a";
  delete world.nodes["n1"];
  expect(await world.reconcile()).toEqual({ kind: "backOff", isError: false });
  expect(world.writes).toBe(0);
  world.nodes["n1"] = "a";
  await world.reconcile();
  expect(world.deleted).toEqual(["wrong"]);
});

test("no healthy follower dies of a cache that lags behind the label of a node", async () => {
  world.nodes["n1"] = "b";
  world.put("right", { index: 1, zone: "b" });
  world.put("wrong", { index: 2, zone: "c" });
  expect(await world.reconcile()).toEqual({ kind: "done" });
  expect(world.deleted).toEqual(["wrong"]);
});

test("nor of one that lags behind the leader: moved, being deleted, finished, replaced, gone", async () => {
  const cached = { node: "n1" };
  const changes: readonly PodFacts[] = [
    { node: "n2" },
    { ...cached, metadata: { deletionTimestamp: "2030-01-01T00:00:00Z" } },
    { ...cached, phase: "Failed" },
    { ...cached, uid: "another" },
    { ...cached, annotations: { "alpha.jobset.sigs.k8s.io/node-selector": "true" } },
  ];
  for (const now of changes) {
    world.put("leader", now, cached);
    world.put("healthy", { index: 1, zone: "b" });
    expect(await world.reconcile()).toEqual({ kind: "backOff", isError: false });
  }
  world.server.delete("leader");
  expect(await world.reconcile()).toEqual({ kind: "backOff", isError: false });
  expect(world.writes).toBe(0);
});

test("a follower made by hand, without the annotation, is judged by its node selector", async () => {
  const annotations = { "alpha.jobset.sigs.k8s.io/exclusive-topology": undefined };
  world.put("right", { index: 1, zone: "a", annotations });
  world.put("wrong", { index: 2, zone: "b", annotations });
  expect(await world.reconcile()).toEqual({ kind: "done" });
  expect(world.deleted).toEqual(["wrong"]);
});

test("at most 50 Pods are touched at once, of all Jobs together", async () => {
  const released = Promise.withResolvers<void>();
  for (const jobUid of ["j1", "j2"]) {
    world.put(`leader-${jobUid}`, { node: "n1", jobUid });
    for (let index = 1; index <= 100; index++) world.put(`wrong-${jobUid}-${index}`, { index, zone: "b", jobUid });
  }
  const reconciler = world.reconciler();
  const running = Promise.all([reconciler.reconcile("ns/j1"), reconciler.reconcile("ns/j2")]);
  while (world.writes === 0) {
    world.held = Promise.resolve();
    await Promise.resolve();
  }
  world.held = released.promise;
  await new Promise((resolve) => setImmediate(resolve));
  released.resolve();
  await running;
  expect(world.deleted).toHaveLength(200);
  expect(world.mostAtOnce).toBe(50);
});

test("ended between condition and deletion, the next reconcile does both", async () => {
  world.put("wrong", { index: 1, zone: "b" });
  const first = world.reconciler();
  world.faults.push(({ method }) => {
    if (method === "PATCH") first.stop();
    return undefined;
  });
  expect(await first.reconcile(JOB)).toEqual({ kind: "backOff", isError: false });
  expect([world.conditions("wrong"), world.deleted]).toEqual([["Ready", "DisruptionTarget"], []]);
  world.faults.length = 0;
  expect(await world.reconcile()).toEqual({ kind: "done" });
  expect(world.deleted).toEqual(["wrong"]);
});

test("without the condition no Pod is deleted, and one that fails does not keep the others", async () => {
  world.put("first", { index: 1, zone: "b" });
  world.put("second", { index: 2, zone: "b" });
  world.faults.push(({ method, path }) =>
    method === "PATCH" && path.includes("first") ? refusal(500, "InternalError") : undefined
  );
  const reconciler = world.reconciler();
  expect(await reconciler.reconcile(JOB)).toEqual({ kind: "backOff", isError: true });
  expect(world.deleted).toEqual(["second"]);
  expect(world.logged).toContain("checking exclusive placement failed and is tried again");
  world.faults.length = 0;
  expect(await reconciler.reconcile(JOB)).toEqual({ kind: "done" });
  expect(world.deleted).toEqual(["first", "second"]);
});

test("a Pod that is gone needs no deletion; one that took its name is not touched", async () => {
  world.put("gone", { index: 1, zone: "b" });
  world.server.delete("gone");
  world.put("replaced", { index: 2, zone: "a", uid: "successor" }, { index: 2, zone: "b" });
  expect(await world.reconcile()).toEqual({ kind: "backOff", isError: false });
  expect(world.cache.has("gone")).toBe(false);
  expect(world.deleted).toEqual([]);
  expect(world.conditions("replaced")).toEqual(["Ready"]);
});

test("told to stop, it begins nothing", async () => {
  world.put("wrong", { index: 1, zone: "b" });
  const reconciler = world.reconciler();
  reconciler.stop();
  expect(await reconciler.reconcile(JOB)).toEqual({ kind: "backOff", isError: false });
  expect(world.writes).toBe(0);
});

test("no follower dies for a leader that went away while others were being deleted", async () => {
  for (let index = 1; index <= 100; index++) world.put(`wrong-${index}`, { index, zone: "b" });
  // Preempted, it comes back in the zone where the others stand.
  world.faults.push(({ method }) => {
    if (method !== "DELETE" || world.deleted.length < 50) return undefined;
    world.put("leader", { node: "n1", metadata: { deletionTimestamp: "2030-01-01T00:00:00Z" } });
    world.put("new-leader", { node: "n2" });
    return undefined;
  });
  expect(await world.reconcile()).toEqual({ kind: "backOff", isError: false });
  expect(world.deleted).toHaveLength(50);
  expect(await world.reconcile()).toEqual({ kind: "done" });
  expect(world.deleted).toHaveLength(50);
});
