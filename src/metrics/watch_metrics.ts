import type { MetricRegistry } from "./metric_registry.ts";

/** What a watch and its cache say when they are asked. */
export interface WatchFacts {
  /** Streams opened after the first, and fresh starts after the first. */
  readonly restarts: number;
  readonly relists: number;
  /** Objects in the cache. */
  readonly objects: number;
}

/** Hands a watch to the metrics until the function that it gives is called; `resource` is its plural, such as `jobs`. */
export type ObserveWatch = (resource: string, read: () => WatchFacts) => () => void;

/** Spec 7.5: what is asked of each watch at each scrape. A watch that has ended leaves no series behind. */
export function createWatchMetrics(registry: MetricRegistry): ObserveWatch {
  const labels = ["resource"] as const;
  const watches = new Map<string, () => WatchFacts>();
  const restarts = registry.counter({
    name: "jobset_watch_restarts_total",
    help: "Watch streams opened after the first, by resource",
    labels,
    collect() {
      for (const [resource, read] of watches) restarts.set({ resource }, read().restarts);
    },
  });
  const relists = registry.counter({
    name: "jobset_watch_relists_total",
    help: "How often a watch had to read everything anew, by resource",
    labels,
    collect() {
      for (const [resource, read] of watches) relists.set({ resource }, read().relists);
    },
  });
  const objects = registry.gauge({
    name: "jobset_cache_objects",
    help: "Objects held in memory, by resource",
    labels,
    collect() {
      for (const [resource, read] of watches) objects.set({ resource }, read().objects);
    },
  });
  return (resource, read) => {
    watches.set(resource, read);
    return () => {
      // Another watch of this resource may have taken its place.
      if (watches.get(resource) !== read) return;
      watches.delete(resource);
      for (const metric of [restarts, relists, objects]) metric.remove({ resource });
    };
  };
}
