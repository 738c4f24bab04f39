/** How long a container that exited waits before it is started again. Pure. */

/**
 * - `none`: at once, always; what is measured is then none of the kubelet's doing.
 * - `short`: 100 ms, doubling to 10 s; all containers of a Pod at once (RestartAllContainers) wait for nothing.
 * - `kubelet`: as a real one does by default: the first time at once, then 10 s, doubling to 5 minutes; forgotten once it ran for 10 minutes.
 */
export type RestartDelay = "none" | "short" | "kubelet";

const SHORT = { firstMs: 100, capMs: 10_000 };
const REAL = { firstMs: 10_000, capMs: 300_000, forgottenAfterMs: 600_000 };

export interface Crash {
  /** Restarts before this one that are not forgotten. */
  readonly restarts: number;
  /** Of the whole Pod, by the rule RestartAllContainers. */
  readonly isOfAll: boolean;
}

export function restartDelayMs(delay: RestartDelay, { restarts, isOfAll }: Crash): number {
  switch (delay) {
    case "none":
      return 0;
    case "short":
      return isOfAll ? 0 : Math.min(SHORT.firstMs * 2 ** restarts, SHORT.capMs);
    case "kubelet":
      return restarts === 0 ? 0 : Math.min(REAL.firstMs * 2 ** (restarts - 1), REAL.capMs);
  }
}

/** Whether a container has run for so long that its earlier restarts no longer count. */
export function isForgotten(ranForMs: number): boolean {
  return ranForMs >= REAL.forgottenAfterMs;
}
