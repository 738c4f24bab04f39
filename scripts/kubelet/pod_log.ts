/** What `kubectl logs` prints of a Pod: a line per event of a fate, or the output of a real process. */
export interface LogLine {
  readonly at: string;
  readonly container: string;
  readonly text: string;
}

/** The oldest lines go first. */
const MAX_LINES = 10_000;

export class PodLog {
  #lines: LogLine[] = [];
  #isClosed = false;
  readonly #followers = new Set<() => void>();

  add(container: string, text: string): void {
    this.#lines.push({ at: new Date().toISOString(), container, text });
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
    this.#wake();
  }

  /** No further line will come; followers end. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  of(container: string): readonly LogLine[] {
    return this.#lines.filter((line) => line.container === container);
  }

  /** Calls `wake` at each change until the returned function is called. */
  follow(wake: () => void): () => void {
    this.#followers.add(wake);
    return () => this.#followers.delete(wake);
  }

  #wake(): void {
    for (const wake of [...this.#followers]) wake();
  }
}
