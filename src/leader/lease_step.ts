/**
 * What to do about the lease, as a pure function of what is known; leader_elector.ts does it.
 *
 * Client-go's rules: a lease runs out by the time that *we* saw its last change and its own duration, never by the times
 * written in it; every write carries the resourceVersion that it is based on, so that of several who try one wins. Beyond them:
 * a standby does not poll while its watch works but tries at the very expiry; a leader that sees another's name stops at
 * once; a Lease that was deleted is made anew at once by its holder, by others only once the holder must have stopped.
 */
import type { Lease } from "./lease.ts";

export interface LeaseTiming {
  /** How long others leave the lease alone after its last renewal. */
  readonly leaseDurationMs: number;
  /** How long after its last renewal a leader may act. */
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

/** The lease as it was told last; `observedAtMs` is when we saw its newest change, by the monotonic clock. */
export type KnownLease =
  /** Not read yet, or what was known has been overtaken. */
  | { readonly kind: "unknown"; readonly before?: Sighting | undefined }
  | { readonly kind: "absent"; readonly before?: Sighting | undefined }
  | ({ readonly kind: "present" } & Sighting);

export interface Sighting {
  readonly lease: Lease;
  readonly observedAtMs: number;
}

export interface Facts {
  readonly timing: LeaseTiming;
  readonly identity: string;
  /** By the monotonic clock. */
  readonly nowMs: number;
  readonly known: KnownLease;
  /** The next try may not begin before: after failures, and between renewals. */
  readonly notBeforeMs: number;
  /** When to look for changes, where no watch tells them. */
  readonly pollAtMs: number | undefined;
  readonly leading: Leading | undefined;
}

/** A leader's own renewals. */
export interface Leading {
  /** Since the begin of the last successful one, by the clock that says longer. */
  readonly sinceRenewalMs: number;
  /** Set once a try was made after the deadline: until when such tries may go on, and whether one failed. */
  readonly lastChance: { readonly untilMs: number; readonly hasFailed: boolean } | undefined;
}

export type LeaseAction =
  | { readonly kind: "read"; readonly timeoutMs: number }
  | { readonly kind: "create"; readonly timeoutMs: number }
  /** Take it, or renew it. */
  | { readonly kind: "claim"; readonly lease: Lease; readonly timeoutMs: number }
  /** Nothing to do for so long, unless there is news. */
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "lost"; readonly why: string };

export function leaseStep(facts: Facts): LeaseAction {
  return facts.leading === undefined ? standbyStep(facts) : leaderStep(facts, facts.leading);
}

function standbyStep(facts: Facts): LeaseAction {
  const { known, nowMs, notBeforeMs, timing, pollAtMs } = facts;
  if (nowMs < notBeforeMs) return wait(notBeforeMs - nowMs);
  // Half of the deadline, so that one lost connection leaves room for a second try.
  const timeoutMs = timing.renewDeadlineMs / 2;
  if (known.kind === "unknown") return { kind: "read", timeoutMs };
  const sighting = known.kind === "present" ? known : known.before;
  const expiresInMs = sighting === undefined ? 0 : expiryMs(sighting, facts.identity) - nowMs;
  if (expiresInMs <= 0) {
    return known.kind === "present" ? { kind: "claim", lease: known.lease, timeoutMs } : { kind: "create", timeoutMs };
  }
  if (pollAtMs === undefined) return wait(expiresInMs);
  return pollAtMs > nowMs ? wait(Math.min(expiresInMs, pollAtMs - nowMs)) : { kind: "read", timeoutMs };
}

/** When the lease is free for us: at once where it names nobody, or ourselves (an answer that never came). */
function expiryMs({ lease, observedAtMs }: Sighting, identity: string): number {
  const { holder, durationMs } = lease.record;
  return holder === "" || holder === identity ? -Infinity : observedAtMs + durationMs;
}

function leaderStep(facts: Facts, { sinceRenewalMs, lastChance }: Leading): LeaseAction {
  const { known, identity, nowMs, notBeforeMs, timing } = facts;
  if (known.kind === "present" && known.lease.record.holder !== identity) {
    const { holder } = known.lease.record;
    return { kind: "lost", why: holder === "" ? "somebody freed it" : `"${holder}" holds it` };
  }
  const leftMs = timing.renewDeadlineMs - sinceRenewalMs;
  if (leftMs > 0 && nowMs < notBeforeMs) return wait(Math.min(notBeforeMs - nowMs, leftMs));
  // Past the deadline nothing is written any more (mayWrite). But a process or machine that merely stood still may find its
  // lease as it left it, and go on: it asks once.
  if (leftMs <= 0 && lastChance !== undefined && (lastChance.hasFailed || nowMs >= lastChance.untilMs)) {
    return { kind: "lost", why: `it was not renewed for ${Math.round(sinceRenewalMs)} ms` };
  }
  const timeoutMs = leftMs > 0 ? Math.min(leftMs, timing.renewDeadlineMs / 2) : timing.retryPeriodMs;
  switch (known.kind) {
    case "unknown":
      return { kind: "read", timeoutMs };
    case "absent":
      return { kind: "create", timeoutMs };
    case "present":
      return { kind: "claim", lease: known.lease, timeoutMs };
  }
}

function wait(ms: number): LeaseAction {
  return { kind: "wait", ms: Math.ceil(ms) };
}
