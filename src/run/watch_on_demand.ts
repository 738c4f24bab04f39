/** A watch that runs only while somebody needs what it tells (spec 4.3), and leaves nothing behind. */
import { messageOf } from "../base/message_of.ts";
import type { Timer } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import { type CacheChange, type CacheEntry, ObjectCache } from "../cache/object_cache.ts";
import { isForbidden } from "../client/api_error.ts";
import type { ObserveWatch } from "../metrics/watch_metrics.ts";
import { Watcher, type WatcherOptions } from "../watch/watcher.ts";
import { cacheSink } from "./cache_sink.ts";
import type { Parts } from "./watches.ts";

/** Who needs it may be back soon: the next JobSet of a series, say. Reading everything anew costs more than going on. */
const LINGER_MS = 60_000;

export interface WatchOnDemandOptions<T> extends Parts, Pick<WatcherOptions<T>, "path" | "query" | "metadataOnly"> {
  /** The plural: `Pods`. */
  readonly what: string;
  /** What it means where we may not watch them, for the operator. */
  readonly without: string;
  readonly observe: ObserveWatch;
}

interface Run<T extends CacheEntry> {
  readonly cache: ObjectCache<T>;
  readonly watcher: Watcher<T>;
  readonly end: AbortController;
  /** Takes its series out of the metrics. */
  readonly forget: () => void;
}

export class WatchOnDemand<T extends CacheEntry> {
  readonly #options: WatchOnDemandOptions<T>;
  readonly #changeListeners: ((change: CacheChange<T>) => void)[] = [];
  readonly #turnListeners: (() => void)[] = [];
  readonly #failed = Promise.withResolvers<never>();
  #run: Run<T> | undefined;
  #lingering: Timer | undefined;
  #isToldForbidden = false;

  constructor(options: WatchOnDemandOptions<T>) {
    this.#options = options;
    // Whoever awaits `failed` hears of it; before that it is no unhandled rejection.
    this.#failed.promise.catch(() => undefined);
  }

  /** Calls `listener` after each change of the cache. */
  onChange(listener: (change: CacheChange<T>) => void): void {
    this.#changeListeners.push(listener);
  }

  /** Calls `listener` whenever a cache has been filled, or has been given up. */
  onTurn(listener: () => void): void {
    this.#turnListeners.push(listener);
  }

  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  /** The cache, once it holds everything. */
  get cache(): ObjectCache<T> | undefined {
    const cache = this.#run?.cache;
    return cache?.isSynced ? cache : undefined;
  }

  /** The same while the API server tells what changes: after that it may be of some time ago. */
  get freshCache(): ObjectCache<T> | undefined {
    return this.#run?.watcher.isCurrent ? this.cache : undefined;
  }

  get isAlive(): boolean {
    return this.#run?.watcher.isAlive ?? true;
  }

  /** Never resolves; rejects when it ends for good. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** It is needed: one that runs goes on; false where none does. */
  keep(): boolean {
    this.#lingering?.cancel();
    this.#lingering = undefined;
    return this.isRunning;
  }

  /** It is not needed any more, and ends a minute later if that is so still. */
  release(): void {
    if (this.#run === undefined || this.#lingering !== undefined) return;
    this.#lingering = this.#options.clock.after(LINGER_MS, () => this.end());
  }

  /** Reads everything; what was known before is forgotten. */
  start(trim: (object: JsonObject) => T | undefined): void {
    this.end();
    const { what, observe, log } = this.#options;
    const cache = new ObjectCache<T>();
    cache.onChange((change) => {
      for (const listener of this.#changeListeners) listener(change);
    });
    const watcher = new Watcher<T>({
      ...this.#options,
      trim,
      sink: cacheSink(what, cache),
      onSynced: () => this.#tellTurn(),
      onProblem: (error) => {
        if (isForbidden(error)) this.#tellForbidden(error);
      },
      isToldElsewhere: isForbidden,
    });
    const end = new AbortController();
    const forget = observe(what.toLowerCase(), () => ({ ...watcher.counters, objects: cache.size }));
    this.#run = { cache, watcher, end, forget };
    log.info(2, "watch started", { what });
    watcher.run(end.signal).catch(this.#failed.reject);
  }

  /** Ends it at once. */
  end(): void {
    this.keep();
    if (this.#run === undefined) return;
    const { end, forget } = this.#run;
    this.#run = undefined;
    end.abort();
    forget();
    this.#options.log.info(2, "watch ended", { what: this.#options.what });
    this.#tellTurn();
  }

  #tellTurn(): void {
    for (const listener of this.#turnListeners) listener();
  }

  #tellForbidden(error: unknown): void {
    if (this.#isToldForbidden) return;
    this.#isToldForbidden = true;
    const { log, what, without } = this.#options;
    log.info(0, "a permission is missing; what needs it is done without until it is granted", {
      permission: `list and watch ${what.toLowerCase()}`,
      without,
      error: messageOf(error),
    });
  }
}
