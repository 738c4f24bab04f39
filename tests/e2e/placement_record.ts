/** A record of Pods and Nodes from two watches, for the checker (placement_checker.ts). */
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { type Api, watch } from "../../scripts/control_plane/api.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { uidOf } from "./cluster.ts";
import type { Frame } from "./placement_frames.ts";

const CATCH_UP_MS = 30_000;
const PATHS = { pod: "/api/v1/pods", node: "/api/v1/nodes" } as const;
const KINDS = ["pod", "node"] as const;
type Kind = typeof KINDS[number];

export class PlacementRecord {
  readonly frames: Frame[] = [];
  readonly #api: Api;
  readonly #abort = new AbortController();
  /** How far each watch has come, and the versions of what it shows. */
  readonly #versions: Record<Kind, number> = { pod: 0, node: 0 };
  readonly #shown: Record<Kind, Map<string, number>> = { pod: new Map(), node: new Map() };
  readonly #done: Promise<unknown>;

  private constructor(api: Api) {
    this.#api = api;
    this.#done = Promise.all([this.#run("pod"), this.#run("node")]);
    this.#done.catch(() => undefined); // told by stop
  }

  /** What there is comes first, then what changes. */
  static start(api: Api): PlacementRecord {
    return new PlacementRecord(api);
  }

  /** Ends it once it has seen all that there is now, in its state there or a later one, and knows what is gone. */
  async stop(): Promise<readonly Frame[]> {
    for (const kind of KINDS) {
      const list = await this.#api.list(PATHS[kind]);
      await waitFor(`the record of ${kind}s to catch up`, {
        timeoutMs: CATCH_UP_MS,
        check: () => this.#hasSeen(kind, list),
      });
    }
    this.abort();
    await this.#done;
    return this.frames;
  }

  abort(): void {
    this.#abort.abort();
  }

  #hasSeen(kind: Kind, list: readonly JsonObject[]): boolean {
    const shown = this.#shown[kind];
    const listed = new Set(list.map(uidOf));
    const newest = Math.max(0, ...list.map(versionOf));
    const isGoneOrNew = ([uid, version]: readonly [string, number]) => listed.has(uid) || version > newest;
    return list.every((item) => (shown.get(uidOf(item)) ?? this.#versions[kind]) >= versionOf(item)) &&
      [...shown].every(isGoneOrNew);
  }

  /** Bookmarks tell that nothing is missing; a stream that the server ends goes on where it was. */
  async #run(kind: Kind): Promise<void> {
    const { signal } = this.#abort;
    const initial = "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    while (!signal.aborted) {
      const from = this.#versions[kind] === 0 ? initial : `&resourceVersion=${this.#versions[kind]}`;
      try {
        const path = `${PATHS[kind]}?watch=1&allowWatchBookmarks=true${from}`;
        for await (const { type, object } of watch(this.#api, path, signal)) {
          if (type === "ERROR") throw new Error(`record ${kind}s: ${JSON.stringify(object)}`);
          this.#versions[kind] = Math.max(this.#versions[kind], versionOf(object));
          if (type === "BOOKMARK") continue;
          if (type === "DELETED") this.#shown[kind].delete(uidOf(object));
          else this.#shown[kind].set(uidOf(object), versionOf(object));
          this.frames.push({ atMs: performance.now(), kind, type, object });
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }
}

function versionOf(object: JsonObject): number {
  return Number(asString(at(object, "metadata", "resourceVersion")) ?? "0");
}
