import type { Clock } from "../base/clock.ts";

/** A moment by both clocks of the machine. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export function instantOf(clock: Clock): Instant {
  return { monotonicMs: clock.monotonic(), wallMs: clock.now() };
}

/**
 * How long ago it was, by whichever clock says longer: the monotonic one stands still while the machine is suspended,
 * the wall clock may be set back. For our own lease only: to think it older than it is, is safe. Another's lease is judged by
 * the monotonic clock alone, because to think that one older would be to take it too early.
 */
export function elapsedMs(since: Instant, clock: Clock): number {
  return Math.max(clock.monotonic() - since.monotonicMs, clock.now() - since.wallMs);
}
