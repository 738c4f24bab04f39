/**
 * Equal texts become one: hundreds of Pods of a Job carry the same names and uids, each of them a text of its own.
 *
 * There are two tables. What is asked for goes to the young one; once that is full it becomes the old one, whose texts that nobody
 * asked for meanwhile are forgotten: so those in use stay, and where names come and go for good no more are held than these two.
 */
export class Interner {
  readonly #mostYoung: number;
  #young = new Map<string, string>();
  #old = new Map<string, string>();

  /** Holds `limit` texts at most. */
  constructor(limit = 20_000) {
    this.#mostYoung = Math.max(1, limit >> 1);
  }

  /** Texts held. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  share<T extends string | undefined>(text: T): T;
  share(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    const known = this.#young.get(text);
    if (known !== undefined) return known;
    const shared = this.#old.get(text) ?? text;
    this.#old.delete(text);
    if (this.#young.size >= this.#mostYoung) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(shared, shared);
    return shared;
  }
}
