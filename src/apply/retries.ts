/** Back-off of single effects: each failure of one key doubles its wait. */
import type { Clock, Timer } from "../base/clock.ts";

const BASE_MS = 5;

interface Retry {
  failures: number;
  timer: Timer | undefined;
}

/** Spec 3.2: 5 ms base, doubled at each failure in a row, up to a cap. */
export class Retries {
  readonly #clock: Clock;
  readonly #retries = new Map<string, Retry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `due` once the wait of this key's newest failure is over; an earlier wait of the key is given up. */
  later(key: string, capMs: number, due: () => void): void {
    const retry = this.#retries.get(key) ?? { failures: 0, timer: undefined };
    retry.timer?.cancel();
    const delayMs = Math.min(BASE_MS * 2 ** Math.min(retry.failures, 30), capMs);
    retry.failures++;
    retry.timer = this.#clock.after(delayMs, () => {
      retry.timer = undefined;
      due();
    });
    this.#retries.set(key, retry);
  }

  /** The key succeeded: its next failure starts anew. */
  reset(key: string): void {
    this.#retries.get(key)?.timer?.cancel();
    this.#retries.delete(key);
  }

  stop(): void {
    for (const { timer } of this.#retries.values()) timer?.cancel();
    this.#retries.clear();
  }
}
