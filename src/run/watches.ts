import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { type Job, readJob } from "../api/job.ts";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import { API_VERSION } from "../api/keys.ts";
import { readService, type Service } from "../api/service.ts";
import type { CacheEntry, ObjectCache } from "../cache/object_cache.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { startProblem } from "../client/start_problem.ts";
import type { WatchFacts } from "../metrics/watch_metrics.ts";
import { type WatchCounters, Watcher, type WatcherOptions } from "../watch/watcher.ts";

/** What the loop knows of the cluster. */
export interface Caches {
  readonly jobSets: ObjectCache<JobSet>;
  readonly jobs: ObjectCache<Job>;
  readonly services: ObjectCache<Service>;
}

/** What everything that talks to the cluster is given. */
export interface Parts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly client: KubeClient;
}

interface Watched {
  readonly resource: string;
  readonly cache: { readonly size: number };
  readonly watcher: {
    readonly isAlive: boolean;
    readonly counters: WatchCounters;
    run(signal: AbortSignal): Promise<void>;
  };
}

/** The watches that fill the caches. */
export class Watches {
  readonly #watchers: Watched[] = [];
  readonly #ended = new AbortController();
  readonly #synced: Promise<void>[] = [];
  readonly #failed = Promise.withResolvers<never>();
  readonly #recoveryListeners: (() => void)[] = [];
  readonly #clock: Clock;
  #startedAtMs = 0;

  constructor(parts: Parts, caches: Caches, namespace: string | undefined) {
    const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
    // Whoever awaits `failed` hears of it; before that it is no unhandled rejection.
    this.#failed.promise.catch(() => undefined);
    this.#clock = parts.clock;
    const { jobSets, jobs, services } = caches;
    this.#add(parts, "JobSets", { cache: jobSets, trim: readJobSet, path: `/apis/${API_VERSION}${scope}/jobsets` });
    this.#add(parts, "Jobs", { cache: jobs, trim: readJob, path: `/apis/batch/v1${scope}/jobs` });
    this.#add(parts, "Services", {
      cache: services,
      trim: readService,
      path: `/api/v1${scope}/services`,
      metadataOnly: true,
    });
  }

  /** Calls `listener` whenever the API server answers a watch again after failures. */
  onRecovered(listener: () => void): void {
    this.#recoveryListeners.push(listener);
  }

  /** Hands each watch to the metrics, by the plural of what it watches. */
  observe(observe: (resource: string, read: () => WatchFacts) => void): void {
    for (const { watcher, resource, cache } of this.#watchers) {
      observe(resource, () => ({ ...watcher.counters, objects: cache.size }));
    }
  }

  start(): void {
    this.#startedAtMs = this.#clock.monotonic();
    for (const { watcher } of this.#watchers) watcher.run(this.#ended.signal).catch(this.#failed.reject);
  }

  /** Resolves once every cache holds a whole list; rejects where one can't be filled. */
  get synced(): Promise<unknown> {
    return Promise.race([Promise.all(this.#synced), this.#failed.promise]);
  }

  /** Never resolves; rejects when a watch ends for good. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  get isAlive(): boolean {
    return this.#watchers.every(({ watcher }) => watcher.isAlive);
  }

  stop(): void {
    this.#ended.abort();
  }

  #add<T extends CacheEntry>(
    parts: Parts,
    what: string,
    source: Pick<WatcherOptions<T>, "path" | "trim" | "metadataOnly"> & { readonly cache: ObjectCache<T> },
  ): void {
    const isSynced = Promise.withResolvers<void>();
    const { cache, ...collection } = source;
    const watcher = new Watcher<T>({
      ...parts,
      ...collection,
      sink: {
        replace: (items, resourceVersion) => {
          if (cache.isAheadOf(resourceVersion)) throw restored(what, resourceVersion);
          cache.replace(items, resourceVersion);
        },
        upsert: (item) => cache.upsert(item),
        remove: (item) => cache.remove(item),
        confirm: (item) => cache.confirm(item),
      },
      onSynced: isSynced.resolve,
      onRecovered: () => {
        for (const listener of this.#recoveryListeners) listener();
      },
      onProblem: (error) => {
        // Once it has worked, the watcher goes on trying: the API server may be away for long.
        const waitedMs = this.#clock.monotonic() - this.#startedAtMs;
        const problem = watcher.isSynced ? undefined : startProblem(what, error, waitedMs);
        if (problem !== undefined) isSynced.reject(problem);
      },
    });
    this.#watchers.push({ resource: what.toLowerCase(), cache, watcher });
    this.#synced.push(isSynced.promise);
  }
}

/** A list is read from the newest state there is: one older than what the watch has told means that time went back. */
function restored(what: string, resourceVersion: string): Error {
  return new Error(
    `watch ${what}: the API server lists version ${resourceVersion}, older than what it told before: ` +
      "its data was restored from a backup; start the controller again",
  );
}
