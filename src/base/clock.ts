/** Time, handed in so that tests and the simulation can own it. The only user of Date.now and setTimeout. */

/** A running timer. Cancelling one that has fired does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall-clock time in milliseconds since 1970, for what is written into objects. */
  now(): number;
  /** Milliseconds of a clock that never jumps, for deadlines and back-off. */
  monotonic(): number;
  /** Calls `fire` once after `delayMs`. */
  after(delayMs: number, fire: () => void): Timer;
}

/** A clock that knows how many of its timers wait to fire: what grows without end shows there. */
export interface CountingClock extends Clock {
  readonly timers: number;
}

/** The longest delay that a JavaScript timer holds; longer ones would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The clock of the machine. Timers longer than 24 days are carried on in steps. */
export function systemClock(): CountingClock {
  let timers = 0;
  return {
    get timers() {
      return timers;
    },
    now: () => Date.now(),
    // As performance.now, whose object alone costs half a megabyte of memory.
    monotonic: () => Bun.nanoseconds() / 1e6,
    after(delayMs, fire) {
      let handle: ReturnType<typeof setTimeout>;
      let isWaiting = true;
      const end = () => {
        if (isWaiting) timers -= 1;
        isWaiting = false;
      };
      const wait = (leftMs: number) => {
        const stepMs = Math.min(Math.max(leftMs, 0), MAX_DELAY_MS);
        handle = setTimeout(() => {
          if (leftMs > stepMs) return wait(leftMs - stepMs);
          end();
          fire();
        }, stepMs);
      };
      timers += 1;
      wait(delayMs);
      return {
        cancel() {
          clearTimeout(handle);
          end();
        },
      };
    },
  };
}

/** Resolves after `delayMs`; rejects with the signal's reason as soon as the signal aborts. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
