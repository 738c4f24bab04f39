import { Semaphore } from "../client/semaphore.ts";

/** What is under way for one question. */
interface Asked<A> {
  /** It has gone out: its answer may be of a moment before somebody asks now. */
  sent: Promise<A> | undefined;
  /** It has not gone out yet: whoever asks now gets an answer of later. */
  waiting: Promise<A> | undefined;
}

/**
 * Hundreds ask the same at once: one request for all of them. Of each question one is under way at a time, of all questions
 * together so many as `places` has.
 */
export class SharedRequests<A> {
  readonly #asked = new Map<string, Asked<A>>();
  readonly #places: Semaphore;

  constructor(places: Semaphore) {
    this.#places = places;
  }

  /** `isCertain`: only an answer to a request that is sent from now on will do. */
  ask(question: string, isCertain: boolean, send: () => Promise<A>): Promise<A> {
    const asked = this.#asked.get(question) ?? { sent: undefined, waiting: undefined };
    this.#asked.set(question, asked);
    const known = asked.waiting ?? (isCertain ? undefined : asked.sent);
    if (known !== undefined) return known;
    const answer = this.#answer(question, asked, send);
    asked.waiting = answer;
    return answer;
  }

  async #answer(question: string, asked: Asked<A>, send: () => Promise<A>): Promise<A> {
    // One that fails says so to those who share it.
    await asked.sent?.catch(() => undefined);
    await this.#places.acquire();
    try {
      asked.sent = asked.waiting;
      asked.waiting = undefined;
      return await send();
    } finally {
      this.#places.release();
      asked.sent = undefined;
      if (asked.waiting === undefined) this.#asked.delete(question);
    }
  }
}
