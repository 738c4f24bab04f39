/**
 * What a controller may decide about the Jobs of one attempt, from the specification (3.2 to 3.4) alone. Its view is some begin of
 * what happened, however late, and ahead of that the answers to its own writes: all that it may decide follows from such a view.
 */
import type { FeatureGates } from "../../../src/api/feature_gates.ts";
import type { FailurePolicyRule } from "../../../src/api/job_set.ts";
import { jobRestartsAt, type JobSetFacts } from "./job_set_facts.ts";
import type { JobSetRecord, Moment } from "./truth.ts";

export type Outcome =
  | { readonly kind: "completed" }
  | { readonly kind: "failed"; readonly reason: string; readonly message: string }
  | { readonly kind: "restart"; readonly isCounted: boolean; readonly reason: string; readonly message: string }
  | { readonly kind: "restartJob"; readonly isCounted: boolean; readonly place: string };

/** Outcomes as texts, to be looked up. */
export function outcomeText(outcome: Outcome): string {
  return JSON.stringify(outcome);
}

/** All that could be decided in the state `before`, on any begin of what is known of the Jobs of its attempt. */
export function possibleOutcomes(record: JobSetRecord, before: JobSetFacts, gates: FeatureGates): ReadonlySet<string> {
  const jobs = new Map<string, Moment>();
  // A Job that has succeeded counts, gone or not: whether it is known then is not known here.
  const succeeded = new Map<string, Moment>();
  const outcomes = new Set<string>();
  for (const moment of record.moments) {
    if (moment.attempt !== before.status.restarts || isOfOldJob(moment, before, gates)) continue;
    if (moment.phase === "gone") jobs.delete(moment.uid);
    else jobs.set(moment.uid, moment);
    if (moment.phase === "complete") succeeded.set(moment.name, moment);
    if (isSuccess(before, [...succeeded.values()])) outcomes.add(outcomeText({ kind: "completed" }));
    const outcome = decide([...jobs.values()], before, gates);
    if (outcome !== undefined) outcomes.add(outcomeText(outcome));
  }
  return outcomes;
}

/** The answers that may be ahead of the rest of a view: all sets of so few are tried, and each one alone. */
const MAX_ANSWERS = 6;

/**
 * Whether it may be decided by somebody who knows some Jobs sooner than the others, from the answers to own requests. Writes are
 * seen here; a Job that was in the way of a create is looked at (spec 3.7), which only happens where watches lag: `hasLookUps`.
 */
export function isDecidedAhead(
  record: JobSetRecord,
  { before, gates, outcome, hasLookUps }: {
    readonly before: JobSetFacts;
    readonly gates: FeatureGates;
    readonly outcome: string;
    readonly hasLookUps: boolean;
  },
): boolean {
  const moments = record.moments.filter((moment) => {
    return moment.attempt === before.status.restarts && !isOfOldJob(moment, before, gates);
  });
  const last = new Map(moments.filter(({ phase }) => phase !== "gone").map((moment) => [moment.uid, moment]));
  const isLast = (moment: Moment) => hasLookUps && last.get(moment.uid) === moment;
  const jobs = new Map<string, Moment>();
  for (const [known, moment] of moments.entries()) {
    const answers = moments.slice(known).filter((later) => later.isAnswer || isLast(later));
    for (const ahead of setsOf(answers)) {
      const seen = new Map([...jobs, ...ahead.map((answer): [string, Moment] => [answer.uid, answer])]);
      const decided = decide([...seen.values()], before, gates);
      if (decided !== undefined && outcomeText(decided) === outcome) return true;
    }
    if (moment.phase === "gone") jobs.delete(moment.uid);
    else jobs.set(moment.uid, moment);
  }
  return false;
}

function* setsOf(answers: readonly Moment[]): Generator<readonly Moment[], void, undefined> {
  for (const answer of answers) yield [answer];
  const newest = answers.slice(-MAX_ANSWERS);
  for (let set = 1; set < 2 ** newest.length; set++) yield newest.filter((_, bit) => (set & (1 << bit)) !== 0);
}

/** Gate RestartJob: a Job that was restarted alone since is no longer looked at. */
function isOfOldJob({ replicatedJob, index, jobAttempt }: Moment, before: JobSetFacts, gates: FeatureGates): boolean {
  return gates.RestartJob && jobAttempt < jobRestartsAt(before.status, replicatedJob, index);
}

/** Spec 3.2, steps 5 and 6, with every Job as it is stored. */
export function decide(jobs: readonly Moment[], before: JobSetFacts, gates: FeatureGates): Outcome | undefined {
  const ofPhases = (...phases: readonly Moment["phase"][]) => jobs.filter(({ phase }) => phases.includes(phase));
  if (isSuccess(before, ofPhases("complete"))) return { kind: "completed" };
  const failed = ofPhases("failing", "failed");
  if (failed.length === 0) return undefined;
  // R80: it waits for what is about to succeed.
  if (isSuccess(before, ofPhases("complete", "succeeding"))) return undefined;
  return applyPolicy(failed, before, gates);
}

/** Spec 3.4. */
export function isSuccess({ spec }: JobSetFacts, succeeded: readonly Pick<Moment, "replicatedJob">[]): boolean {
  if (succeeded.length === 0) return false;
  const { operator, targetReplicatedJobs: targets } = spec.successPolicy;
  const isTarget = (name: string) => targets.length === 0 || targets.includes(name);
  const reached = succeeded.filter(({ replicatedJob }) => isTarget(replicatedJob)).length;
  if (operator === "Any") return reached > 0;
  const wanted = spec.replicatedJobs.filter(({ name }) => isTarget(name)).reduce(
    (sum, { replicas }) => sum + replicas,
    0,
  );
  return reached >= wanted;
}

/** Spec 3.3. */
function applyPolicy(
  failed: readonly Moment[],
  { spec, status }: JobSetFacts,
  gates: FeatureGates,
): Outcome | undefined {
  const policy = spec.failurePolicy;
  const say = (text: string, job: Moment | undefined) => `${text} (first failed job: ${job?.name ?? ""})`;
  if (policy === undefined) {
    const message = say("jobset failed due to one or more job failures", firstOf(failed));
    return { kind: "failed", reason: "FailedJobs", message };
  }
  const rule = policy.rules.find((rule) => failed.some((job) => matches(rule, job)));
  const job = firstOf(rule === undefined ? failed : failed.filter((job) => matches(rule, job)));
  const action = rule?.action ?? "RestartJobSet";
  const isOfJob = action === "RestartJob" || action === "RestartJobAndIgnoreMaxRestarts";
  if (isOfJob && !gates.RestartJob) return undefined;
  const isCounted = action === "RestartJobSet" || action === "RestartJob";
  let used = status.counted;
  for (const { jobRestartsCounted } of gates.RestartJob ? status.replicatedJobs.values() : []) {
    for (const count of jobRestartsCounted) used += count;
  }
  const message = say(`applying ${action} failure policy action`, job);
  if (action === "FailJobSet") return { kind: "failed", reason: "FailJobSetFailurePolicyAction", message };
  if (isCounted && used >= policy.maxRestarts) {
    const text = say("jobset failed due to reaching max number of restarts", job);
    return { kind: "failed", reason: "ReachedMaxRestarts", message: text };
  }
  if (isOfJob) return { kind: "restartJob", isCounted, place: `${job?.replicatedJob}[${job?.index}]` };
  const reason = rule === undefined ? "DefaultFailurePolicy" : `FailurePolicy_${rule.name}`;
  return { kind: "restart", isCounted, reason, message };
}

function matches(rule: FailurePolicyRule, { replicatedJob, failure }: Moment): boolean {
  if (replicatedJob === "" || failure === undefined) return false;
  const { onJobFailureReasons: reasons, onJobFailureMessagePatterns: patterns, targetReplicatedJobs: targets } = rule;
  return (reasons.length === 0 || reasons.includes(failure.reason)) &&
    (patterns.length === 0 || patterns.some((pattern) => new RegExp(pattern).test(failure.message))) &&
    (targets.length === 0 || targets.includes(replicatedJob));
}

/** R64: the oldest failure; equal times are settled by name. */
function firstOf(failed: readonly Moment[]): Moment | undefined {
  let first: Moment | undefined;
  for (const job of failed) {
    const [time, firstTime] = [job.failure?.timeMs ?? -Infinity, first?.failure?.timeMs ?? -Infinity];
    if (first === undefined || time < firstTime || (time === firstTime && job.name < first.name)) first = job;
  }
  return first;
}
