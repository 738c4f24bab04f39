import { aborted } from "../base/aborted.ts";
import { type Clock, sleep } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { WorkQueue } from "./work_queue.ts";

export interface WorkersOptions {
  readonly queue: WorkQueue;
  /** How many keys are worked on at once. */
  readonly workers: number;
  /**
   * Works on one key. Expected failures it handles itself and puts the key back; what it throws is logged as an error
   * and the key tried again with back-off. The signal aborts only when the time to finish is over.
   */
  readonly process: (key: string, signal: AbortSignal) => Promise<void>;
  /** No key is taken once it aborts. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  /** How long the work under way may go on after that: 10 s if left out (spec 6.3). */
  readonly drainMs?: number;
}

/**
 * Works on the queue until the signal aborts, then lets the work under way finish.
 * Resolves to whether it all did; what did not is told by its signal to stop and left behind.
 */
export async function runWorkers(options: WorkersOptions): Promise<boolean> {
  const { queue, workers, signal, clock, drainMs = 10_000 } = options;
  const cut = new AbortController();
  const running = Array.from({ length: workers }, () => work(options, cut.signal));
  const finished = Promise.all(running).then(() => true);
  const stopped = new AbortController();
  const overdue = aborted(signal)
    .then(() => {
      queue.stop();
      return sleep(clock, drainMs, stopped.signal);
    })
    .then(() => false, () => true);
  const drained = await Promise.race([finished, overdue]);
  stopped.abort();
  if (!drained) cut.abort(new Error(`work was still under way ${drainMs} ms after the stop`));
  return drained;
}

async function work({ queue, process, signal, log }: WorkersOptions, cut: AbortSignal): Promise<void> {
  for (let key = await queue.next(signal); key !== undefined; key = await queue.next(signal)) {
    try {
      await process(key, cut);
    } catch (cause) {
      const retryMs = queue.addRateLimited(key);
      log.error("Work on an object failed unexpectedly; it is tried again", {
        object: key,
        error: describe(cause),
        retryMs,
      });
    } finally {
      queue.done(key);
    }
  }
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.stack ?? cause.message : String(cause);
}
