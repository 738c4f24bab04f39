import { messageOf } from "../base/message_of.ts";
import type { Log } from "../base/log.ts";
import { isForbidden } from "../client/api_error.ts";

/** More different ones are not kept apart. */
const MAX_COMPLAINTS = 20;

/** Failures that are tried again, each told once until all is well again. */
export class Complaints {
  readonly #log: Log;
  readonly #told = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** `path`: what could not be read or written. */
  tell(error: unknown, path: string): void {
    const text = messageOf(error);
    const key = `${path} ${text}`;
    if (this.#told.has(key)) return;
    if (this.#told.size >= MAX_COMPLAINTS) this.#told.clear();
    this.#told.add(key);
    // The API server's own words name the user, the verb and the resource.
    if (isForbidden(error)) {
      this.#log.error("certificates: a permission is missing, it is tried again", { error: text });
    } else this.#log.info(0, "certificates: a request failed, it is tried again", { path, error: text });
  }

  settle(): void {
    this.#told.clear();
  }
}
