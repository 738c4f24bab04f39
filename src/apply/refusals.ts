/** Jobs that could not be created, and the event that tells of them (spec 3.7). */
import type { EventDraft, JobCreate } from "../plan/types.ts";

export interface Refusal {
  readonly create: JobCreate;
  /** The API server's words. */
  readonly text: string;
  /**
   * `refused`: told on every try. `namesake`: a Job of somebody else has the name, told once per change.
   * `unknown`: no answer came, or what was in the way is gone: tried again without a word.
   */
  readonly kind: "refused" | "namesake" | "unknown";
}

/** A note has room for so many bytes; a character has at least one. */
const ENOUGH_CHARACTERS = 1024;

/** Tells of the refusals of one round after the other. */
export class RefusalReport {
  #lastNote: string | undefined;

  /** The event of this round, if there is something to tell. */
  next(refusals: readonly Refusal[]): EventDraft | undefined {
    const told = refusals.filter(({ kind }) => kind !== "unknown");
    if (told.length === 0) return undefined;
    const event = creationEvent(told);
    const isNews = told.some(({ kind }) => kind === "refused") || event.note !== this.#lastNote;
    this.#lastNote = event.note;
    return isNews ? event : undefined;
  }

  /** Nothing is refused any more: the next refusal is a change. */
  reset(): void {
    this.#lastNote = undefined;
  }
}

/** One line per Job, in spec order, so that the same refusals make the same note and merge into one series. */
export function creationEvent(refusals: readonly Refusal[]): EventDraft {
  const sorted = [...refusals].sort(({ create: left }, { create: right }) =>
    left.replicatedJobIndex - right.replicatedJobIndex || left.jobIndex - right.jobIndex
  );
  let note = "";
  for (const { create, text } of sorted) {
    note += `${note === "" ? "" : "\n"}job "${create.name}" creation failed with error: ${text}`;
    if (note.length > ENOUGH_CHARACTERS) break;
  }
  return { type: "Warning", reason: "JobCreationFailed", note };
}
