import { type JobSet, terminalCondition } from "../api/job_set.ts";

/** When a JobSet is to be deleted, in milliseconds since 1970 (spec 3.8); undefined: not at all, or it has not finished. */
export function expiresAt({ status, ttlSecondsAfterFinished }: JobSet, now: number): number | undefined {
  const terminal = terminalCondition(status);
  if (terminal === undefined || ttlSecondsAfterFinished === undefined) return undefined;
  const finishedAt = Date.parse(terminal.lastTransitionTime);
  return (Number.isNaN(finishedAt) ? now : finishedAt) + ttlSecondsAfterFinished * 1000;
}
