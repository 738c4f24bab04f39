import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { ObjectCache } from "../cache/object_cache.ts";
import { ApiError } from "../client/api_error.ts";
import { TestWatchServer } from "./test_watch_server.ts";
import { type Caches, Watches } from "./watches.ts";

/** As an API server answers that does not know JobSets, or not yet. */
function unknown(): Promise<never> {
  return Promise.reject(new ApiError({ status: 404, reason: "NotFound", message: "no such resource" }));
}

function noCaches(): Caches {
  return { jobSets: new ObjectCache(), jobs: new ObjectCache(), services: new ObjectCache() };
}

const PRIORITY_CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses";

function priorityClass(name: string, value: number, globalDefault = false) {
  return { metadata: { name }, value, globalDefault };
}

async function withPriorities(server: TestWatchServer, namespace?: string) {
  const clock = new FakeClock();
  const told: string[] = [];
  const log = {
    info: (level: number, message: string, fields = {}) =>
      void (level <= 2 && told.push(message + JSON.stringify(fields))),
    error: () => {},
  };
  const watches = new Watches({ clock, log, client: server, random: { next: () => 0.5 } }, noCaches(), namespace);
  let isSynced = false;
  watches.synced.then(() => isSynced = true, () => undefined);
  watches.start();
  await clock.advanceAndSettle(0);
  return { clock, told, watches, isSynced: () => isSynced };
}

test("priorities follow their classes; of several defaults the lowest counts", async () => {
  const server = new TestWatchServer();
  server.put(PRIORITY_CLASSES, priorityClass("high", 1000));
  const { clock, watches } = await withPriorities(server);
  expect(watches.priorities).toEqual({ byClass: new Map([["high", 1000]]), globalDefault: 0 });
  expect(watches.priorities).toBe(watches.priorities);
  server.put(PRIORITY_CLASSES, priorityClass("usual", 50, true));
  server.put(PRIORITY_CLASSES, priorityClass("low", -5, true));
  await clock.advanceAndSettle(0);
  expect(watches.priorities?.globalDefault).toBe(-5);
  server.remove(PRIORITY_CLASSES, "low");
  await clock.advanceAndSettle(0);
  expect(watches.priorities?.globalDefault).toBe(50);
  expect([...watches.priorities?.byClass.keys() ?? []]).toEqual(["high", "usual"]);
  watches.stop();
});

test("the start waits for the priorities, as Jobs made before would lack their label", async () => {
  const server = new TestWatchServer();
  server.refuse(PRIORITY_CLASSES, 503);
  const { clock, watches, isSynced, told } = await withPriorities(server);
  await clock.advanceAndSettle(60_000);
  expect([isSynced(), watches.priorities]).toEqual([false, undefined]);
  server.refuse(PRIORITY_CLASSES, undefined);
  await clock.advanceAndSettle(60_000);
  expect([isSynced(), watches.priorities?.globalDefault]).toEqual([true, 0]);
  expect(told.filter((line) => line.includes("permission"))).toEqual([]);
  watches.stop();
});

test("without the permission for PriorityClasses it starts at once, says so once, and asks again", async () => {
  const server = new TestWatchServer();
  server.refuse(PRIORITY_CLASSES, 403);
  const { clock, watches, isSynced, told } = await withPriorities(server);
  expect([isSynced(), watches.priorities]).toEqual([true, undefined]);
  await clock.advanceAndSettle(3_600_000);
  expect(told).toHaveLength(1);
  expect(told[0]).toContain("list and watch priorityclasses");
  server.refuse(PRIORITY_CLASSES, undefined);
  await clock.advanceAndSettle(60_000);
  expect(watches.priorities?.globalDefault).toBe(0);
  watches.stop();
});

test("with --namespace no PriorityClass is asked for", async () => {
  const server = new TestWatchServer();
  const { watches, isSynced } = await withPriorities(server, "team-a");
  expect([isSynced(), watches.priorities]).toEqual([true, undefined]);
  expect(server.opened(PRIORITY_CLASSES)).toBe(0);
  watches.stop();
});

test("a resource that is not served is waited for, from the moment on that the API server was there", async () => {
  const clock = new FakeClock();
  const log = { info: () => {}, error: () => {} };
  const client = { request: unknown, stream: unknown };
  const watches = new Watches({ clock, log, client, random: { next: () => 0.5 } }, noCaches(), undefined);
  await clock.advanceAndSettle(10_000); // waitForServer
  let problem = "";
  watches.start();
  watches.synced.catch((error: unknown) => void (problem = String(error)));
  await clock.advanceAndSettle(4_000);
  expect(problem).toBe("");
  await clock.advanceAndSettle(10_000);
  expect(problem).toContain(
    "watch JobSets: the API server does not know them (no such resource); apply the CRD first: jobset manifests",
  );
  watches.stop();
});

test("whoever begins to lead waits for watches that are cut, half a minute at most", async () => {
  const JOBS = "/apis/batch/v1/jobs";
  const server = new TestWatchServer();
  const { clock, watches } = await withPriorities(server);
  const states: string[] = [];
  const wait = (name: string, signal = new AbortController().signal) =>
    void watches.current(signal).then(() => states.push(`${name}@${clock.monotonic()}`));
  wait("all is well");
  await clock.advanceAndSettle(0);
  server.refuse(PRIORITY_CLASSES, 403);
  wait("what can be done without");
  await clock.advanceAndSettle(0);
  server.refuse(JOBS, 503);
  await clock.advanceAndSettle(0);
  wait("cut");
  const stopped = new AbortController();
  wait("told to stop", stopped.signal);
  await clock.advanceAndSettle(5_000);
  expect(states).toEqual(["all is well@0", "what can be done without@0"]);
  stopped.abort();
  await clock.advanceAndSettle(0);
  expect(states.slice(2)).toEqual(["told to stop@5000"]);
  await clock.advanceAndSettle(10_000);
  server.refuse(JOBS, undefined);
  await clock.advanceAndSettle(15_000);
  const [back = ""] = states.slice(3);
  expect(back).toStartWith("cut@");
  expect(Number(back.slice(4))).toBeGreaterThan(15_000);
  server.refuse(JOBS, 503);
  await clock.advanceAndSettle(0);
  wait("refused");
  await clock.advanceAndSettle(31_000);
  expect(states.at(-1)).toStartWith("refused@");
  watches.stop();
});
