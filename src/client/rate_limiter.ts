import type { Clock, Timer } from "../base/clock.ts";

export interface RateLimiterOptions {
  /** Requests per second in the long run; 0 or less: no limit. */
  readonly qps: number;
  /** How many may go at once after a rest; at least 1. */
  readonly burst: number;
  readonly clock: Clock;
}

interface Waiter {
  readonly go: () => void;
}

/** A token bucket as client-go's: full at the start, `qps` tokens a second, at most `burst`; first come, first served. */
export class RateLimiter {
  readonly #qps: number;
  readonly #burst: number;
  readonly #clock: Clock;
  /** A Set keeps the order of arrival and forgets an aborted waiter at once. */
  readonly #waiters = new Set<Waiter>();
  #tokens: number;
  #filledAtMs: number;
  #timer: Timer | undefined;

  constructor(options: RateLimiterOptions) {
    this.#qps = options.qps;
    this.#burst = Math.max(options.burst, 1);
    this.#clock = options.clock;
    this.#tokens = this.#burst;
    this.#filledAtMs = options.clock.monotonic();
  }

  /** Resolves when a token has been taken; rejects with the signal's reason, taking none, if that aborts first. */
  take(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#qps <= 0) return Promise.resolve();
    this.#fill();
    if (this.#waiters.size === 0 && this.#tokens >= 1) {
      this.#tokens -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters.delete(waiter);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        go: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#arm();
    });
  }

  #fill(): void {
    const nowMs = this.#clock.monotonic();
    this.#tokens = Math.min(this.#tokens + (nowMs - this.#filledAtMs) * this.#qps / 1000, this.#burst);
    this.#filledAtMs = nowMs;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#waiters.size === 0) return;
    const delayMs = Math.max(Math.ceil((1 - this.#tokens) * 1000 / this.#qps), 1);
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#fill();
      this.#release();
      this.#arm();
    });
  }

  #release(): void {
    for (const waiter of this.#waiters) {
      if (this.#tokens < 1) return;
      this.#tokens -= 1;
      this.#waiters.delete(waiter);
      waiter.go();
    }
  }
}
