/** What a log line may carry beside its constant message. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Structured log: a constant message plus keys and values, objects written `namespace/name`.
 * `info` takes the verbosity V of klog: 0 always, 2 one line per effect, 4 and above for debugging.
 * `error` is for what an operator must act on; an error is logged once, where it is handled.
 */
export interface Log {
  info(verbosity: number, message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
