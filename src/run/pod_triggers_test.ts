import { beforeEach, expect, test } from "bun:test";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import { type Node, nodeReader } from "../api/node.ts";
import { type Pod, readPod } from "../api/pod.ts";
import { type CacheChange, ObjectCache } from "../cache/object_cache.ts";
import { PodIndex } from "../cache/pod_index.ts";
import { wakeInPlaceRestarts, wakePodChecks } from "./pod_triggers.ts";
import { jobSetBody, nodeBody, podBody, type TestPod, ZONE } from "./test_placement.ts";

const readNode = nodeReader([ZONE]);

let pods = new ObjectCache<Pod>();
let nodes = new ObjectCache<Node>();
let turns: (() => void)[] = [];
let woken: string[] = [];
let version = 1;

beforeEach(() => {
  pods = new ObjectCache();
  nodes = new ObjectCache();
  turns = [];
  woken = [];
  pods.replace([], "1");
  nodes.replace([], "1");
});

function watches() {
  const index = new PodIndex();
  pods.onChange((change) => index.apply(change));
  const podWatch = {
    cache: pods,
    onChange: (listener: (change: CacheChange<Pod>) => void) => pods.onChange(listener),
    onTurn: (listener: () => void) => void turns.push(listener),
  };
  return { pods: podWatch, nodes, index };
}

function put(pod: TestPod): void {
  const read = readPod(podBody(pod));
  if (read !== undefined) pods.upsert({ ...read, resourceVersion: String(++version) });
}

function putNode(name: string, labels: Readonly<Record<string, string>>): void {
  const read = readNode(nodeBody(name, labels));
  if (read !== undefined) nodes.upsert({ ...read, resourceVersion: String(++version) });
}

/** Whom the last steps woke. */
function news(): string[] {
  return woken.splice(0);
}

test("a Job is looked at when its leader gets a Node, and when a follower comes", () => {
  wakePodChecks({ podWatches: watches(), wake: (job) => woken.push(job) });
  put({ name: "early", index: 1, selector: { [ZONE]: "a" } });
  expect(news()).toEqual([]);
  put({ name: "leader" });
  news();
  put({ name: "leader", node: "n1", phase: "Pending" });
  expect(news()).toEqual(["ns/j-uid"]);
  put({ name: "leader", node: "n1", phase: "Running" });
  expect(news()).toEqual([]);
  put({ name: "follower", index: 1, selector: { [ZONE]: "a" } });
  expect(news()).toEqual(["ns/j-uid"]);
  put({ name: "follower", index: 1, node: "n2", selector: { [ZONE]: "a" }, status: { podIP: "10.0.0.1" } });
  put({ name: "follower", index: 1, node: "n2", selector: { [ZONE]: "a" }, isDeleting: true });
  expect(news()).toEqual([]);
  put({ name: "leader", node: "n1", isDeleting: true });
  put({ name: "new-leader", node: "n2" });
  expect(news()).toEqual(["ns/j-uid", "ns/j-uid"]);
});

test("Pods without exclusive placement wake nobody", () => {
  wakePodChecks({ podWatches: watches(), wake: (job) => woken.push(job) });
  put({ name: "leader", topology: null, node: "n1" });
  put({ name: "follower", topology: null, index: 1, node: "n1" });
  putNode("n1", { [ZONE]: "a" });
  expect(news()).toEqual([]);
});

test("a Node that gets another domain wakes the Jobs that are led from it, and no heartbeat does", () => {
  wakePodChecks({ podWatches: watches(), wake: (job) => woken.push(job) });
  put({ name: "leader", node: "n1" });
  put({ name: "other", node: "n2", jobUid: "other" });
  putNode("n1", { [ZONE]: "a" });
  putNode("n2", { [ZONE]: "a" });
  news();
  putNode("n1", { [ZONE]: "a", beat: "1" });
  expect(news()).toEqual([]);
  putNode("n1", { [ZONE]: "b" });
  expect(news()).toEqual(["ns/j-uid"]);
  putNode("n1", {});
  expect(news()).toEqual(["ns/j-uid"]);
});

test("whoever becomes the leader looks at all Jobs that are there", () => {
  const podWatches = watches();
  put({ name: "leader", node: "n1" });
  put({ name: "waiting", jobUid: "waiting" });
  wakePodChecks({ podWatches, wake: (job) => woken.push(job) });
  expect(news()).toEqual(["ns/j-uid"]);
});

test("JobSets that restart in place wake for what spec 5.1 reads of their Pods, others for nothing", () => {
  const jobSets = new ObjectCache<JobSet>();
  const inPlace = { failurePolicy: { restartStrategy: "InPlaceRestart" } };
  const read = [jobSetBody("js", [], inPlace), jobSetBody("plain")].map(readJobSet);
  jobSets.replace(read.filter((jobSet) => jobSet !== undefined), "1");
  wakeInPlaceRestarts({
    podWatches: watches(),
    jobSets,
    gates: { ...DEFAULT_FEATURE_GATES, InPlaceRestart: true },
    wake: (key) => woken.push(key),
  });
  for (const turn of turns) turn();
  expect(news()).toEqual(["ns/js"]);
  const worker = { name: "w", index: 1, phase: "Pending" };
  put(worker);
  expect(news()).toEqual(["ns/js"]);
  put({ ...worker, node: "n1", selector: { [ZONE]: "a" } });
  expect(news()).toEqual([]);
  const annotations = { "jobset.sigs.k8s.io/in-place-restart-attempt": "1" };
  put({ ...worker, annotations });
  put({ ...worker, annotations, phase: "Running" });
  put({ ...worker, annotations, phase: "Running", status: { containerStatuses: [{ restartCount: 1 }] } });
  expect(news()).toEqual(["ns/js", "ns/js", "ns/js"]);
  pods.remove({ namespace: "ns", name: "w", uid: "uid-w", resourceVersion: String(++version) });
  expect(news()).toEqual(["ns/js"]);
  put({ ...worker, name: "other", jobSet: "plain" });
  put({ ...worker, name: "nobody's", jobSet: "gone" });
  expect(news()).toEqual([]);
});
