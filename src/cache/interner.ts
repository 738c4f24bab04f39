/** Equal texts become one: hundreds of Pods of a Job carry the same names and uids, each of them a text of its own. */
export class Interner {
  readonly #texts = new Map<string, string>();
  readonly #limit: number;

  /** Beyond `limit` texts all are forgotten: equal ones are then shared anew. */
  constructor(limit = 20_000) {
    this.#limit = limit;
  }

  share<T extends string | undefined>(text: T): T;
  share(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= this.#limit) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }
}
