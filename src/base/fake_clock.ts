import type { Clock, Timer } from "./clock.ts";

interface Waiting {
  readonly dueMs: number;
  /** Timers due at the same moment fire in the order in which they were set. */
  readonly order: number;
  readonly fire: () => void;
}

/** A clock that stands still until a test or the simulation advances it. */
export class FakeClock implements Clock {
  #monotonicMs = 0;
  #order = 0;
  readonly #startMs: number;
  readonly #waiting = new Set<Waiting>();

  constructor(startMs: number = Date.UTC(2030, 0, 1)) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#monotonicMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    const waiting: Waiting = { dueMs: this.#monotonicMs + Math.max(delayMs, 0), order: this.#order++, fire };
    this.#waiting.add(waiting);
    return { cancel: () => this.#waiting.delete(waiting) };
  }

  /** How many timers are running: a test of cleaning up. */
  get timerCount(): number {
    return this.#waiting.size;
  }

  /** Milliseconds until the next timer fires, or undefined where none runs. */
  get nextDelayMs(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : next.dueMs - this.#monotonicMs;
  }

  /** Moves time on and fires what falls due on the way, each at its own moment; promises settle afterwards. */
  advance(ms: number): void {
    const endMs = this.#monotonicMs + ms;
    for (let next = this.#next(); next !== undefined && next.dueMs <= endMs; next = this.#next()) {
      this.#monotonicMs = next.dueMs;
      this.#waiting.delete(next);
      next.fire();
    }
    this.#monotonicMs = endMs;
  }

  /** As `advance`, and lets promises settle after each timer, so that timers they set on the way fire too. */
  async advanceAndSettle(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await settle();
    for (let next = this.#next(); next !== undefined && next.dueMs <= endMs; next = this.#next()) {
      this.advance(next.dueMs - this.#monotonicMs);
      await settle();
    }
    this.advance(endMs - this.#monotonicMs);
    await settle();
  }

  #next(): Waiting | undefined {
    let first: Waiting | undefined;
    for (const waiting of this.#waiting) {
      const earlier = first === undefined || waiting.dueMs < first.dueMs ||
        (waiting.dueMs === first.dueMs && waiting.order < first.order);
      if (earlier) first = waiting;
    }
    return first;
  }
}

/** Lets every promise chain that needs no real I/O run to its end: one turn of the event loop. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
