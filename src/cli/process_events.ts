import { describeUnexpected } from "./error_line.ts";

/** What of `process` the handlers need. */
export interface ProcessEvents {
  on(event: string, listener: (cause: unknown) => void): unknown;
  exit(code: number): void;
  readonly stderr: { write(text: string): unknown };
}

/** Exit codes of a process that ended by a signal: 128 and its number. */
const SIGNALS = { SIGTERM: 143, SIGINT: 130 } as const;

/** A signal that aborts on the first SIGTERM or SIGINT; the second one ends the process at once. */
export function stopOnSignals(target: ProcessEvents): AbortSignal {
  const stop = new AbortController();
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    target.on(name, () => {
      if (stop.signal.aborted) target.exit(exitCode);
      else stop.abort(new Error(`received ${name}`));
    });
  }
  return stop.signal;
}

/** An error that nobody caught is a broken invariant: one line and exit code 1, so that Kubernetes starts us anew. */
export function failOnUncaught(target: ProcessEvents): void {
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    target.on(event, (cause) => {
      target.stderr.write(`error: ${describeUnexpected(cause)}\n`);
      target.exit(1);
    });
  }
}
