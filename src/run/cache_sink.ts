import type { CacheEntry, ObjectCache } from "../cache/object_cache.ts";
import type { WatchSink } from "../watch/watcher.ts";

/** What a watch tells goes into a cache. */
export function cacheSink<T extends CacheEntry>(what: string, cache: ObjectCache<T>): WatchSink<T> {
  return {
    replace(items, resourceVersion) {
      if (cache.isAheadOf(resourceVersion)) throw restored(what, resourceVersion);
      cache.replace(items, resourceVersion);
    },
    upsert: (item) => cache.upsert(item),
    remove: (item) => cache.remove(item),
    confirm: (item) => cache.confirm(item),
  };
}

/** A list is read from the newest state there is: one older than what the watch has told means that time went back. */
function restored(what: string, resourceVersion: string): Error {
  return new Error(
    `watch ${what}: the API server lists version ${resourceVersion}, older than what it told before: ` +
      "its data was restored from a backup; start the controller again",
  );
}
