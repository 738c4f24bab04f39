import { messageOf } from "../base/message_of.ts";
import type { Clock } from "../base/clock.ts";
import type { ExistingClaim } from "./existing_claim.ts";

/** Looks up one PersistentVolumeClaim; gives up when the signal aborts. */
export type GetClaim = (namespace: string, name: string, signal: AbortSignal) => Promise<ExistingClaim>;

/** Half of what the API server grants a webhook by default, so that our own words reach the user. */
const DEADLINE_MS = 5_000;

/** A JobSet may name thousands of claims; the API server shall not hear of all of them at the same moment. */
const AT_ONCE = 20;

/** A JobSet of more claims is a rare one, and only so many of those are looked up at once. */
const MANY = 50;
const MANY_AT_ONCE = 8;
const TOO_MANY: ExistingClaim = { kind: "error", message: `too many JobSets with more than ${MANY} claims, try again` };

interface ClaimsToLookUp {
  readonly names: readonly string[];
  readonly namespace: string;
}

/**
 * The look-ups of all reviews. Without a bound on large ones a user who sends them by the dozen would keep all places for reviews
 * busy, and everybody else's JobSets waiting.
 */
export class ClaimLookUps {
  readonly #options: { readonly getClaim: GetClaim; readonly clock: Clock };
  #large = 0;

  constructor(options: { readonly getClaim: GetClaim; readonly clock: Clock }) {
    this.#options = options;
  }

  /** All claims, each once. Never rejects: what can't be looked up is an answer too, and so is a look-up that takes too long. */
  async of({ names, namespace }: ClaimsToLookUp): Promise<ReadonlyMap<string, ExistingClaim>> {
    const options = { ...this.#options, names, namespace };
    if (names.length <= MANY) return await lookUpClaims(options);
    if (this.#large >= MANY_AT_ONCE) return new Map(names.map((name) => [name, TOO_MANY]));
    this.#large += 1;
    try {
      return await lookUpClaims(options);
    } finally {
      this.#large -= 1;
    }
  }
}

async function lookUpClaims(
  { names, namespace, getClaim, clock }: ClaimsToLookUp & { readonly getClaim: GetClaim; readonly clock: Clock },
): Promise<ReadonlyMap<string, ExistingClaim>> {
  const claims = new Map<string, ExistingClaim>();
  if (names.length === 0) return claims;
  const tooLate = new AbortController();
  const timeUp = Promise.withResolvers<void>();
  const timer = clock.after(DEADLINE_MS, () => {
    tooLate.abort();
    timeUp.resolve();
  });
  const lookUp = async (name: string) => {
    const claim = await tried(() => getClaim(namespace, name, tooLate.signal));
    // What comes from the abort itself says nothing to the user.
    if (!tooLate.signal.aborted) claims.set(name, claim);
  };
  const rest = names.values();
  const worker = async () => {
    for (const name of rest) {
      if (tooLate.signal.aborted) return;
      await lookUp(name);
    }
  };
  await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, worker)), timeUp.promise]);
  timer.cancel();
  if (!tooLate.signal.aborted) return claims;
  const missing: ExistingClaim = { kind: "error", message: `no answer within ${DEADLINE_MS / 1000} s` };
  return new Map(names.map((name) => [name, claims.get(name) ?? missing]));
}

async function tried(look: () => Promise<ExistingClaim>): Promise<ExistingClaim> {
  try {
    return await look();
  } catch (error) {
    return { kind: "error", message: messageOf(error) };
  }
}
