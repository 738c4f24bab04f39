/** At most `limit` at once, first come, first served. */
export class Semaphore {
  #free: number;
  /** A Set keeps the order of arrival and forgets an aborted waiter at once. */
  readonly #waiters = new Set<() => void>();

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Resolves when a place is free; call `release` once when done. Rejects with the signal's reason if that aborts first. */
  acquire(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters.delete(go);
        reject(signal?.reason);
      };
      const go = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      this.#waiters.add(go);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** The place goes to who has waited longest. */
  release(): void {
    for (const go of this.#waiters) {
      this.#waiters.delete(go);
      go();
      return;
    }
    this.#free += 1;
  }
}
