import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";

/** What a request is authenticated with, and the CA that the server is checked against. All certificates as PEM. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

export interface CredentialSource {
  /** The credentials to use now. Rejects only if there have never been any. */
  current(): Promise<Credentials>;
  /** After a 401: other credentials than `refused`, or `refused` itself where a fresh look found the same. */
  renew(refused: Credentials): Promise<Credentials>;
}

/** Credentials that never change. */
export function fixedCredentials(credentials: Credentials): CredentialSource {
  return { current: () => Promise.resolve(credentials), renew: () => Promise.resolve(credentials) };
}

export interface RereadCredentialsOptions {
  /** "refused": the server refused what was read last, so a cache in between must not answer. */
  readonly read: (why: "due" | "refused") => Promise<Credentials>;
  /** How old what was read may grow. */
  readonly everyMs: number;
  /** A 401 reads anew at once, but not more often than this. */
  readonly renewEveryMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Credentials that rotate: read again as they age and on a 401, once for all requests that ask at that time. */
export class RereadCredentials implements CredentialSource {
  readonly #options: RereadCredentialsOptions;
  #known: Credentials | undefined;
  #readAtMs = -Infinity;
  #reading: Promise<Credentials> | undefined;
  #failing = false;

  constructor(options: RereadCredentialsOptions) {
    this.#options = options;
  }

  current(): Promise<Credentials> {
    if (this.#known !== undefined && !this.#isOlderThan(this.#options.everyMs)) return Promise.resolve(this.#known);
    return this.#read("due");
  }

  renew(refused: Credentials): Promise<Credentials> {
    const known = this.#known;
    if (known !== undefined && (!sameCredentials(known, refused) || !this.#isOlderThan(this.#options.renewEveryMs))) {
      return Promise.resolve(known);
    }
    return this.#read("refused");
  }

  #isOlderThan(ageMs: number): boolean {
    return this.#options.clock.monotonic() - this.#readAtMs >= ageMs;
  }

  #read(why: "due" | "refused"): Promise<Credentials> {
    this.#reading ??= this.#readOnce(why).finally(() => this.#reading = undefined);
    return this.#reading;
  }

  /** A file may be half written just now: what was read before stays good until the server refuses it. */
  async #readOnce(why: "due" | "refused"): Promise<Credentials> {
    const { read, clock, log } = this.#options;
    try {
      const fresh = await read(why);
      this.#failing = false;
      if (this.#known === undefined || !sameCredentials(fresh, this.#known)) this.#known = fresh;
      return this.#known;
    } catch (error) {
      if (this.#known === undefined) throw error;
      if (!this.#failing) log.error("cannot read credentials again, keeping the former", { error: String(error) });
      this.#failing = true;
      return this.#known;
    } finally {
      this.#readAtMs = clock.monotonic();
    }
  }
}

export function sameCredentials(a: Credentials, b: Credentials): boolean {
  if (a === b) return true;
  const names = Object.keys(a.headers);
  return a.ca === b.ca && a.cert === b.cert && a.key === b.key && names.length === Object.keys(b.headers).length &&
    names.every((name) => a.headers[name] === b.headers[name]);
}
