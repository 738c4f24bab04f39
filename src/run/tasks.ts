/** What runs beside the loop until it is told to stop; one that fails ends the process. */
export class Tasks {
  readonly #ended = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  readonly #running = new Set<Promise<void>>();

  constructor() {
    // Whoever awaits `failed` hears of it; before that it is no unhandled rejection.
    this.#failed.promise.catch(() => undefined);
  }

  /** Starts a task, which ends when the signal aborts. */
  run(task: (signal: AbortSignal) => Promise<unknown>): void {
    const { signal } = this.#ended;
    const running = task(signal)
      .catch((error) => {
        if (!signal.aborted) this.#failed.reject(error);
      })
      .then(() => void this.#running.delete(running));
    this.#running.add(running);
  }

  /** Never resolves; rejects with the first failure. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Resolves once every task has ended. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#running);
  }
}
