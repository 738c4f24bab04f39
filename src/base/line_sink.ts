import type { Clock } from "./clock.ts";

/** Where lines go: stderr or stdout. */
export interface LineSink {
  /** Takes one line or more, line breaks included. Never throws, never waits. */
  write(text: string): void;
  /** Resolves once everything written is out, or `limitMs` have passed. */
  drain(limitMs: number): Promise<void>;
}

/** What is needed of Bun's FileSink; `flush` gives a promise only while the reader can't keep up. */
export interface RawSink {
  write(text: string): unknown;
  flush(): number | Promise<number>;
}

/** Characters held back for a reader that does not read; what comes beyond is dropped and counted. */
const MAX_HELD = 1 << 20;

/**
 * Lines for a pipe or file. A slow reader delays nobody and costs a bounded amount of memory; one that has gone costs
 * its lines only. (`process.stderr` would do neither, and costs 8 MB of RSS.)
 */
export function lineSink(raw: RawSink, clock: Clock): LineSink {
  let flushing: Promise<unknown> | undefined;
  let held = 0;
  let dropped = 0;

  const flush = () => {
    const flushed = raw.flush();
    if (!(flushed instanceof Promise)) return;
    flushing ??= flushed.then(caughtUp, caughtUp);
  };
  const caughtUp = () => {
    flushing = undefined;
    held = 0;
    const lines = dropped;
    dropped = 0;
    if (lines > 0) write(`(${lines} lines lost here: nobody read them in time)\n`);
  };
  const write = (text: string) => {
    if (flushing !== undefined) {
      held += text.length;
      if (held > MAX_HELD) {
        dropped++;
        return;
      }
    }
    try {
      raw.write(text);
      flush();
    } catch {
      // The reader has gone: there is nobody left to tell.
      held = 0;
    }
  };
  return {
    write,
    async drain(limitMs) {
      const isLate = Promise.withResolvers<void>();
      const timer = clock.after(limitMs, () => isLate.resolve());
      const allOut = async () => {
        while (flushing !== undefined) await flushing;
      };
      await Promise.race([allOut(), isLate.promise]);
      timer.cancel();
    },
  };
}
