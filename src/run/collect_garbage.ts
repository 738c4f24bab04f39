import { type Clock, sleep } from "../base/clock.ts";

/** How often memory is looked at, and collected at most. */
const LOOK_MS = 5_000;
/** What outlived its first collections, and may be waste, before it is worth one of everything. */
const MOST_GROWTH = 1.1;
/** Collecting takes 0.4 % of a core: with much in memory it takes longer, and is done less often. */
const REST_FACTOR = 250;

export interface CollectGarbageOptions {
  readonly clock: Clock;
  /** Bytes that the last collection left behind, the engine's own small ones included. */
  readonly heapSize: () => number;
  /** Collects everything; the process stands still meanwhile. */
  readonly collect: () => void;
}

/**
 * Memory under load stays near what is in use. The engine's small collections keep all that is in use at that moment: with JobSets
 * that live for seconds every JobSet, for a while. Such waste may treble the heap before the engine collects everything; how
 * far it comes depends on the load, and so does what the process takes: 83 to 103 MB at ten JobSets a second, 83 to 90 with this.
 * Where nothing happens, nothing is collected.
 */
export async function collectGarbage(
  { clock, heapSize, collect }: CollectGarbageOptions,
  signal: AbortSignal,
): Promise<void> {
  let leftBytes = heapSize();
  let restMs = LOOK_MS;
  for (;;) {
    try {
      await sleep(clock, restMs, signal);
    } catch {
      return; // told to stop
    }
    restMs = LOOK_MS;
    const bytes = heapSize();
    const isWaste = bytes > leftBytes * MOST_GROWTH;
    // The engine has collected everything itself, after a peak say.
    leftBytes = Math.min(leftBytes, bytes);
    if (!isWaste) continue;
    const startedAt = clock.monotonic();
    collect();
    restMs = Math.max(LOOK_MS, REST_FACTOR * (clock.monotonic() - startedAt));
    leftBytes = heapSize();
  }
}
