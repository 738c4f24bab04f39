/** Execution attempts: each run is counted once, and known before it begins (spec 3.12). */
import type { JobFacts } from "./job_facts.ts";
import type { Bench, Theme } from "./theme.ts";
import { type Change, isController, type JobSetRecord } from "./truth.ts";

const INVARIANT = "execution attempts";

export function executionTheme(bench: Bench): Theme {
  const isOn = bench.gates.ExecutionAttemptsTracking;
  /** In which run each Job took part last, by uid. */
  const lastRuns = new Map<string, number>();
  return {
    onChange(change) {
      if (!isController(change.write.user)) return;
      if (change.kind === "jobSet") checkCount(bench, change);
      if (!isOn || change.kind !== "job" || change.record === undefined || change.after === undefined) return;
      const { before, after, record } = change;
      const isStart = !after.suspend && (before === undefined || before.suspend);
      if (!isStart) return;
      checkStart(bench, record, after, lastRuns.get(after.uid));
      lastRuns.set(after.uid, after.execution ?? -1);
    },
  };
}

function checkCount(
  { report, gates, isFaultless }: Bench,
  { before, after, record }: Extract<Change, { kind: "jobSet" }>,
): void {
  if (before === undefined || after === undefined) return;
  const [old, now] = [before.status.executionAttempts, after.status.executionAttempts];
  if (old === now) return;
  const { name, status } = after;
  if (!gates.ExecutionAttemptsTracking) return report(INVARIANT, `${name}: written with the gate off`);
  if (now === undefined) return report(INVARIANT, `${name}: taken away`);
  if (old === undefined) {
    if (now !== before.status.restarts + (status.restarts - before.status.restarts)) {
      report(INVARIANT, `${name}: the first is ${now} after ${before.status.restarts} restarts`);
    }
    return;
  }
  if (now !== old + 1) return report(INVARIANT, `${name}: went from ${old} to ${now}`);
  if (now > status.restarts + record.resumes) {
    report(INVARIANT, `${name}: ${now} runs after ${status.restarts} restarts and ${record.resumes} resumes`);
  }
  const isRestart = status.restarts > before.status.restarts;
  // A Job that a late watch still shows may be gone by now.
  const isResume = !isFaultless ||
    [...record.jobs.values()].some(({ facts }) => facts.suspend && facts.execution === old);
  if (!isRestart && (before.spec.suspend || !isResume)) report(INVARIANT, `${name}: ${now} counted for nothing`);
}

/** A Job takes part in each run once, under a number that the status has already. */
function checkStart({ report }: Bench, { facts }: JobSetRecord, job: JobFacts, last: number | undefined): void {
  const { executionAttempts, restarts } = facts.status;
  if (job.execution === undefined) return report(INVARIANT, `${job.name} runs without one`);
  const known = executionAttempts ?? restarts;
  if (job.execution > known) report(INVARIANT, `${job.name} runs in ${job.execution}, the status is at ${known}`);
  if (last !== undefined && job.execution <= last) {
    report(INVARIANT, `${job.name} ran in ${last}, and was started again in ${job.execution}`);
  }
}
