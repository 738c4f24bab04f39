/**
 * Jobs that were seen Complete and then gone before the JobSet that owns them was seen: watches do not keep step with each other, and
 * what is told of the JobSet first may be older than the success (spec 3.7, finished and gone).
 */
import type { Job } from "../api/job.ts";

/** Most of what is noted belongs to JobSets that are gone, and is never asked for. */
const MAX_NAMES = 5_000;

export class EarlyEnds {
  /** Name → restart attempt, by the JobSet's uid; the oldest first. */
  readonly #byOwner = new Map<string, Map<string, number>>();
  #names = 0;

  note({ ownerUid, name, restartAttempt = 0 }: Job): void {
    const known = this.#byOwner.get(ownerUid) ?? new Map<string, number>();
    this.#byOwner.set(ownerUid, known);
    if (!known.has(name)) this.#names += 1;
    known.set(name, restartAttempt);
    for (const oldest of this.#byOwner.keys()) {
      if (this.#names <= MAX_NAMES) return;
      this.take(oldest);
    }
  }

  /** Those of a JobSet that is seen now, once. */
  take(uid: string): Iterable<readonly [string, number]> {
    const noted = this.#byOwner.get(uid) ?? new Map<string, number>();
    this.#byOwner.delete(uid);
    this.#names -= noted.size;
    return noted;
  }
}
