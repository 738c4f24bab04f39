import type { Random } from "./random.ts";

export interface BackoffOptions {
  /** The first delay. */
  readonly baseMs: number;
  /** The longest delay, before jitter. */
  readonly capMs: number;
  /** What each delay is multiplied by to give the next: 2 if left out. */
  readonly factor?: number;
  /** A delay is drawn from [d, d × (1 + jitter)), so that clients do not return in step; 0 if left out. */
  readonly jitter?: number;
  /** Needed only with jitter. */
  readonly random?: Random;
}

/** Delays that grow from `baseMs` to `capMs` until `reset`. */
export class Backoff {
  readonly #options: BackoffOptions;
  #delayMs: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#delayMs = options.baseMs;
  }

  /** The delay to wait now, in milliseconds. */
  next(): number {
    const { capMs, factor = 2, jitter = 0, random } = this.#options;
    const delayMs = Math.min(this.#delayMs, capMs);
    this.#delayMs = Math.min(delayMs * factor, capMs);
    return random === undefined ? delayMs : delayMs * (1 + jitter * random.next());
  }

  /** The next delay is the first one again. */
  reset(): void {
    this.#delayMs = this.#options.baseMs;
  }
}
