import { afterEach, beforeEach, expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import { ObjectCache } from "../cache/object_cache.ts";
import { testMetrics } from "../metrics/test_metrics.ts";
import { PodWatches } from "./pod_watches.ts";
import { jobSetBody, KEY, nodeBody, podBody, RACK, ZONE } from "./test_placement.ts";
import { TestWatchServer } from "./test_watch_server.ts";

const PODS = "/api/v1/pods";
const NODES = "/api/v1/nodes";

let clock = new FakeClock();
let server = new TestWatchServer();
let jobSets = new ObjectCache<JobSet>();
let told: string[] = [];
let { metrics, scrape } = testMetrics();
let watches: PodWatches | undefined;
let version = 1;

beforeEach(() => {
  clock = new FakeClock();
  server = new TestWatchServer();
  jobSets = new ObjectCache<JobSet>();
  jobSets.replace([], "1");
  told = [];
  ({ metrics, scrape } = testMetrics());
});

afterEach(async () => {
  watches?.stop();
  await clock.advanceAndSettle(0);
  expect(server.watched).toEqual([]);
  expect(clock.timerCount).toBe(0);
});

function start(namespace?: string): PodWatches {
  watches = new PodWatches({
    client: server,
    clock,
    random: { next: () => 0.5 },
    log: {
      info: (level, message, fields) => level === 0 && told.push(`${message} ${fields?.["permission"]}`),
      error() {},
    },
    jobSets,
    gates: { ...DEFAULT_FEATURE_GATES, InPlaceRestart: true },
    namespace,
    observe: metrics.observeWatch,
  });
  return watches;
}

async function apply(name: string, topologies: readonly string[], spec = {}): Promise<void> {
  const body = jobSetBody(name, topologies, spec);
  const jobSet = readJobSet(body);
  if (jobSet !== undefined) jobSets.upsert({ ...jobSet, resourceVersion: String(++version) });
  await clock.advanceAndSettle(0);
}

async function remove(name: string): Promise<void> {
  jobSets.remove({ namespace: "ns", name, uid: `uid-${name}`, resourceVersion: String(++version) });
  await clock.advanceAndSettle(0);
}

test("without a JobSet that needs them nothing is asked of the API server, and no series is there", async () => {
  start();
  for (let index = 0; index < 50; index++) await apply(`plain${index}`, []);
  await clock.advanceAndSettle(600_000);
  expect(server.asked).toEqual([]);
  expect(clock.timerCount).toBe(0);
  expect(Object.keys(scrape()).filter((series) => /pods|nodes/.test(series))).toEqual([]);
});

test("Pods and Nodes are watched while a JobSet needs them, and a minute longer", async () => {
  server.put(PODS, podBody({ name: "leader", node: "n1" }));
  server.put(NODES, nodeBody("n1", { [ZONE]: "z1", [RACK]: "r1", other: "x" }));
  const { pods, nodes, index } = start();
  await apply("a", [ZONE]);
  expect(server.watched).toEqual([NODES, PODS]);
  expect(server.asked.find(({ path }) => path === PODS)?.query).toMatchObject({
    labelSelector: "jobset.sigs.k8s.io/jobset-name",
  });
  expect(server.asked.find(({ path }) => path === NODES)?.accept).toContain("PartialObjectMetadata");
  expect(pods.cache?.size).toBe(1);
  expect(nodes.cache?.get("", "n1")?.domains).toEqual({ [ZONE]: "z1" });
  expect(scrape()).toMatchObject({
    'jobset_cache_objects{resource="pods"}': 1,
    'jobset_cache_objects{resource="nodes"}': 1,
    'jobset_watch_relists_total{resource="nodes"}': 0,
  });
  await remove("a");
  await clock.advanceAndSettle(59_000);
  expect(server.watched).toEqual([NODES, PODS]);
  await clock.advanceAndSettle(1_000);
  expect(server.watched).toEqual([]);
  expect([pods.cache, nodes.cache, [...index.exclusiveJobs()]]).toEqual([undefined, undefined, []]);
  expect(Object.keys(scrape()).filter((series) => /pods|nodes/.test(series))).toEqual([]);
  await apply("b", [ZONE]);
  expect(pods.cache?.size).toBe(1);
});

test("JobSets that come and go within the minute keep one watch", async () => {
  start();
  for (let round = 0; round < 20; round++) {
    await apply("a", [ZONE]);
    await clock.advanceAndSettle(10_000);
    await remove("a");
    await clock.advanceAndSettle(50_000);
  }
  expect(server.asked.filter(({ query }) => query?.["sendInitialEvents"] === "true")).toHaveLength(2);
});

test("Nodes end where only restarts in place are left", async () => {
  start();
  await apply("a", [ZONE]);
  await apply("b", [], { failurePolicy: { restartStrategy: "InPlaceRestart" } });
  await remove("a");
  await clock.advanceAndSettle(60_000);
  expect(server.watched).toEqual([PODS]);
});

test("a new topology has the Nodes read anew, but not more often than every ten seconds", async () => {
  server.put(NODES, nodeBody("n1", { [ZONE]: "z1", [RACK]: "r1" }));
  const own = start();
  await apply("a", [ZONE]);
  expect(own.domainsOf("n1", RACK)).toBeUndefined();
  await clock.advanceAndSettle(10_000);
  await apply("b", [RACK]);
  expect(own.domainsOf("n1", RACK)?.[RACK]).toBe("r1");
  expect(own.domainsOf("n1", ZONE)?.[ZONE]).toBe("z1");
  for (let index = 0; index < 100; index++) await apply(`x${index}`, [`example.com/t${index}`]);
  expect(server.opened(NODES)).toBe(2);
  expect(own.domainsOf("n1", "example.com/t0")).toBeUndefined();
  await clock.advanceAndSettle(10_000);
  expect(server.opened(NODES)).toBe(3);
  expect(own.domainsOf("n1", "example.com/t99")).toEqual(own.domainsOf("n1", ZONE));
});

test("look-ups are answered from caches that are filled and whose API server answers, else not", async () => {
  server.put(PODS, podBody({ name: "leader", node: "n1" }));
  server.put(NODES, nodeBody("n1", { [ZONE]: "z1" }));
  server.refuse(PODS, 500);
  server.refuse(NODES, 500);
  const own = start();
  const known = () => [own.leadersOf("ns", KEY)?.map(({ name }) => name), own.domainsOf("n1", ZONE)?.[ZONE]];
  expect(known()).toEqual([undefined, undefined]);
  await apply("a", [ZONE]);
  expect(known()).toEqual([undefined, undefined]);
  server.refuse(PODS, undefined);
  server.refuse(NODES, undefined);
  await clock.advanceAndSettle(2_000);
  expect(known()).toEqual([["leader"], "z1"]);
  expect(own.domainsOf("gone", ZONE)).toEqual({});
  await clock.advanceAndSettle(20_000);
  server.refuse(PODS, 503);
  server.refuse(NODES, 503);
  await clock.advanceAndSettle(100);
  expect(known()).toEqual([undefined, undefined]);
  expect(own.pods.cache?.size).toBe(1);
  server.refuse(PODS, undefined);
  server.refuse(NODES, undefined);
  await clock.advanceAndSettle(60_000);
  expect(known()).toEqual([["leader"], "z1"]);
});

test("a missing permission is told once, and asked for again", async () => {
  server.refuse(NODES, 403);
  const own = start();
  await apply("a", [ZONE]);
  await clock.advanceAndSettle(600_000);
  expect(told).toEqual([
    "a permission is missing; what needs it is done without until it is granted list and watch nodes",
  ]);
  expect(own.isAlive).toBe(true);
  server.refuse(NODES, undefined);
  await clock.advanceAndSettle(60_000);
  expect(server.watched).toEqual([NODES, PODS]);
});

test("with --namespace only its Pods are watched, and nothing is said of others", async () => {
  server.put("/api/v1/namespaces/ns/pods", podBody({ name: "leader", node: "n1" }));
  const own = start("ns");
  await apply("a", [ZONE]);
  expect(server.watched).toEqual(["/api/v1/namespaces/ns/pods", NODES]);
  expect(own.leadersOf("ns", KEY)).toHaveLength(1);
  expect(own.leadersOf("other", KEY)).toBeUndefined();
});

test("changes are told of whichever watch runs, with the index up to date", async () => {
  const own = start();
  const seen: string[] = [];
  own.pods.onChange((change) => {
    const pod = change.kind === "delete" ? change.before : change.after;
    seen.push(`${change.kind} ${pod.name} ${own.index.isExclusive("ns/j-uid")}`);
  });
  await apply("a", [ZONE]);
  server.put(PODS, podBody({ name: "leader", node: "n1" }));
  await clock.advanceAndSettle(0);
  server.remove(PODS, "leader");
  await clock.advanceAndSettle(0);
  expect(seen).toEqual(["upsert leader true", "delete leader false"]);
});
