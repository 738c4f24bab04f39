/** The work queue against a model that is plain enough to be believed. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { FakeClock } from "../../src/base/fake_clock.ts";
import { WorkQueue } from "../../src/queue/work_queue.ts";

/** A second or two on a machine of its own, and the gate runs beside other work. */
setDefaultTimeout(60_000);

const SEED = 20260801;
const BASE_MS = 5;
const CAP_MS = 1_000_000;
const KEYS = ["a", "b", "c"];

interface Key {
  isWanted: boolean;
  isWorkedOn: boolean;
  failures: number;
  dueMs: number | undefined;
  restedMs: number | undefined;
}

/** What the queue promises of each key. */
class Model {
  nowMs = 0;
  readonly keys = new Map(KEYS.map((key): [string, Key] => [
    key,
    { isWanted: false, isWorkedOn: false, failures: 0, dueMs: undefined, restedMs: undefined },
  ]));

  of(key: string): Key {
    const known = this.keys.get(key);
    if (known === undefined) throw new Error(`no key ${key}`);
    return known;
  }

  addAfter(key: string, delayMs: number): void {
    const state = this.of(key);
    if (delayMs <= 0) state.isWanted = true;
    else state.dueMs = Math.min(state.dueMs ?? Infinity, this.nowMs + delayMs);
  }

  addRateLimited(key: string, capMs: number): number {
    const state = this.of(key);
    const delayMs = Math.min(BASE_MS * 2 ** state.failures++, CAP_MS, capMs);
    this.addAfter(key, delayMs);
    return delayMs;
  }

  rest(key: string, restMs: number): void {
    const state = this.of(key);
    if (restMs > 0) state.restedMs = Math.max(state.restedMs ?? 0, this.nowMs + restMs);
  }

  /** The moment of the next timer up to `endMs`, with what it does done. */
  step(endMs: number): boolean {
    const times = [...this.keys.values()].flatMap(({ dueMs, restedMs }) => [dueMs ?? Infinity, restedMs ?? Infinity]);
    const nextMs = Math.min(...times, Infinity);
    if (nextMs > endMs) {
      this.nowMs = endMs;
      return false;
    }
    this.nowMs = nextMs;
    for (const state of this.keys.values()) {
      if (state.dueMs === nextMs) [state.dueMs, state.isWanted] = [undefined, true];
      if (state.restedMs === nextMs) state.restedMs = undefined;
    }
    return true;
  }

  /** Keys that a worker may have now. */
  ready(): readonly string[] {
    return KEYS.filter((key) => {
      const { isWanted, isWorkedOn, restedMs } = this.of(key);
      return isWanted && !isWorkedOn && restedMs === undefined;
    });
  }

  take(key: string): void {
    expect(this.ready()).toContain(key);
    Object.assign(this.of(key), { isWanted: false, isWorkedOn: true });
  }

  get depth(): number {
    return [...this.keys.values()].filter(({ isWanted, isWorkedOn }) => isWanted && !isWorkedOn).length;
  }

  get timers(): number {
    return [...this.keys.values()].reduce(
      (sum, { dueMs, restedMs }) => sum + Number(dueMs !== undefined) + Number(restedMs !== undefined),
      0,
    );
  }

  get size(): number {
    return [...this.keys.values()].filter((key) =>
      key.isWanted || key.isWorkedOn || key.failures > 0 || key.dueMs !== undefined || key.restedMs !== undefined
    ).length;
  }
}

/** The queue with workers that wait in it, beside the model. */
class Bench {
  readonly clock = new FakeClock();
  readonly queue = new WorkQueue({ clock: this.clock });
  readonly model = new Model();
  readonly #waiting = new Set<AbortController>();

  /** A worker asks for a key, and waits until it gets one or is called off. */
  async ask(): Promise<void> {
    const stop = new AbortController();
    this.#waiting.add(stop);
    void this.queue.next(stop.signal).then((key) => {
      this.#waiting.delete(stop);
      if (key !== undefined) this.model.take(key);
    });
    await this.check();
  }

  callOff(): void {
    for (const stop of this.#waiting) return stop.abort();
  }

  async advance(ms: number): Promise<void> {
    const endMs = this.model.nowMs + ms;
    for (let isGoingOn = true; isGoingOn;) {
      isGoingOn = this.model.step(endMs);
      this.clock.advance(this.model.nowMs - this.clock.monotonic());
      await this.check();
    }
  }

  done(key: string): void {
    this.queue.done(key);
    this.model.of(key).isWorkedOn = false;
  }

  async check(): Promise<void> {
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    const { queue, model } = this;
    const seen = { depth: queue.depth, size: queue.size, timers: this.clock.timerCount };
    expect(seen).toEqual({ depth: model.depth, size: model.size, timers: model.timers });
    if (this.#waiting.size > 0) expect(model.ready()).toEqual([]);
  }

  async stop(): Promise<void> {
    this.queue.stop();
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    expect(this.#waiting.size).toBe(0);
    expect(this.clock.timerCount).toBe(0);
    expect(this.queue.depth).toBe(0);
    const working = KEYS.filter((key) => this.model.of(key).isWorkedOn);
    expect(this.queue.size).toBe(working.length);
    for (const key of working) this.queue.done(key);
    for (const key of KEYS) this.queue.add(key);
    expect(this.queue.size).toBe(0);
  }
}

const KINDS = [
  "add",
  "addAfter",
  "addRateLimited",
  "rest",
  "ask",
  "ask",
  "callOff",
  "done",
  "done",
  "forget",
  "advance",
];
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    key: fc.constantFrom(...KEYS),
    ms: fc.constantFrom(0, 1, 4, 5, 6, 10, 20, 50),
  }),
  { maxLength: 50, size: "max" },
);

async function take(bench: Bench, { kind, key, ms }: { kind: string; key: string; ms: number }): Promise<void> {
  const { queue, model } = bench;
  switch (kind) {
    case "add":
      model.of(key).isWanted = true;
      return queue.add(key);
    case "addAfter":
      model.addAfter(key, ms);
      return queue.addAfter(key, ms);
    case "addRateLimited":
      expect(queue.addRateLimited(key, 40)).toBe(model.addRateLimited(key, 40));
      return expect(queue.failures(key)).toBe(model.of(key).failures);
    case "rest":
      // Never at the same moment as a delay: which of two timers of one moment fires first is no promise.
      model.rest(key, ms - 0.5);
      return queue.rest(key, ms - 0.5);
    case "ask":
      return await bench.ask();
    case "callOff":
      return bench.callOff();
    case "done":
      return bench.done(key);
    case "forget":
      model.of(key).failures = 0;
      return queue.forget(key);
    default:
      return await bench.advance(ms);
  }
}

test("a key is with one worker at most, comes when it is due and has rested and not before, and none is lost", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const bench = new Bench();
      for (const step of all) {
        await take(bench, step);
        await bench.check();
      }
      // Workers without end: whatever is wanted, now or later, comes.
      for (let n = 0; n < 2 * KEYS.length; n++) {
        for (const key of KEYS) bench.done(key);
        await bench.ask();
        await bench.advance(CAP_MS);
      }
      expect(KEYS.filter((key) => bench.model.of(key).isWanted)).toEqual([]);
      await bench.stop();
    }),
    { seed: SEED, numRuns: 500 },
  );
});
