import { type Clock, sleep } from "../base/clock.ts";

/** By then certificates are made, caches filled, and whatever was there has been looked at. */
const SETTLED_MS = 10_000;
const LOOK_AGAIN_MS = 5_000;

export interface TrimMemoryOptions {
  readonly clock: Clock;
  /** Whether a pause would hold up work. */
  readonly isBusy: () => boolean;
  /** Gives back what nobody uses. */
  readonly trim: () => void;
}

/**
 * What nobody uses any more goes back to the system: what only the start needed (the parsed configuration, the API server's OpenAPI
 * document, the code that read them: 3 MB in all), the waste of reading thousands of objects, a cache that was given up. Left alone,
 * the engine collects garbage as its heap grows, and that of an idle controller does not.
 */
export async function trimMemory({ clock, isBusy, trim }: TrimMemoryOptions, signal: AbortSignal): Promise<void> {
  try {
    await sleep(clock, SETTLED_MS, signal);
    while (isBusy()) await sleep(clock, LOOK_AGAIN_MS, signal);
  } catch {
    return; // told to stop
  }
  trim();
}
