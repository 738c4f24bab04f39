import type { Clock, Timer } from "../base/clock.ts";
import { NO_QUEUE_METRICS, type QueueMetrics } from "./queue_metrics.ts";

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly metrics?: QueueMetrics;
  /** The first delay of `addRateLimited`, doubled each time: 5 ms if left out (spec 3.2). */
  readonly baseDelayMs?: number;
  /** The longest such delay: 1,000 s if left out (spec 3.2). */
  readonly maxDelayMs?: number;
  /** Keys held at once at most; one more is a broken invariant. */
  readonly maxKeys?: number;
}

/** All that is known of one key; dropped as soon as it says nothing. */
interface KeyState {
  /** Wanted since this moment; not handed out since. */
  wantedAtMs: number | undefined;
  /** Stands in the line of those to hand out. */
  isInLine: boolean;
  /** With a worker since this moment. */
  startedAtMs: number | undefined;
  rest: Alarm | undefined;
  later: Alarm | undefined;
  failures: number;
}

interface Alarm {
  readonly dueMs: number;
  readonly timer: Timer;
}

/**
 * Keys that want work, each at most once: a key never waits twice, and never is with two workers.
 * What is added while a worker has it is handed out again once that worker is done.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #metrics: QueueMetrics;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #maxKeys: number;
  readonly #states = new Map<string, KeyState>();
  readonly #idle = new Set<(key: string | undefined) => void>();
  #line: string[] = [];
  #lineStart = 0;
  #depth = 0;
  #isStopped = false;

  constructor(
    { clock, metrics = NO_QUEUE_METRICS, baseDelayMs = 5, maxDelayMs = 1_000_000, maxKeys = 1_000_000 }:
      WorkQueueOptions,
  ) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#baseDelayMs = baseDelayMs;
    this.#maxDelayMs = maxDelayMs;
    this.#maxKeys = maxKeys;
  }

  /** Keys of which anything is known: waiting, timed, resting, failed or with a worker. */
  get size(): number {
    return this.#states.size;
  }

  /** Keys that wait to be handed out, resting ones included; not those that wait for a timer or are with a worker. */
  get depth(): number {
    return this.#depth;
  }

  /** Seconds that the keys with workers have been there, all together. */
  get unfinishedSeconds(): number {
    return this.#runningMs().reduce((sum, ms) => sum + ms, 0) / 1000;
  }

  /** Seconds that the longest of the keys with workers has been there. */
  get longestRunningSeconds(): number {
    return this.#runningMs().reduce((longest, ms) => Math.max(longest, ms), 0) / 1000;
  }

  /** The key wants work now. */
  add(key: string): void {
    if (this.#isStopped) return;
    const state = this.#state(key);
    if (state.wantedAtMs !== undefined) return;
    state.wantedAtMs = this.#clock.monotonic();
    this.#metrics.added();
    if (state.startedAtMs !== undefined) return;
    this.#setDepth(this.#depth + 1);
    this.#standInLine(key, state);
  }

  /** The key wants work once `delayMs` have passed. Of several such wishes the earliest stands. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isStopped) return;
    if (delayMs <= 0) return this.add(key);
    const state = this.#state(key);
    const dueMs = this.#clock.monotonic() + delayMs;
    if (state.later !== undefined && state.later.dueMs <= dueMs) return;
    state.later?.timer.cancel();
    const timer = this.#clock.after(delayMs, () => {
      state.later = undefined;
      this.add(key);
    });
    state.later = { dueMs, timer };
  }

  /**
   * The key wants work again after a failure: 5 ms later, doubled with each failure since `forget`, up to 1,000 s or
   * the cap given (spec 3.2: 60 s for refused creates). Returns the delay.
   */
  addRateLimited(key: string, maxDelayMs: number = this.#maxDelayMs): number {
    if (this.#isStopped) return 0;
    const state = this.#state(key);
    const delayMs = Math.min(this.#baseDelayMs * 2 ** state.failures, this.#maxDelayMs, maxDelayMs);
    state.failures++;
    this.#metrics.retried();
    this.addAfter(key, delayMs);
    return delayMs;
  }

  /** The work on this key succeeded: its next failure waits the first delay again. */
  forget(key: string): void {
    const state = this.#states.get(key);
    if (state === undefined) return;
    state.failures = 0;
    this.#dropIfDone(key, state);
  }

  /** How often the key was put back with back-off since it was forgotten. */
  failures(key: string): number {
    return this.#states.get(key)?.failures ?? 0;
  }

  /** The key is not handed out for the next `restMs`, even if it is wanted. Of several rests the longest stands. */
  rest(key: string, restMs: number): void {
    if (this.#isStopped || restMs <= 0) return;
    const state = this.#state(key);
    const dueMs = this.#clock.monotonic() + restMs;
    if (state.rest !== undefined && state.rest.dueMs >= dueMs) return;
    state.rest?.timer.cancel();
    const timer = this.#clock.after(restMs, () => {
      state.rest = undefined;
      if (state.wantedAtMs !== undefined && state.startedAtMs === undefined) this.#standInLine(key, state);
      this.#dropIfDone(key, state);
    });
    state.rest = { dueMs, timer };
  }

  /** The next key to work on, once there is one; undefined once the signal aborts or the queue is stopped. */
  next(signal: AbortSignal): Promise<string | undefined> {
    if (this.#isStopped || signal.aborted) return Promise.resolve(undefined);
    const key = this.#takeFromLine();
    if (key !== undefined) return Promise.resolve(key);
    return new Promise((resolve) => {
      const wake = (woken: string | undefined) => {
        signal.removeEventListener("abort", onAbort);
        this.#idle.delete(wake);
        resolve(woken);
      };
      const onAbort = () => wake(undefined);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#idle.add(wake);
    });
  }

  /** The worker that `next` gave this key to has finished with it. */
  done(key: string): void {
    const state = this.#states.get(key);
    if (state?.startedAtMs === undefined) return;
    this.#metrics.worked((this.#clock.monotonic() - state.startedAtMs) / 1000);
    state.startedAtMs = undefined;
    if (this.#isStopped) {
      this.#states.delete(key);
    } else if (state.wantedAtMs !== undefined) {
      this.#setDepth(this.#depth + 1);
      this.#standInLine(key, state);
    } else {
      this.#dropIfDone(key, state);
    }
  }

  /** Nothing is taken in or handed out any more; whoever waits in `next` gets undefined. */
  stop(): void {
    this.#isStopped = true;
    for (const [key, state] of this.#states) {
      state.later?.timer.cancel();
      state.rest?.timer.cancel();
      state.later = undefined;
      state.rest = undefined;
      state.failures = 0;
      if (state.startedAtMs === undefined) this.#states.delete(key);
    }
    this.#line = [];
    this.#lineStart = 0;
    this.#setDepth(0);
    for (const wake of [...this.#idle]) wake(undefined);
  }

  #state(key: string): KeyState {
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    if (this.#states.size >= this.#maxKeys) throw new Error(`the work queue holds more than ${this.#maxKeys} keys`);
    const state: KeyState = {
      wantedAtMs: undefined,
      isInLine: false,
      startedAtMs: undefined,
      rest: undefined,
      later: undefined,
      failures: 0,
    };
    this.#states.set(key, state);
    return state;
  }

  #dropIfDone(key: string, state: KeyState): void {
    const isDone = state.wantedAtMs === undefined && state.startedAtMs === undefined && state.rest === undefined &&
      state.later === undefined && state.failures === 0;
    if (isDone) this.#states.delete(key);
  }

  /** Lines the key up, and gives the first of the line to a worker that waits. */
  #standInLine(key: string, state: KeyState): void {
    if (state.isInLine) return;
    state.isInLine = true;
    this.#line.push(key);
    for (const wake of this.#idle) {
      const next = this.#takeFromLine();
      if (next !== undefined) wake(next);
      return;
    }
  }

  #takeFromLine(): string | undefined {
    while (this.#lineStart < this.#line.length) {
      const key = this.#line[this.#lineStart++];
      if (this.#lineStart > 1024 && this.#lineStart * 2 > this.#line.length) {
        this.#line = this.#line.slice(this.#lineStart);
        this.#lineStart = 0;
      }
      const state = key === undefined ? undefined : this.#states.get(key);
      if (key === undefined || state?.wantedAtMs === undefined) continue;
      state.isInLine = false;
      // A key that rests is passed over; it lines up again when it has rested.
      if (state.rest !== undefined) continue;
      const nowMs = this.#clock.monotonic();
      this.#metrics.waited((nowMs - state.wantedAtMs) / 1000);
      state.wantedAtMs = undefined;
      state.startedAtMs = nowMs;
      this.#setDepth(this.#depth - 1);
      return key;
    }
    this.#line = [];
    this.#lineStart = 0;
    return undefined;
  }

  #setDepth(depth: number): void {
    this.#depth = depth;
    this.#metrics.depth(depth);
  }

  #runningMs(): number[] {
    const nowMs = this.#clock.monotonic();
    const running: number[] = [];
    for (const { startedAtMs } of this.#states.values()) {
      if (startedAtMs !== undefined) running.push(nowMs - startedAtMs);
    }
    return running;
  }
}
