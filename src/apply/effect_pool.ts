/** One request, or a chain of requests on one object. It settles its own failures: it never rejects. */
export type Effect = () => Promise<void>;

/**
 * The requests of one JobSet, at most `limit` at a time (spec 3.2). A new plan replaces what has not been started, so
 * nothing is ever sent on a decision that a later one has overtaken.
 */
export class EffectPool {
  readonly #limit: number;
  #pending: readonly Effect[] = [];
  #next = 0;
  #running = 0;
  #isStopped = false;
  #idleWaiters: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Requests under way. */
  get running(): number {
    return this.#running;
  }

  /** Requests not yet started. */
  get waiting(): number {
    return this.#pending.length - this.#next;
  }

  replace(effects: readonly Effect[]): void {
    if (this.#isStopped) return;
    this.#pending = effects;
    this.#next = 0;
    this.#start();
  }

  /** Starts nothing more; resolves once what is under way has settled. */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.#pending = [];
    this.#next = 0;
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  #start(): void {
    while (this.#running < this.#limit) {
      const effect = this.#pending[this.#next];
      if (effect === undefined) return;
      this.#next++;
      this.#running++;
      void effect().finally(() => this.#settle());
    }
  }

  #settle(): void {
    this.#running--;
    this.#start();
    if (this.#running > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
