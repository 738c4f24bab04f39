/** What a failed Job means (spec 3.3). */
import { RE2JS } from "re2js";
import { withoutGroupNames } from "../api/group_names.ts";
import type { FailurePolicyRule, JobSet } from "../api/job_set.ts";
import type { FailedJob, Positions } from "./buckets.ts";
import { type Counters, noCounters } from "./counters.ts";
import { restartsUsed } from "./job_restarts.ts";
import { restartJob } from "./restart_job.ts";
import type { StatusDraft } from "./status_draft.ts";
import type { Gates, InFlight, JobPatch } from "./types.ts";

/** Applies the policy to the draft; the message of an error means that nothing was applied. */
export function applyFailurePolicy(
  { jobSet, positions, counters, failed, draft, gates, inFlight }: {
    jobSet: JobSet;
    positions: Positions;
    counters: ReadonlyMap<string, Counters>;
    failed: readonly FailedJob[];
    draft: StatusDraft;
    gates: Gates;
    inFlight: InFlight;
  },
): { readonly finished?: "failed"; readonly error?: string; readonly patches?: readonly JobPatch[] } {
  const policy = jobSet.failurePolicy;
  if (policy === undefined) {
    const first = oldestFailure(failed);
    fail(draft, "FailedJobs", withJob("jobset failed due to one or more job failures", first));
    return { finished: "failed" };
  }
  const { rule, job } = matchRule(policy.rules, failed);
  const action = rule?.action ?? "RestartJobSet";
  const reason = `${action}FailurePolicyAction`;
  const message = withJob(`applying ${action} failure policy action`, job);
  if (isJobAction(action) && !gates.RestartJob) {
    return refuseAction({ action, rule, draft, job, why: "feature gate RestartJob is disabled" });
  }
  if (isCounted(action) && restartsUsed(jobSet, gates) >= policy.maxRestarts) {
    fail(draft, "ReachedMaxRestarts", withJob("jobset failed due to reaching max number of restarts", job));
    return { finished: "failed" };
  }
  switch (action) {
    case "FailJobSet":
      fail(draft, reason, message);
      return { finished: "failed" };
    case "RestartJobSet":
    case "RestartJobSetAndIgnoreMaxRestarts":
      restartAll({ jobSet, draft, rule, reason, message, countsTowardsMax: isCounted(action) });
      return {};
    case "RestartJob":
    case "RestartJobAndIgnoreMaxRestarts": {
      if (job === undefined) return {};
      const event = { type: "Warning", reason, note: message } as const;
      const countsTowardsMax = isCounted(action);
      const restart = restartJob({
        jobSet,
        positions,
        counters,
        job: job.job,
        draft,
        inFlight,
        event,
        countsTowardsMax,
      });
      return typeof restart === "string" ? refuseAction({ action, rule, draft, job, why: restart }) : restart;
    }
    default:
      return refuseAction({ action, rule, draft, job, why: "this controller does not know it" });
  }
}

function isJobAction(action: string): boolean {
  return action === "RestartJob" || action === "RestartJobAndIgnoreMaxRestarts";
}

function isCounted(action: string): boolean {
  return action === "RestartJobSet" || action === "RestartJob";
}

/** The first rule that matches any failed Job, and the Job of it that failed first. */
function matchRule(
  rules: readonly FailurePolicyRule[],
  failed: readonly FailedJob[],
): { rule?: FailurePolicyRule; job: FailedJob | undefined } {
  for (const rule of rules) {
    const patterns = rule.onJobFailureMessagePatterns.map(compilePattern);
    const matching = failed.filter((job) => ruleMatches(rule, patterns, job));
    if (matching.length > 0) return { rule, job: oldestFailure(matching) };
  }
  return { job: oldestFailure(failed) };
}

function ruleMatches(rule: FailurePolicyRule, patterns: readonly (RE2JS | undefined)[], failed: FailedJob): boolean {
  const { job, failure } = failed;
  if (job.replicatedJob === undefined) return false;
  const { onJobFailureReasons: reasons, targetReplicatedJobs: targets } = rule;
  if (reasons.length > 0 && !reasons.includes(failure.reason)) return false;
  if (targets.length > 0 && !targets.includes(job.replicatedJob)) return false;
  return patterns.length === 0 || patterns.some((pattern) => pattern?.matcher(failure.message).find() === true);
}

/** RE2, unanchored. Admission refuses what does not compile; stored all the same, it matches nothing. */
function compilePattern(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(withoutGroupNames(pattern));
  } catch {
    return undefined;
  }
}

/** The oldest failure wins; an absent time is the oldest, equal times are settled by name (spec 3.1). */
export function oldestFailure(failed: readonly FailedJob[]): FailedJob | undefined {
  let oldest: FailedJob | undefined;
  for (const candidate of failed) {
    if (oldest === undefined || isOlder(candidate, oldest)) oldest = candidate;
  }
  return oldest;
}

function isOlder(left: FailedJob, right: FailedJob): boolean {
  const [leftTime, rightTime] = [timeOf(left), timeOf(right)];
  return leftTime === rightTime ? left.job.name < right.job.name : leftTime < rightTime;
}

function timeOf({ failure }: FailedJob): number {
  const time = Date.parse(failure.time);
  return Number.isNaN(time) ? Number.NEGATIVE_INFINITY : time;
}

function withJob(message: string, failed: FailedJob | undefined): string {
  return `${message} (first failed job: ${failed?.job.name ?? ""})`;
}

/** Ends the JobSet as Failed. */
export function fail(draft: StatusDraft, reason: string, message: string): void {
  draft.setCondition({ type: "Failed", status: "True", reason, message });
  draft.setCondition({
    type: "RestartingJobSet",
    status: "False",
    reason: "JobSetFailed",
    message: "jobset failed",
  });
  draft.setTerminalState("Failed");
}

/** Raises `restarts`; the new attempt has no Jobs yet, so the same write sets all counters to 0 (R76). */
function restartAll(
  { jobSet, draft, rule, reason, message, countsTowardsMax }: {
    jobSet: JobSet;
    draft: StatusDraft;
    rule: FailurePolicyRule | undefined;
    reason: string;
    message: string;
    countsTowardsMax: boolean;
  },
): void {
  draft.addEvent({ type: "Warning", reason, note: message });
  draft.setCondition({
    type: "RestartingJobSet",
    status: "True",
    reason: rule === undefined ? "DefaultFailurePolicy" : `FailurePolicy_${rule.name}`,
    message,
  });
  draft.setRestarts({
    restarts: jobSet.status.restarts + 1,
    restartsCountTowardsMax: jobSet.status.restartsCountTowardsMax + (countsTowardsMax ? 1 : 0),
  });
  draft.setCounters(new Map(jobSet.replicatedJobs.map(({ name }) => [name, noCounters()])));
}

/** Spec 3.3: an action whose gate is off, or unknown here, is an error: event, retry, nothing restarted or failed. */
function refuseAction(
  { action, rule, draft, job, why }: {
    action: string;
    rule: FailurePolicyRule | undefined;
    draft: StatusDraft;
    job: FailedJob | undefined;
    why: string;
  },
): { readonly error: string } {
  const error = withJob(`failure policy rule "${rule?.name ?? ""}" asks for action ${action}, but ${why}`, job);
  draft.addEvent({ type: "Warning", reason: "FailurePolicyActionRefused", note: error });
  return { error };
}
