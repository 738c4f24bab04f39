import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { at } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { ApiError } from "../client/api_error.ts";
import type { EventDraft } from "../plan/types.ts";
import { EventRecorder } from "./event_recorder.ts";
import { FakeClient } from "./fake_client.ts";

const JOBSET = { namespace: "ns", name: "a", uid: "u" };

function start() {
  const clock = new FakeClock();
  const api = new FakeClient();
  const lines: number[] = [];
  const log: Log = { info: (verbosity) => lines.push(verbosity), error: () => lines.push(-1) };
  const recorder = new EventRecorder({ client: api, clock, log, instance: "me" });
  return { clock, api, lines, recorder };
}

function note(text: string): EventDraft {
  return { type: "Normal", reason: "R", note: text };
}

function counts(api: FakeClient): unknown[] {
  return api.list("/events/").map((event) => at(event, "series", "count") ?? 1);
}

test("repeats become one Event whose series counts them, different notes different Events", async () => {
  const { clock, api, recorder } = start();
  for (let turn = 0; turn < 10; turn++) {
    recorder.emit(JOBSET, note("same"));
    await clock.advanceAndSettle(1000);
  }
  recorder.emit(JOBSET, note("other"));
  await clock.advanceAndSettle(5000);
  expect(counts(api)).toEqual([10, 1]);
  expect(at(api.list("/events/")[0], "series", "lastObservedTime")).toBe("2030-01-01T00:00:09.000000Z");
  expect(clock.timerCount).toBe(0);
});

test("the same note of another object is another Event", async () => {
  const { clock, api, recorder } = start();
  recorder.emit(JOBSET, note("same"));
  recorder.emit({ ...JOBSET, uid: "v" }, note("same"));
  await clock.advanceAndSettle(1000);
  expect(counts(api)).toEqual([1, 1]);
});

test("an Event names its object and nothing else of it", async () => {
  const { clock, api, recorder } = start();
  recorder.emit({ ...JOBSET, ...{ resourceVersion: "7", replicatedJobs: [] } }, note("x"));
  await clock.advanceAndSettle(1000);
  expect(api.list("/events/")[0]?.["regarding"]).toEqual({
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    namespace: "ns",
    name: "a",
    uid: "u",
  });
});

test("beyond a burst of 25 one write a second goes for each object, and none is lost", async () => {
  const { clock, api, recorder } = start();
  for (let index = 0; index < 40; index++) recorder.emit(JOBSET, note(`n${index}`));
  recorder.emit({ ...JOBSET, uid: "v" }, note("of another"));
  await clock.advanceAndSettle(0);
  expect(api.requests.length).toBe(26);
  await clock.advanceAndSettle(5000);
  expect(api.requests.length).toBe(31);
  await clock.advanceAndSettle(10_000);
  expect(api.list("/events/").length).toBe(41);
  expect(clock.timerCount).toBe(0);
});

test("one Event repeated all the time does not keep another from being written", async () => {
  const { clock, api, recorder } = start();
  for (let index = 0; index < 30; index++) {
    recorder.emit(JOBSET, note("busy"));
    await clock.advanceAndSettle(1);
  }
  recorder.emit(JOBSET, note("rare"));
  for (let turn = 0; turn < 100; turn++) {
    recorder.emit(JOBSET, note("busy"));
    await clock.advanceAndSettle(100);
  }
  expect(api.list("/events/").map((event) => event["note"])).toContain("rare");
});

test("a series whose Event has expired makes a new one with the whole count", async () => {
  const { clock, api, recorder } = start();
  for (let turn = 0; turn < 3; turn++) {
    recorder.emit(JOBSET, note("x"));
    await clock.advanceAndSettle(1000);
  }
  for (const event of api.list("/events/")) {
    api.remove(`/apis/events.k8s.io/v1/namespaces/ns/events/${String(at(event, "metadata", "name"))}`);
  }
  recorder.emit(JOBSET, note("x"));
  await clock.advanceAndSettle(1000);
  expect(counts(api)).toEqual([4]);
});

test("a series ends after six minutes of silence", async () => {
  const { clock, api, recorder } = start();
  recorder.emit(JOBSET, note("x"));
  await clock.advanceAndSettle(6 * 60_000);
  recorder.emit(JOBSET, note("x"));
  await clock.advanceAndSettle(1000);
  expect(counts(api)).toEqual([1, 1]);
});

test.each(
  [
    ["answered 500", { kind: "refuse", status: 500 }],
    ["lost before it took effect", { kind: "refuse", status: 0, reason: "Network" }],
    ["done, but its answer lost", { kind: "loseAnswer" }],
  ] as const,
)("a write that is %s is tried again, and counts once", async (_, fault) => {
  const { clock, api, recorder } = start();
  api.fail("POST", "/events", fault);
  recorder.emit(JOBSET, note("x"));
  await clock.advanceAndSettle(500);
  recorder.emit(JOBSET, note("x"));
  await clock.advanceAndSettle(5000);
  expect(counts(api)).toEqual([2]);
  api.fail("PATCH", "/events", fault);
  recorder.emit(JOBSET, note("x"));
  await clock.advanceAndSettle(5000);
  expect(counts(api)).toEqual([3]);
  expect(clock.timerCount).toBe(0);
});

test("a server that stays away is given up on, and the next repeat tells the whole count", async () => {
  const { clock, api, recorder } = start();
  api.fail("POST", "/events", { kind: "refuse", status: 503 }, 1000);
  recorder.emit(JOBSET, note("x"));
  await clock.advanceAndSettle(500);
  expect(api.requests.length).toBe(1);
  await clock.advanceAndSettle(200_000);
  expect(api.requests.length).toBeLessThan(10);
  expect(clock.timerCount).toBe(0);
  api.heal();
  recorder.emit(JOBSET, note("x"));
  await clock.advanceAndSettle(1000);
  expect(counts(api)).toEqual([2]);
});

test("a refused write is not tried again; of a namespace being deleted nobody hears", async () => {
  const { clock, api, lines, recorder } = start();
  api.fail("POST", "/events", { kind: "refuse", status: 422 });
  recorder.emit(JOBSET, note("x"));
  await clock.advanceAndSettle(60_000);
  expect(api.requests.length).toBe(1);
  expect(lines).toEqual([0]);
  const ending = { causes: [{ reason: "NamespaceTerminating", field: "metadata.namespace" }] };
  const refuse = () =>
    Promise.reject(new ApiError({ status: 403, reason: "Forbidden", message: "no", details: ending }));
  const quiet = new EventRecorder({
    client: { request: refuse, stream: () => Promise.reject(new Error("none")) },
    clock,
    log: { info: (verbosity) => lines.push(verbosity), error: () => lines.push(-1) },
    instance: "me",
  });
  quiet.emit(JOBSET, note("x"));
  await clock.advanceAndSettle(60_000);
  expect(lines).toEqual([0, 2]);
});

test("stop writes at once what waits, and what was repeated while it was being written", async () => {
  const { clock, api, recorder } = start();
  const hold = Promise.withResolvers<void>();
  api.fail("POST", "/events", { kind: "hold", until: hold.promise });
  for (let index = 0; index < 60; index++) recorder.emit(JOBSET, note(`n${index}`));
  recorder.emit(JOBSET, note("n0"));
  const holdRepeat = Promise.withResolvers<void>();
  api.fail("PATCH", "/events", { kind: "hold", until: holdRepeat.promise });
  let isStopped = false;
  const stopped = recorder.stop().then(() => isStopped = true);
  await clock.advanceAndSettle(100);
  hold.resolve();
  await clock.advanceAndSettle(100);
  expect(isStopped).toBe(false);
  holdRepeat.resolve();
  await stopped;
  expect(counts(api).filter((count) => count === 2).length).toBe(1);
  expect(api.list("/events/").length).toBe(60);
  expect(clock.timerCount).toBe(0);
  recorder.emit(JOBSET, note("late"));
  await clock.advanceAndSettle(1000);
  expect(api.list("/events/").length).toBe(60);
  expect(recorder.objectCount).toBe(0);
});

test("stop gives up after two seconds", async () => {
  const { clock, api, recorder } = start();
  api.fail("POST", "/events", { kind: "hold", until: new Promise(() => {}) }, 1000);
  for (let index = 0; index < 60; index++) recorder.emit(JOBSET, note(`n${index}`));
  let isStopped = false;
  void recorder.stop().then(() => isStopped = true);
  await clock.advanceAndSettle(1999);
  expect(isStopped).toBe(false);
  await clock.advanceAndSettle(1);
  expect(isStopped).toBe(true);
  expect(clock.timerCount).toBe(0);
});

test("what is remembered is limited: objects, series and the text of a note", async () => {
  const { clock, api, recorder } = start();
  api.fail("POST", "/events", { kind: "hold", until: new Promise(() => {}) }, 1_000_000);
  for (let index = 0; index < 6000; index++) recorder.emit({ ...JOBSET, uid: `u${index}` }, note("x"));
  expect(recorder.objectCount).toBe(5000);
  await clock.advanceAndSettle(6 * 60_000);
  recorder.emit(JOBSET, note("x"));
  expect(recorder.objectCount).toBe(1);
  for (let index = 0; index < 500; index++) recorder.emit(JOBSET, note(`n${index}`));
  const before = api.requests.length;
  const done = recorder.stop();
  await clock.advanceAndSettle(2000);
  await done;
  expect(api.requests.length - before).toBeLessThan(101);
});

test("of an object that is gone nothing is remembered once all is written, failed tries included", async () => {
  const { clock, api, recorder } = start();
  recorder.emit(JOBSET, note("before"));
  await clock.advanceAndSettle(10);
  expect(recorder.objectCount).toBe(1);
  recorder.forget("u");
  expect(recorder.objectCount).toBe(0);
  api.fail("POST", "/events", { kind: "refuse", status: 503 });
  recorder.emit(JOBSET, note("while it went"));
  recorder.forget("u");
  recorder.forget("never there");
  await clock.advanceAndSettle(10);
  expect(recorder.objectCount).toBe(1);
  await clock.advanceAndSettle(5_000);
  expect(counts(api)).toEqual([1, 1]);
  expect(recorder.objectCount).toBe(0);
  expect(clock.timerCount).toBe(0);
});

test("notes that differ beyond 1,024 bytes are the same Event", async () => {
  const { clock, api, recorder } = start();
  for (const end of ["1", "2"]) recorder.emit(JOBSET, note("x".repeat(2000) + end));
  await clock.advanceAndSettle(1000);
  expect(counts(api)).toEqual([2]);
});

test("a note is cut to 1,024 bytes; a long name still makes a valid one", async () => {
  const { clock, api, recorder } = start();
  recorder.emit({ ...JOBSET, name: `${"x".repeat(236)}-${"-".repeat(16)}y` }, note("%\n😀".repeat(1000)));
  await clock.advanceAndSettle(1000);
  const [event] = api.list("/events/");
  expect(String(event?.["note"])).toStartWith("%\n😀%");
  const name = String(at(event, "metadata", "name"));
  expect(name.length).toBeLessThanOrEqual(253);
  expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
});
