import { asString, at } from "../../src/base/json.ts";
import type { Write } from "./types.ts";

/** Lines are hashed in portions: a call for each would cost more than the hash. */
const PORTION = 8192;

/** Everything that happened in a run, as a hash that two runs can be compared by, and as lines for those who ask. */
export class Trace {
  readonly #onLine: ((line: string) => void) | undefined;
  #portion = "";
  #hash = 0n;

  constructor(onLine?: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** 16 hexadecimal digits over all steps and writes so far. */
  get hash(): string {
    this.#flush();
    return this.#hash.toString(16).padStart(16, "0");
  }

  step(label: string, atMs: number): void {
    this.#add(`${atMs} ${label}`);
  }

  written({ verb, resource, subresource, user, resourceVersion, before, after }: Write): void {
    const object = after ?? before;
    const name = asString(at(object, "metadata", "name")) ?? "";
    this.#add(`${resourceVersion} ${user} ${verb} ${resource}${subresource === undefined ? "" : "/status"} ${name}`);
  }

  /** What need not be the same in every run, such as a log line. */
  say(line: string): void {
    this.#onLine?.(line);
  }

  #add(line: string): void {
    this.#onLine?.(line);
    this.#portion += line;
    if (this.#portion.length >= PORTION) this.#flush();
  }

  #flush(): void {
    if (this.#portion === "") return;
    this.#hash = Bun.hash.xxHash64(this.#portion, this.#hash);
    this.#portion = "";
  }
}
