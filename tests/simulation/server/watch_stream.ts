import type { ServerStream } from "../types.ts";
import { atVersion, type Change } from "./object_store.ts";
import type { ResourceInfo } from "./resource_info.ts";
import type { Matches } from "./selectors.ts";
import { kindText, type StoredVersion } from "./stored_version.ts";

type EventType = "ADDED" | "MODIFIED" | "DELETED";

/** What is due: a line, or an event whose line is written when it is asked for. */
type Due = string | { readonly type: EventType; readonly version: StoredVersion };

export interface WatchStreamOptions {
  readonly info: ResourceInfo;
  /** Undefined: everything. */
  readonly matches: Matches | undefined;
  readonly isMetadataOnly: boolean;
  readonly takesBookmarks: boolean;
  /** The newest version that the server has. */
  readonly newest: () => number;
}

/** One open watch. */
export class WatchStream implements ServerStream {
  readonly #options: WatchStreamOptions;
  #due: Due[] = [];
  #next = 0;
  #listener: () => void = () => {};
  #leave: () => void = () => {};

  constructor(options: WatchStreamOptions) {
    this.#options = options;
  }

  next(): string | undefined {
    const due = this.#due[this.#next];
    if (due === undefined) return undefined;
    this.#next += 1;
    if (this.#next === this.#due.length) {
      this.#due = [];
      this.#next = 0;
    }
    if (typeof due === "string") return due;
    const { type, version } = due;
    return `{"type":"${type}","object":${this.#options.isMetadataOnly ? version.metadataText : version.text}}\n`;
  }

  bookmark(): void {
    if (this.#options.takesBookmarks) this.#push(this.#bookmarkLine(false));
  }

  onDue(listener: () => void): void {
    this.#listener = listener;
  }

  close(): void {
    this.#leave();
    this.#due = [];
    this.#next = 0;
  }

  /** Called by the server: what ends the flow of changes. */
  onClose(leave: () => void): void {
    this.#leave = leave;
  }

  /** An object that is there as the watch begins. */
  begin(version: StoredVersion): void {
    this.#push({ type: "ADDED", version });
  }

  /** The initial state ends here. */
  endInitial(): void {
    if (this.#options.takesBookmarks) this.#push(this.#bookmarkLine(true));
  }

  fail(status: unknown): void {
    this.#push(`{"type":"ERROR","object":${JSON.stringify(status)}}\n`);
  }

  /** An object that leaves the selection is told as deleted, as it was when it still belonged to it. */
  take({ version, before, after, gone }: Change): void {
    const { matches } = this.#options;
    const was = before !== undefined && (matches === undefined || matches(before.object));
    const is = after !== undefined && (matches === undefined || matches(after.object));
    if (is) this.#push({ type: was ? "MODIFIED" : "ADDED", version: after });
    else if (was) this.#push({ type: "DELETED", version: gone ?? atVersion(before, version) });
  }

  #push(due: Due): void {
    this.#due.push(due);
    this.#listener();
  }

  #bookmarkLine(isInitialEnd: boolean): string {
    const { info, isMetadataOnly, newest } = this.#options;
    const mark = isInitialEnd ? '"annotations":{"k8s.io/initial-events-end":"true"}' : "";
    const version = `"resourceVersion":"${newest()}"`;
    const fields = mark === "" ? version : info.isCustom ? `${mark},${version}` : `${version},${mark}`;
    const [kind, rest] = isMetadataOnly
      ? ['{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1",', ""]
      : [kindText(info), info.bookmark];
    return `{"type":"BOOKMARK","object":${kind}"metadata":{${fields}}${rest}}}\n`;
  }
}
