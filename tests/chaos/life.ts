/** What is remembered of one JobSet, by uid: as much as the judges ask, however long a run is. */
import type { JobFacts, JobSetFacts } from "./facts.ts";

export interface Life {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** As stored last. */
  facts: JobSetFacts;
  /** When it came to its end, was asked to go, and went. */
  finishedAtMs: number | undefined;
  deletingAtMs: number | undefined;
  goneAtMs: number | undefined;
  /** When `restarts` rose last, and when it was suspended or resumed last. */
  restartedAtMs: number;
  toggledAtMs: number;
  /** Attempts of which a Job has failed. */
  readonly failedAttempts: Set<number>;
  /** How many Jobs of an attempt and a name may still be made: one, and one more for each that others removed. */
  readonly made: Map<string, number>;
  /** Its Jobs that are stored, by uid. */
  readonly jobs: Map<string, JobFacts>;
}

export function newLife(namespace: string, facts: JobSetFacts, atMs: number): Life {
  return {
    uid: facts.uid,
    namespace,
    name: facts.name,
    facts,
    finishedAtMs: undefined,
    deletingAtMs: undefined,
    goneAtMs: undefined,
    restartedAtMs: atMs,
    toggledAtMs: atMs,
    failedAttempts: new Set(),
    made: new Map(),
    jobs: new Map(),
  };
}
