/** Back-off of single effects: each failure of one key doubles its wait. */
import type { Clock, Timer } from "../base/clock.ts";

const BASE_MS = 5;
/** A key that did not fail for so long after its wait starts anew: what it stands for has succeeded, or is gone. */
const QUIET_MS = 600_000;
/** Keys remembered before the quiet ones are looked for. */
const SWEEP_SIZE = 1000;

interface Retry {
  failures: number;
  due: () => void;
  timer: Timer | undefined;
  dueAt: number;
}

/** Spec 3.2: 5 ms base, doubled at each failure in a row, up to a cap. */
export class Retries {
  readonly #clock: Clock;
  readonly #retries = new Map<string, Retry>();
  #sweepAt = SWEEP_SIZE;
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keys remembered. */
  get size(): number {
    return this.#retries.size;
  }

  isWaiting(key: string): boolean {
    return this.#retries.get(key)?.timer !== undefined;
  }

  /** Calls `due` once the wait of this key's newest failure is over; an earlier wait of the key is given up. */
  later(key: string, capMs: number, due: () => void): void {
    if (this.#isStopped) return;
    const now = this.#clock.monotonic();
    const retry = this.#retries.get(key) ?? { failures: 0, due, timer: undefined, dueAt: now };
    retry.timer?.cancel();
    if (now - retry.dueAt > QUIET_MS) retry.failures = 0;
    const delayMs = Math.min(BASE_MS * 2 ** Math.min(retry.failures, 30), capMs);
    retry.failures++;
    retry.due = due;
    retry.dueAt = now + delayMs;
    retry.timer = this.#clock.after(delayMs, () => {
      retry.timer = undefined;
      due();
    });
    this.#retries.set(key, retry);
    this.#sweep(now);
  }

  /** The key succeeded, or what it stands for is gone: its next failure starts anew, its wait is given up. */
  reset(key: string): void {
    this.#retries.get(key)?.timer?.cancel();
    this.#retries.delete(key);
  }

  /** Ends every wait at once; whether there was one. The next failure of a key waits longer all the same. */
  hurry(): boolean {
    const waiting = [...this.#retries.values()].filter(({ timer }) => timer !== undefined);
    for (const retry of waiting) {
      retry.timer?.cancel();
      retry.timer = undefined;
      retry.dueAt = this.#clock.monotonic();
      retry.due();
    }
    return waiting.length > 0;
  }

  /** Gives up every wait and takes no more. */
  stop(): void {
    this.#isStopped = true;
    for (const { timer } of this.#retries.values()) timer?.cancel();
    this.#retries.clear();
  }

  /** Drops the quiet keys, each time that their number has doubled: a few steps per key in all. */
  #sweep(now: number): void {
    if (this.#retries.size < this.#sweepAt) return;
    for (const [key, { timer, dueAt }] of this.#retries) {
      if (timer === undefined && now - dueAt > QUIET_MS) this.#retries.delete(key);
    }
    this.#sweepAt = Math.max(SWEEP_SIZE, 2 * this.#retries.size);
  }
}
