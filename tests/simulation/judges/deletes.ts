/** What a controller may delete, and when (spec 3.2, 3.8). Each delete is judged by what is stored at that moment. */
import { isFailed } from "./job_facts.ts";
import { jobRestartsAt, terminalOf } from "./job_set_facts.ts";
import type { Bench, Theme } from "./theme.ts";
import { type Change, isController } from "./truth.ts";

export function deletesTheme(bench: Bench): Theme {
  return {
    onChange(change) {
      if (!isController(change.write.user) || !isDeletion(change)) return;
      if (change.kind === "job") checkJob(bench, change);
      if (change.kind === "jobSet") checkJobSet(bench, change);
    },
  };
}

/** The write that takes an object away, or marks it for deletion. */
function isDeletion(change: Change): boolean {
  if (change.kind === "other" || change.before === undefined) return false;
  return !change.before.isDeleting && (change.after === undefined || change.after.isDeleting);
}

/** The uid is a precondition of the delete: a new Job is never meant. */
function checkJob(
  { report, gates, view, lagMs }: Bench,
  { job, record, before }: Extract<Change, { kind: "job" }>,
): void {
  const facts = before ?? job.facts;
  // It lost its owner while the request was under way: what was known then, another theme judges.
  if (record === undefined) return;
  const { status } = record.facts;
  if (facts.attempt < status.restarts) return;
  const { replicatedJob, index } = facts;
  if (gates.RestartJob && facts.jobAttempt < jobRestartsAt(status, replicatedJob, index)) return;
  const terminal = terminalOf(status);
  if (terminal === undefined) return report("deletes", `${facts.name}, of the current attempt, was deleted`);
  // An active Job may end while its deletion is under way; not so the one that the decision names.
  const isKnown = view.now() - (job.endedAtMs ?? Infinity) > lagMs ||
    terminal.message.includes(`(first failed job: ${facts.name})`);
  if (isKnown && (isFailed(facts.phase) || facts.phase === "complete")) {
    report("evidence", `${facts.name}, which is ${facts.phase}, was deleted`);
  }
}

/** Spec 3.8: at the end of its time to live, not before. */
function checkJobSet(
  { report, view, lagMs, clockErrorMs }: Bench,
  { record, before }: Extract<Change, { kind: "jobSet" }>,
): void {
  const facts = before ?? record.facts;
  const terminal = terminalOf(facts.status);
  const ttl = facts.spec.ttlSecondsAfterFinished;
  if (terminal === undefined) return report("time to live", `${facts.name} is not finished, and was deleted`);
  if (view.now() - record.ttlChangedAtMs < lagMs) return;
  if (ttl === undefined) return report("time to live", `${facts.name} has no end, and was deleted`);
  const earlyMs = Date.parse(terminal.time) + ttl * 1000 - clockErrorMs - view.now();
  if (earlyMs > 0) report("time to live", `${facts.name} was deleted ${earlyMs} ms too early`);
}
