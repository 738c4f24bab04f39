import { type Clock, sleep } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { type Job, readJob } from "../api/job.ts";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import { API_VERSION } from "../api/keys.ts";
import { type Priorities, prioritiesOf, type PriorityClass, readPriorityClass } from "../api/priority.ts";
import { readService, type Service } from "../api/service.ts";
import { Interner } from "../cache/interner.ts";
import { type CacheEntry, ObjectCache } from "../cache/object_cache.ts";
import { isForbidden } from "../client/api_error.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { startProblem } from "../client/start_problem.ts";
import { messageOf } from "../base/message_of.ts";
import type { ObserveWatch } from "../metrics/watch_metrics.ts";
import { type WatchCounters, Watcher, type WatcherOptions } from "../watch/watcher.ts";
import { cacheSink } from "./cache_sink.ts";

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

/** A new leader whose watches are cut waits for them, but not for ever: some may be refused for good. */
const CURRENT_MS = 30_000;
/** What was missed follows within moments of a stream's begin. */
const LOOK_AGAIN_MS = 100;

interface Watched {
  readonly resource: string;
  /** No decision is made without it. */
  readonly isVital: boolean;
  readonly cache: { readonly size: number };
  readonly watcher: {
    readonly isAlive: boolean;
    readonly isCurrent: boolean;
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
  readonly #log: Log;
  readonly #priorityClasses = new ObjectCache<PriorityClass>();
  #priorities: Priorities | undefined;
  #isToldOfPriorities = false;
  #startedAtMs = 0;

  constructor(parts: Parts, caches: Caches, namespace: string | undefined) {
    const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
    // Whoever awaits `failed` hears of it; before that it is no unhandled rejection.
    this.#failed.promise.catch(() => undefined);
    this.#clock = parts.clock;
    this.#log = parts.log;
    const { jobSets, jobs, services } = caches;
    this.#add(parts, "JobSets", { cache: jobSets, trim: readJobSet, path: `/apis/${API_VERSION}${scope}/jobsets` });
    this.#add(parts, "Jobs", { cache: jobs, trim: jobReader(), path: `/apis/batch/v1${scope}/jobs` });
    this.#add(parts, "Services", {
      cache: services,
      trim: readService,
      path: `/api/v1${scope}/services`,
      metadataOnly: true,
    });
    if (namespace === undefined) this.#addPriorities(parts);
  }

  /** As they are now; undefined where they are not watched, or may not be. */
  get priorities(): Priorities | undefined {
    if (!this.#priorityClasses.isSynced) return undefined;
    this.#priorities ??= prioritiesOf(this.#priorityClasses.values());
    return this.#priorities;
  }

  /** Calls `listener` whenever the API server answers a watch again after failures. */
  onRecovered(listener: () => void): void {
    this.#recoveryListeners.push(listener);
  }

  /** Hands each watch to the metrics, by the plural of what it watches. */
  observe(observe: ObserveWatch): void {
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

  /**
   * Resolves once the API server tells what changes, after half a minute at most, or as soon as the signal aborts. A standby may
   * become the leader while its watches are cut: what it knows is then of some time ago.
   */
  async current(signal: AbortSignal): Promise<void> {
    const untilMs = this.#clock.monotonic() + CURRENT_MS;
    const isCut = () => this.#watchers.some(({ isVital, watcher }) => isVital && !watcher.isCurrent);
    while (isCut() && !signal.aborted && this.#clock.monotonic() < untilMs) {
      await sleep(this.#clock, LOOK_AGAIN_MS, signal).catch(() => undefined);
    }
  }

  /**
   * Spec 4.1: the controller labels Jobs by priority itself. They belong to the cluster: whoever was given one namespace may not see them,
   * and the webhook labels the Pods then. No Job is made before it is known which it is.
   */
  #addPriorities(parts: Parts): void {
    const cache = this.#priorityClasses;
    cache.onChange(() => this.#priorities = undefined);
    this.#add(parts, "PriorityClasses", {
      cache,
      trim: readPriorityClass,
      path: "/apis/scheduling.k8s.io/v1/priorityclasses",
      isToldElsewhere: isForbidden,
    }, (error) => this.#withoutPriorities(error));
  }

  #withoutPriorities(error: unknown): boolean {
    if (!isForbidden(error)) return false;
    if (!this.#isToldOfPriorities) {
      this.#log.info(0, "a permission is missing; what needs it is done without until it is granted", {
        permission: "list and watch priorityclasses",
        without: "Jobs are made without the label priority, and each Pod gets it from the webhook",
        error: messageOf(error),
      });
    }
    this.#isToldOfPriorities = true;
    return true;
  }

  /** `doWithout` says of an error whether it need not be waited for that the watch works. */
  #add<T extends CacheEntry>(
    parts: Parts,
    what: string,
    source: Pick<WatcherOptions<T>, "path" | "trim" | "metadataOnly" | "isToldElsewhere"> & {
      readonly cache: ObjectCache<T>;
    },
    doWithout?: (error: unknown) => boolean,
  ): void {
    const isSynced = Promise.withResolvers<void>();
    const { cache, ...collection } = source;
    const watcher = new Watcher<T>({
      ...parts,
      ...collection,
      sink: cacheSink(what, cache),
      onSynced: isSynced.resolve,
      onRecovered: () => {
        for (const listener of this.#recoveryListeners) listener();
      },
      onProblem: (error) => {
        if (doWithout?.(error) === true) return isSynced.resolve();
        // Once it has worked, the watcher goes on trying: the API server may be away for long.
        const waitedMs = this.#clock.monotonic() - this.#startedAtMs;
        const problem = watcher.isSynced ? undefined : startProblem(what, error, waitedMs);
        if (problem !== undefined) isSynced.reject(problem);
      },
    });
    this.#watchers.push({ resource: what.toLowerCase(), cache, watcher, isVital: doWithout === undefined });
    this.#synced.push(isSynced.promise);
  }
}

/** Some 1,000 JobSets whose Jobs change at the same time: each has two texts of its own. What comes and goes must not fill more. */
const MOST_SHARED_TEXTS = 4_000;

/** Jobs of one JobSet share what they have in common. */
function jobReader(): (body: JsonObject) => Job | undefined {
  const texts = new Interner(MOST_SHARED_TEXTS);
  return (body) => readJob(body, (text) => texts.share(text));
}
