/** Whoever waits until there is room again. */
export interface ByteHolder {
  resume(): void;
}

/** Holders of so little never wait: all of them together are bounded by the number of connections. */
const SMALL_BYTES = 64 * 1024;

/** Bytes that all requests under way may hold together. Where they are used up, large ones go on one at a time. */
export class ByteBudget {
  readonly #most: number;
  /** In the order in which they began. */
  readonly #held = new Map<ByteHolder, number>();
  readonly #waiting = new Set<ByteHolder>();
  #total = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts what was read; false where the holder must read no more until it is resumed. */
  take(holder: ByteHolder, bytes: number): boolean {
    const held = (this.#held.get(holder) ?? 0) + bytes;
    this.#held.set(holder, held);
    this.#total += bytes;
    const mayGoOn = this.#total <= this.#most || held <= SMALL_BYTES || this.#firstLarge() === holder;
    if (!mayGoOn) this.#waiting.add(holder);
    return mayGoOn;
  }

  /** Others wait for the room that this one has. */
  isWantedOf(holder: ByteHolder): boolean {
    return this.#waiting.size > 0 && !this.#waiting.has(holder) && (this.#held.get(holder) ?? 0) > SMALL_BYTES;
  }

  /** Everything that the holder took; those that wait try again. */
  release(holder: ByteHolder): void {
    const held = this.#held.get(holder);
    if (held === undefined) return;
    this.#held.delete(holder);
    this.#waiting.delete(holder);
    this.#total -= held;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const other of waiting) other.resume();
  }

  /** It always goes on, so that not all of them wait for each other. */
  #firstLarge(): ByteHolder | undefined {
    for (const [holder, bytes] of this.#held) {
      if (bytes > SMALL_BYTES) return holder;
    }
    return undefined;
  }
}
