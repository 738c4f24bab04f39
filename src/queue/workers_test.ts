import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import type { LogFields } from "../base/log.ts";
import { WorkQueue } from "./work_queue.ts";
import { runWorkers, type WorkersOptions } from "./workers.ts";

function start(process: WorkersOptions["process"], workers = 2) {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock });
  const stop = new AbortController();
  const errors: LogFields[] = [];
  const log = { info() {}, error: (_message: string, fields: LogFields = {}) => void errors.push(fields) };
  const ended = runWorkers({ queue, workers, process, signal: stop.signal, clock, log });
  return { clock, queue, stop, errors, ended };
}

/** A promise that the test settles. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => open = resolve);
  return { open, opened };
}

test("several workers work at once, never two on one key", async () => {
  const gates = new Map<string, ReturnType<typeof gate>>();
  const begun: string[] = [];
  const { clock, queue, stop, ended } = start((key) => {
    begun.push(key);
    const one = gate();
    gates.set(key, one);
    return one.opened;
  });
  for (const key of ["a", "a", "b", "c"]) queue.add(key);
  await clock.advanceAndSettle(0);
  expect(begun).toEqual(["a", "b"]);
  queue.add("a");
  gates.get("b")?.open();
  await clock.advanceAndSettle(0);
  expect(begun).toEqual(["a", "b", "c"]);
  gates.get("a")?.open();
  await clock.advanceAndSettle(0);
  expect(begun).toEqual(["a", "b", "c", "a"]);
  stop.abort();
  gates.get("a")?.open();
  gates.get("c")?.open();
  expect(await ended).toBe(true);
});

test("what process throws is logged once and the key tried again with back-off", async () => {
  let tries = 0;
  const { clock, queue, stop, errors, ended } = start(() => {
    if (++tries < 3) throw new Error(`try ${tries} failed`);
    return Promise.resolve();
  });
  queue.add("ns/a");
  await clock.advanceAndSettle(4);
  expect(tries).toBe(1);
  await clock.advanceAndSettle(20);
  expect(tries).toBe(3);
  expect(errors.map(({ object, retryMs }) => ({ object, retryMs }))).toEqual([
    { object: "ns/a", retryMs: 5 },
    { object: "ns/a", retryMs: 10 },
  ]);
  expect(errors[0]?.["error"]).toContain("try 1 failed");
  stop.abort();
  expect(await ended).toBe(true);
});

test("after the stop no key is taken and the work under way is waited for", async () => {
  const one = gate();
  const begun: string[] = [];
  const { clock, queue, stop, ended } = start((key) => (begun.push(key), one.opened), 1);
  queue.add("a");
  queue.add("b");
  queue.addAfter("c", 60_000);
  await clock.advanceAndSettle(0);
  stop.abort();
  await clock.advanceAndSettle(9_000);
  one.open();
  expect(await ended).toBe(true);
  expect(begun).toEqual(["a"]);
  expect(clock.timerCount).toBe(0);
});

test("work that is still under way after 10 s is told to stop and left behind", async () => {
  const signals: AbortSignal[] = [];
  const { clock, queue, stop, ended } = start((_key, signal) => (signals.push(signal), new Promise(() => {})), 1);
  queue.add("a");
  await clock.advanceAndSettle(0);
  stop.abort();
  await clock.advanceAndSettle(9_999);
  expect(signals[0]?.aborted).toBe(false);
  await clock.advanceAndSettle(1);
  expect(await ended).toBe(false);
  expect(signals[0]?.aborted).toBe(true);
});
