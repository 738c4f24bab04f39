import { expect, test } from "bun:test";
import { asString, at } from "../base/json.ts";
import { eventsOf, failJob, JOBS, JOBSETS, NAMESPACE, TestWorld, told } from "./test_world.ts";

const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const NODES = "/api/v1/nodes";
const ANNOTATION = "lite.jobset.x-k8s.io/force-delete-after";
const GRACE_MS = 30_000;

interface DeadNodes {
  readonly world: TestWorld;
  /** Of Pods by name. */
  readonly looks: () => number;
  readonly podNames: () => readonly string[];
}

/** JobSet `a` of two Jobs, each with a Pod on the Node of its own number. Deleted Jobs stay for their Pods. */
async function startWithPods(forceDeleteAfter: string | undefined): Promise<DeadNodes> {
  const world = new TestWorld();
  world.collectsAtOnce = false;
  world.apply("a", { failurePolicy: { maxRestarts: 9 } }, 2);
  setForceDeleteAfter(world, forceDeleteAfter);
  await world.pass(1000);
  for (const index of [0, 1]) {
    setNode(world, index, "True");
    putPod(world, `a-w-${index}`, index);
  }
  return {
    world,
    looks: () => world.api.requests.filter(({ method, path }) => method === "GET" && path === PODS).length,
    podNames: () => world.api.list(`${PODS}/`).map((pod) => asString(at(pod, "metadata", "name")) ?? ""),
  };
}

function setForceDeleteAfter(world: TestWorld, value: string | undefined): void {
  const body = world.api.get(`${JOBSETS}/a`) ?? {};
  const annotations = value === undefined ? {} : { [ANNOTATION]: value };
  world.api.put(`${JOBSETS}/a`, { ...body, metadata: { namespace: NAMESPACE, name: "a", annotations } });
}

function setNode(world: TestWorld, index: number, ready: string): void {
  const status = { conditions: [{ type: "Ready", status: ready }] };
  world.api.put(`${NODES}/n${index}`, { metadata: { name: `n${index}` }, status });
}

function putPod(world: TestWorld, job: string, index: number, deletionTimestamp?: string): void {
  const uid = at(world.api.get(`${JOBS}/${job}`), "metadata", "uid");
  const metadata = {
    namespace: NAMESPACE,
    name: `${job}-pod`,
    labels: { "jobset.sigs.k8s.io/jobset-name": "a" },
    ownerReferences: [{ kind: "Job", name: job, uid, controller: true }],
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
  world.api.put(`${PODS}/${job}-pod`, { metadata, spec: { nodeName: `n${index}` } });
}

/** The garbage collector: the Pods of the Jobs being deleted have their grace period; the deadline knows no milliseconds. */
function terminatePods(world: TestWorld): void {
  const deadline = new Date(world.clock.now() + GRACE_MS).toISOString().replace(/\.\d+Z/, "Z");
  for (const index of [0, 1]) putPod(world, `a-w-${index}`, index, deadline);
}

async function restart(world: TestWorld): Promise<void> {
  failJob(world, "a-w-0");
  await world.rest();
  terminatePods(world);
}

test("a Pod on a dead Node is forced when its deadline lies that long back, not before; the healthy one's never (R77)", async () => {
  const { world, podNames, looks } = await startWithPods("1m");
  await restart(world);
  setNode(world, 0, "Unknown");
  await world.pass(60_000 + GRACE_MS - 2000);
  expect(podNames()).toEqual(["a-w-0-pod", "a-w-1-pod"]);
  await world.pass(3000);
  expect(podNames()).toEqual(["a-w-1-pod"]);
  const [event] = eventsOf(world, "ForceDeletedPod");
  expect(event).toMatchObject({
    type: "Warning",
    note: 'deleted Pod "a-w-0-pod" of an old attempt by force: Node "n0" is of unknown health',
  });
  // The first look learns the deadline, the second meets it.
  expect(looks()).toBe(2);
  await world.pass(600_000);
  expect(podNames()).toEqual(["a-w-1-pod"]);
  expect(told(world, "ForceDeletedPod")).toBe(1);
  expect(world.api.count("GET", `${NODES}/n0`)).toBe(1);
});

test("each look is one list and one GET per Node; it ends once no old Pod is left", async () => {
  const { world, looks, podNames } = await startWithPods("1m");
  await restart(world);
  for (const index of [0, 1]) world.api.remove(`${NODES}/n${index}`);
  await world.pass(100_000);
  expect(podNames()).toEqual([]);
  expect([looks(), world.api.count("GET", NODES)]).toEqual([2, 2]);
  expect(told(world, "ForceDeletedPod")).toBe(2);
  await world.pass(600_000);
  expect(looks()).toBe(2);
});

test("without the annotation nothing at all is asked", async () => {
  const { world, looks, podNames } = await startWithPods(undefined);
  await restart(world);
  for (const index of [0, 1]) world.api.remove(`${NODES}/n${index}`);
  await world.pass(600_000);
  expect(podNames()).toHaveLength(2);
  expect([looks(), world.api.count("GET", NODES)]).toEqual([0, 0]);
});

test("in a restart that goes well nothing is asked", async () => {
  const { world, looks } = await startWithPods("1m");
  world.collectsAtOnce = true;
  failJob(world, "a-w-0");
  await world.pass(600_000);
  expect(world.jobs.size).toBe(2);
  expect(looks()).toBe(0);
});

test("the annotation added in a restart that hangs is looked at at once", async () => {
  const { world, podNames } = await startWithPods(undefined);
  await restart(world);
  world.api.remove(`${NODES}/n0`);
  await world.pass(600_000);
  setForceDeleteAfter(world, "1m");
  await world.pass(1);
  expect(podNames()).toEqual(["a-w-1-pod"]);
});

test("a failed look is tried again, with growing waits and one line in the log", async () => {
  const { world, podNames, looks } = await startWithPods("1m");
  await restart(world);
  world.api.remove(`${NODES}/n0`);
  world.api.fail("GET", NODES, { kind: "refuse", status: 403 }, 10);
  await world.pass(200_000);
  expect(podNames()).toEqual(["a-w-1-pod"]);
  expect(looks()).toBeLessThan(20);
  const lines = world.logLines.filter(({ fields, verbosity }) => {
    return fields["action"] === "looking after Pods on dead nodes" && verbosity === 0;
  });
  expect(lines).toHaveLength(1);
});

test("a Pod that went by itself meanwhile is no failure, and no event", async () => {
  const { world, podNames } = await startWithPods("1m");
  await restart(world);
  world.api.remove(`${NODES}/n0`);
  world.api.fail("DELETE", `${PODS}/a-w-0-pod`, { kind: "refuse", status: 409, reason: "Conflict" });
  await world.pass(120_000);
  expect(podNames()).toHaveLength(2);
  expect(told(world, "ForceDeletedPod")).toBe(0);
});

test("a value that is no duration is told once, and again after it was right for a while", async () => {
  const { world } = await startWithPods("soon");
  await world.pass(10_000);
  failJob(world, "a-w-0");
  await world.pass(10_000);
  expect(told(world, "InvalidForceDeleteAfter")).toBe(1);
  setForceDeleteAfter(world, "1m");
  await world.pass(1000);
  setForceDeleteAfter(world, "soon");
  await world.pass(10_000);
  expect(told(world, "InvalidForceDeleteAfter")).toBe(2);
});

test("timers end with the JobSet", async () => {
  const { world } = await startWithPods("1h");
  await restart(world);
  await world.pass(1000);
  const timers = world.clock.timerCount;
  world.api.remove(`${JOBSETS}/a`);
  await world.pass(1000);
  expect(world.clock.timerCount).toBeLessThan(timers);
});
