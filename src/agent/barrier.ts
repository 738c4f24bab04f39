import type { PassedSignal } from "./signals.ts";

/** What stands before the work until the whole group is ready. */
export interface Barrier {
  /** Lets the work begin. */
  lift(): void;
  /** Hands a signal on to the worker, where there is one. */
  pass(signal: PassedSignal): void;
  /** Resolves once nothing that it started is left. */
  end(): Promise<void>;
}
