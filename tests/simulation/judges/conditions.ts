/** The conditions and what goes with them (spec 3.2, 3.7 to 3.9). */
import { isFailed, isFinished } from "./job_facts.ts";
import { type ConditionFacts, conditionOf, isTrue, type JobSetFacts, terminalOf } from "./job_set_facts.ts";
import type { Bench, Theme } from "./theme.ts";
import { isController, type JobSetRecord } from "./truth.ts";

const TYPES = [
  "Completed",
  "Failed",
  "Suspended",
  "RestartingJobSet",
  "StartupPolicyInProgress",
  "StartupPolicyCompleted",
];
const TWINS = [["Completed", "Failed"], ["StartupPolicyInProgress", "StartupPolicyCompleted"]] as const;

/** Reason and message of each change but those of the failure policy, which are judged by what was decided. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  "Completed True": ["AllJobsCompleted: jobset completed successfully"],
  "Suspended True": ["SuspendedJobs: jobset is suspended"],
  "Suspended False": ["ResumeJobs: jobset is resumed"],
  "RestartingJobSet False": [
    "JobsReady: all jobs are ready",
    "JobSetFailed: jobset failed",
    "JobSetCompleted: jobset completed successfully",
    "JobSetSuspended: jobset is suspended",
  ],
  "StartupPolicyInProgress True": ["InOrderStartupPolicyInProgress: in order startup policy is in progress"],
  "StartupPolicyCompleted True": ["InOrderStartupPolicyCompleted: in order startup policy has completed"],
};

export function conditionsTheme(bench: Bench): Theme {
  const { report } = bench;
  return {
    onChange(change) {
      if (change.kind !== "jobSet" || change.before === undefined || change.after === undefined) return;
      const { before, after, record } = change;
      checkFinal(bench, before, after);
      if (!isController(change.write.user) || change.write.subresource !== "status") return;
      const { name } = after;
      const { conditions } = after.status;
      if (new Set(conditions.map(({ type }) => type)).size < conditions.length) {
        report("conditions", `${name}: one twice`);
      }
      for (const { type } of before.status.conditions) {
        if (conditionOf(after.status, type) === undefined) report("conditions", `${name}: ${type} was taken away`);
      }
      for (const [one, other] of TWINS) {
        if (isTrue(after.status, one) && isTrue(after.status, other)) {
          report("conditions", `${name}: ${one} and ${other}`);
        }
      }
      for (const condition of conditions) checkCondition(bench, { record, before, after, condition });
    },
  };
}

/** Once finished a JobSet stays what it is. */
function checkFinal({ report }: Bench, { status: before }: JobSetFacts, { status: after, name }: JobSetFacts): void {
  const [was, is] = [terminalOf(before), terminalOf(after)];
  const invariant = "terminal states are final";
  if ((is?.type ?? "") !== after.terminalState) {
    report(invariant, `${name}: ${is?.type ?? "no condition"} beside terminalState "${after.terminalState}"`);
  }
  if (was === undefined) return;
  const same = was.type === is?.type && was.reason === is.reason && was.message === is.message && was.time === is.time;
  if (!same) report(invariant, `${name}: ${was.type} became ${is?.type ?? "nothing"}`);
  if (before.restarts !== after.restarts || before.counted !== after.counted) report(invariant, `${name}: restarted`);
}

interface ConditionChange {
  readonly record: JobSetRecord;
  readonly before: JobSetFacts;
  readonly after: JobSetFacts;
  readonly condition: ConditionFacts;
}

function checkCondition({ report, view, lagMs }: Bench, { record, before, after, condition }: ConditionChange): void {
  const { type, status, reason, message, time } = condition;
  const { name } = after;
  const old = conditionOf(before.status, type);
  const isTransition = old?.status !== status;
  const isSame = !isTransition && old?.reason === reason && old.message === message;
  if (!TYPES.includes(type)) report("conditions", `${name}: ${type} is none of ours`);
  if (old === undefined && status !== "True") report("conditions", `${name}: ${type} was added as ${status}`);
  // Spec 3.2: step 4 may set it False, and step 6 True again, in one reconcile.
  const isTwice = type === "RestartingJobSet" && after.status.restarts > before.status.restarts;
  if (!isTransition && !isTwice && old?.time !== time) {
    report("conditions", `${name}: ${type} got a new time without a transition`);
  }
  if (isSame) return;
  const words = WORDS[`${type} ${status}`];
  const isExclusion = type === "StartupPolicyInProgress" || type === "StartupPolicyCompleted";
  if (isExclusion && status === "False") {
    if (old?.reason !== reason || old.message !== message) report("conditions", `${name}: ${type} has new words`);
    return;
  }
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time)) report("conditions", `${name}: ${type} has time "${time}"`);
  if (words !== undefined && !words.includes(`${reason}: ${message}`)) {
    report("conditions", `${name}: ${type} ${status} for ${reason}: ${message}`);
  }
  // What a stream has left out can't be known to run: by what is known it is judged in any case.
  const isBlind = view.scenario.faults.lostLine > 0 && `${type} ${status}` === "Suspended True" && before.spec.suspend;
  const why = isBlind ? undefined : unjustified({ record, before, after, condition }, view.now() - lagMs);
  if (why !== undefined) report("conditions", `${name}: ${type} became ${status} (${reason}), but ${why}`);
}

/** Why a change was not due, by the spec that it was decided on. */
function unjustified(
  { record, before, after, condition: { type, status, reason } }: ConditionChange,
  knownUntilMs: number,
): string | undefined {
  const { suspend } = before.spec;
  switch (`${type} ${status}`) {
    case "Suspended True":
      if (!suspend) return "the spec says otherwise";
      return runningJob(record, knownUntilMs);
    case "Suspended False":
      return suspend ? "the spec says otherwise" : undefined;
    case "StartupPolicyInProgress True":
    case "StartupPolicyCompleted True":
      return suspend || before.spec.startupPolicyOrder !== "InOrder" ? "there is no order" : undefined;
    case "RestartingJobSet True":
      return after.status.restarts === before.status.restarts ? "nothing is restarted" : undefined;
    case "RestartingJobSet False":
      return isReasonRight(reason, before, after) ? undefined : "that is not so";
    default:
      return undefined;
  }
}

function isReasonRight(reason: string, before: JobSetFacts, after: JobSetFacts): boolean {
  switch (reason) {
    case "JobSetFailed":
      return isTrue(after.status, "Failed");
    case "JobSetCompleted":
      return isTrue(after.status, "Completed");
    case "JobSetSuspended":
      return before.spec.suspend;
    default:
      return !before.spec.suspend;
  }
}

/** Spec 3: no condition claims what did not happen, as far as it could be known. */
function runningJob({ jobs, facts }: JobSetRecord, knownUntilMs: number): string | undefined {
  for (const { facts: job, startedAtMs } of jobs.values()) {
    if (startedAtMs > knownUntilMs) continue;
    if (job.attempt < facts.status.restarts || isFinished(job.phase) || isFailed(job.phase)) continue;
    if (!job.suspend && !job.isDeleting) return `${job.name} is ${job.phase}, and not suspended`;
  }
  return undefined;
}
