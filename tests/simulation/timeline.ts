/** What is going to happen in a simulated world, by the moment at which it is due. */

export interface Due {
  readonly atMs: number;
  /** What is due at the same moment happens in the order in which it was planned. */
  readonly order: number;
  readonly label: string;
  readonly fire: () => void;
  isCancelled: boolean;
}

/** A binary heap; time moves on as what is due is taken out. */
export class Timeline {
  readonly #heap: Due[] = [];
  #order = 0;
  #nowMs = 0;

  /** Milliseconds since the begin of the run. */
  get nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, label: string, fire: () => void): Due {
    const due: Due = {
      atMs: this.#nowMs + Math.max(delayMs, 0),
      order: this.#order++,
      label,
      fire,
      isCancelled: false,
    };
    this.#heap.push(due);
    this.#rise(this.#heap.length - 1);
    return due;
  }

  /** Takes out what is due next, and moves on to its moment. */
  next(): Due | undefined {
    for (;;) {
      const [first] = this.#heap;
      const last = this.#heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (first !== last) {
        this.#heap[0] = last;
        this.#sink();
      }
      if (first.isCancelled) continue;
      this.#nowMs = first.atMs;
      return first;
    }
  }

  #rise(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfLater(parent, index)) return;
      index = parent;
    }
  }

  #sink(): void {
    const { length } = this.#heap;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= length) return;
      const right = left + 1;
      const child = right < length && isEarlier(this.#heap[right], this.#heap[left]) ? right : left;
      if (!this.#swapIfLater(index, child)) return;
      index = child;
    }
  }

  /** Exchanges the two where the one above is due later than the one below. */
  #swapIfLater(above: number, below: number): boolean {
    const [upper, lower] = [this.#heap[above], this.#heap[below]];
    if (upper === undefined || lower === undefined || !isEarlier(lower, upper)) return false;
    this.#heap[above] = lower;
    this.#heap[below] = upper;
    return true;
  }
}

function isEarlier(one: Due | undefined, other: Due | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
