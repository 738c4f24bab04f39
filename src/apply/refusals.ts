/** The event that tells of Jobs which could not be created (spec 3.7). */
import type { EventDraft, JobCreate } from "../plan/types.ts";

export interface Refusal {
  readonly create: JobCreate;
  /** The API server's words. */
  readonly text: string;
}

/** One line per Job, in spec order, so that the same refusals make the same note and merge into one series. */
export function creationEvent(refusals: readonly Refusal[]): EventDraft {
  const lines = [...refusals]
    .sort((left, right) =>
      left.create.replicatedJobIndex - right.create.replicatedJobIndex || left.create.jobIndex - right.create.jobIndex
    )
    .map(({ create, text }) => `job "${create.name}" creation failed with error: ${text}`);
  return { type: "Warning", reason: "JobCreationFailed", note: lines.join("\n") };
}
