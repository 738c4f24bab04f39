/** What of `process` the handlers need. */
export interface SignalTarget {
  on(event: string, listener: () => void): unknown;
}

/** The signals that the agent hands on to the worker, with their numbers. */
const PASSED_SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
} as const;
export type PassedSignal = keyof typeof PASSED_SIGNALS;

/** Whether the signal ends an agent that has no worker to decide; the others are words between an operator and a worker. */
export function isEnding(signal: PassedSignal): boolean {
  return signal !== "SIGUSR1" && signal !== "SIGUSR2";
}

/** What a shell says of a process that a signal ended. */
export function signalExitCode(signal: PassedSignal): number {
  return 128 + PASSED_SIGNALS[signal];
}

export interface Signals {
  /** Signals go to this listener from now on. */
  listen(listener: (signal: PassedSignal) => void): void;
}

/** Handles the signals from this moment on; until somebody listens, those that end a process end this one. */
export function handleSignals(target: SignalTarget, exit: (code: number) => unknown): Signals {
  let listener = (signal: PassedSignal) => {
    if (isEnding(signal)) exit(signalExitCode(signal));
  };
  const names: readonly PassedSignal[] = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM"];
  for (const name of names) target.on(name, () => listener(name));
  return { listen: (next) => void (listener = next) };
}
