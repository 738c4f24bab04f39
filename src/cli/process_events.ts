import { describeUnexpected } from "./error_line.ts";

/** What of `process` the handlers need. */
export interface ProcessEvents {
  on(event: string, listener: (cause: unknown) => void): unknown;
}

/** Exit codes of a process that ended by a signal: 128 and its number. */
const SIGNALS = { SIGTERM: 143, SIGINT: 130 } as const;

/** A signal that aborts on the first SIGTERM or SIGINT; the second one ends the process at once. */
export function stopOnSignals(target: ProcessEvents, exit: (code: number) => unknown): AbortSignal {
  const stop = new AbortController();
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    target.on(name, () => {
      if (stop.signal.aborted) exit(exitCode);
      else stop.abort(new Error(`received ${name}`));
    });
  }
  return stop.signal;
}

/** An error that nobody caught is a broken invariant: one line, and `fail` ends the process for Kubernetes to restart. */
export function failOnUncaught(target: ProcessEvents, fail: (line: string) => unknown): void {
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    target.on(event, (cause) => void fail(`error: ${describeUnexpected(cause)}\n`));
  }
}
