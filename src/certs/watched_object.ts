import type { Clock } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { type CacheEntry, ObjectCache } from "../cache/object_cache.ts";
import { type ApiError, isForbidden } from "../client/api_error.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { Watcher } from "../watch/watcher.ts";

export interface WatchedObjectOptions<T extends CacheEntry> {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The collection's path. */
  readonly collection: string;
  readonly name: string;
  /** Empty where the kind has none. */
  readonly namespace: string;
  readonly read: (object: JsonObject) => T;
  /** The object, or what is known of it, is another. */
  readonly onChange: () => void;
  /** We may not watch it; it is tried again. */
  readonly onRefused: (error: ApiError) => void;
}

/** One object of the API server by its name, kept up to date by a watch that needs no right to see any other. */
export class WatchedObject<T extends CacheEntry> {
  readonly #options: WatchedObjectOptions<T>;
  readonly #cache = new ObjectCache<T>();
  #problem: ApiError | undefined;

  constructor(options: WatchedObjectOptions<T>) {
    this.#options = options;
    this.#cache.onChange(options.onChange);
  }

  get collection(): string {
    return this.#options.collection;
  }

  get path(): string {
    return `${this.#options.collection}/${this.#options.name}`;
  }

  /** Whether `current` is what the API server has, or had before it went away. */
  get isKnown(): boolean {
    return this.#cache.isSynced;
  }

  /** The object as it was last seen; undefined where there is none. */
  get current(): T | undefined {
    return this.#cache.get(this.#options.namespace, this.#options.name);
  }

  /** Why it can't be watched just now. */
  get problem(): string | undefined {
    return this.#problem?.message;
  }

  get isRefused(): boolean {
    return isForbidden(this.#problem);
  }

  /** The answer to a write of our own: seen at once, however far the watch lags behind. */
  observeWrite(object: JsonObject): void {
    this.#cache.observeWrite(this.#options.read(object));
  }

  async run(signal: AbortSignal): Promise<void> {
    const { client, clock, random, log, collection, name, read, onChange, onRefused } = this.#options;
    const watcher = new Watcher<T>({
      client,
      clock,
      random,
      log,
      path: collection,
      query: { fieldSelector: `metadata.name=${name}` },
      trim: (object) => read(object),
      sink: {
        replace: (items, resourceVersion) => this.#cache.replace(items, resourceVersion),
        upsert: (item) => this.#cache.upsert(item),
        remove: (identity) => this.#cache.remove(identity),
        confirm: (identity) => this.#cache.confirm(identity),
      },
      onSynced: onChange,
      onProblem: (error) => {
        this.#problem = error;
        if (this.isRefused) onRefused(error);
        onChange();
      },
      onRecovered: () => {
        this.#problem = undefined;
        onChange();
      },
    });
    await watcher.run(signal);
  }
}
