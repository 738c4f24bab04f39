import type { Clock } from "../base/clock.ts";

/** An answer, and how long it holds. */
export interface Answer<V> {
  readonly value: V;
  readonly ttlMs: number;
}

/** Answers that cost a request, by what was asked; of those beyond `maxEntries` the oldest goes. */
export class AnswerCache<V> {
  readonly #clock: Clock;
  readonly #maxEntries: number;
  readonly #answers = new Map<string, { readonly value: V; readonly expiresAtMs: number }>();
  readonly #underWay = new Map<string, Promise<V>>();

  constructor({ clock, maxEntries }: { readonly clock: Clock; readonly maxEntries: number }) {
    this.#clock = clock;
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#answers.size;
  }

  /** The answer that holds, else that of `ask`, once for all that want it meanwhile. A failure is nobody's answer later. */
  get(key: string, ask: () => Promise<Answer<V>>): Promise<V> {
    const known = this.#answers.get(key);
    if (known !== undefined && this.#clock.monotonic() < known.expiresAtMs) return Promise.resolve(known.value);
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const asked = this.#ask(key, ask).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asked);
    return asked;
  }

  async #ask(key: string, ask: () => Promise<Answer<V>>): Promise<V> {
    const { value, ttlMs } = await ask();
    this.#answers.delete(key);
    this.#answers.set(key, { value, expiresAtMs: this.#clock.monotonic() + ttlMs });
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= this.#maxEntries) break;
      this.#answers.delete(oldest);
    }
    return value;
  }
}
