/** Every decision to restart, fail or complete follows from the policies, and is counted once (spec 3.2 to 3.4). */
import { isTrue, type JobSetFacts, type StatusFacts, terminalOf } from "./job_set_facts.ts";
import { isDecidedAhead, type Outcome, outcomeText, possibleOutcomes } from "./outcomes.ts";
import type { Bench, Theme } from "./theme.ts";
import { type Change, isController } from "./truth.ts";

/** The status write carries its resourceVersion: it was decided on exactly the state that it changes. */
export function restartsTheme(bench: Bench): Theme {
  return {
    onChange(change) {
      if (change.kind !== "jobSet" || change.before === undefined || change.after === undefined) return;
      if (!isController(change.write.user) || change.write.subresource !== "status") return;
      checkNumbers(bench, change.before.status, change.after);
      checkDecision(bench, { ...change, before: change.before, after: change.after });
    },
  };
}

function checkNumbers({ report, gates }: Bench, before: StatusFacts, { status: after, name, spec }: JobSetFacts): void {
  const rise = after.restarts - before.restarts;
  const countedRise = after.counted - before.counted;
  if (rise < 0 || rise > 1) report("restarts", `${name}: restarts went from ${before.restarts} to ${after.restarts}`);
  if (countedRise < 0 || countedRise > rise) {
    report("restarts", `${name}: restartsCountTowardsMax went from ${before.counted} to ${after.counted}`);
  }
  let ofJobs = 0;
  let countedOfJobs = 0;
  for (const [replicatedJob, { jobRestarts, jobRestartsCounted, counts }] of after.replicatedJobs) {
    const old = before.replicatedJobs.get(replicatedJob);
    ofJobs += raised(old?.jobRestarts ?? [], jobRestarts);
    countedOfJobs += raised(old?.jobRestartsCounted ?? [], jobRestartsCounted);
    const isListChanged = !isSameList(old?.jobRestarts ?? [], jobRestarts) ||
      !isSameList(old?.jobRestartsCounted ?? [], jobRestartsCounted);
    if (!gates.RestartJob && isListChanged) report("restarts of Jobs", `${name}: counted with the gate off`);
    if (rise === 1 && Object.values(counts).some((count) => count !== 0)) {
      report("counters", `${name}: the write that raised restarts left counters of ${replicatedJob} (R76)`);
    }
  }
  const isOne = ofJobs + Math.min(rise, 1) <= 1 && countedOfJobs <= ofJobs;
  if (!isOne) report("restarts of Jobs", `${name}: more than one restart in one write, or one taken back`);
  let used = after.counted;
  for (const { jobRestartsCounted } of gates.RestartJob ? after.replicatedJobs.values() : []) {
    used += jobRestartsCounted.reduce((sum, count) => sum + count, 0);
  }
  if (used > (spec.failurePolicy?.maxRestarts ?? 0)) {
    report("restarts", `${name}: ${used} restarts count, over the maximum`);
  }
}

/** By how much a list of restarts was raised; NaN where one fell. */
function raised(before: readonly number[], after: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    const rise = (after[index] ?? Number.NaN) - (before[index] ?? 0);
    sum += rise < 0 ? Number.NaN : rise;
  }
  return sum;
}

function isSameList(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

function checkDecision(
  { report, gates, isFaultless }: Bench,
  { record, before, after }: Extract<Change, { readonly kind: "jobSet" }> & {
    readonly before: JobSetFacts;
    readonly after: JobSetFacts;
  },
): void {
  const outcome = outcomeOf(before, after);
  if (outcome === undefined) return;
  const text = outcomeText(outcome);
  if (isOfInPlaceRestart(outcome, after, gates.InPlaceRestart)) return;
  const possible = possibleOutcomes(record, before, gates);
  if (possible.has(text) || isDecidedAhead(record, { before, gates, outcome: text, hasLookUps: !isFaultless })) return;
  const moments = record.moments.map(({ name, phase, attempt, jobAttempt }) =>
    `${name}:${attempt}.${jobAttempt} ${phase}`
  );
  report(
    outcome.kind === "restart" || outcome.kind === "restartJob" ? "restarts" : "terminal state",
    `${after.name}: decided ${text}, possible were ${[...possible].join(" or ") || "none"} after ${moments.join(", ")}`,
  );
}

/** What a status write says to have been decided. */
function outcomeOf({ status: before }: JobSetFacts, { status: after, ...facts }: JobSetFacts): Outcome | undefined {
  const terminal = terminalOf(after);
  if (terminal !== undefined && terminalOf(before) === undefined) {
    const { type, reason, message } = terminal;
    return type === "Completed" ? { kind: "completed" } : { kind: "failed", reason, message };
  }
  if (after.restarts > before.restarts) {
    const condition = after.conditions.find(({ type }) => type === "RestartingJobSet");
    const isCounted = after.counted > before.counted;
    const isRestarting = isTrue(after, "RestartingJobSet");
    const reason = isRestarting ? condition?.reason ?? "" : "";
    return { kind: "restart", isCounted, reason, message: condition?.message ?? "" };
  }
  for (const { name } of facts.spec.replicatedJobs) {
    const [old, now] = [before.replicatedJobs.get(name), after.replicatedJobs.get(name)];
    for (const [index, restarts] of (now?.jobRestarts ?? []).entries()) {
      if (restarts <= (old?.jobRestarts[index] ?? 0)) continue;
      const isCounted = (now?.jobRestartsCounted[index] ?? 0) > (old?.jobRestartsCounted[index] ?? 0);
      return { kind: "restartJob", isCounted, place: `${name}[${index}]` };
    }
  }
  return undefined;
}

/** Spec 5.1: it fails for what its Pods say, and no Job is named. */
function isOfInPlaceRestart(outcome: Outcome, { spec }: JobSetFacts, isGateOn: boolean): boolean {
  return isGateOn && spec.failurePolicy?.restartStrategy === "InPlaceRestart" && outcome.kind === "failed" &&
    outcome.reason === "ReachedMaxRestarts" && !outcome.message.includes("first failed job");
}
