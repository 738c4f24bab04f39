/** One reconcile of one JobSet as a pure function: what to do about it now (spec 3.2). */
import type { Job } from "../api/job.ts";
import { type JobSet, terminalCondition } from "../api/job_set.ts";
import { type Buckets, sortJobs } from "./buckets.ts";
import { headlessService, volumeClaims } from "./children.ts";
import { type Counters, countJobs } from "./counters.ts";
import { scaleJobs } from "./elastic.ts";
import { countExecution, countForeignRestart, countRestart } from "./execution_attempts.ts";
import { applyFailurePolicy } from "./failure_policy.ts";
import { type Absence, absentIndexes, findAbsences, MAX_ABSENT_NAMES } from "./finished_and_gone.ts";
import { restartInPlace, strategyProblems } from "./in_place_restart.ts";
import { createOf } from "./job_factory.ts";
import { oldPodsCheck } from "./old_pods.ts";
import { reportStartup, startableReplicatedJobs } from "./startup.ts";
import { StatusDraft } from "./status_draft.ts";
import { complete, isSuccessPolicyMet } from "./success_policy.ts";
import { resumeJobs, suspendJobs, suspendOutdated } from "./suspension.ts";
import { expiresAt } from "./time_to_live.ts";
import type { EventDraft, InFlight, JobCreate, JobDelete, JobPatch, ObjectCreate, Plan, PlanInput } from "./types.ts";

/** A plan under construction. */
interface Draft {
  deletes: readonly JobDelete[];
  service?: ObjectCreate;
  claims: readonly ObjectCreate[];
  creates: readonly JobCreate[];
  patches: readonly JobPatch[];
  deleteJobSet: boolean;
  finished?: "completed" | "failed";
  lookAgainAt?: number;
  error?: string;
  notices?: readonly EventDraft[];
  isRestartingInPlace?: boolean;
}

const NOTHING: Draft = { deletes: [], claims: [], creates: [], patches: [], deleteJobSet: false };

/** Decides what one JobSet needs. Foreign-managed and vanishing JobSets need nothing, not even a status. */
export function plan(input: PlanInput): Plan {
  const { jobSet } = input;
  if (jobSet.isDeleting || !jobSet.isManagedHere) return { ...NOTHING, events: [], problems: [] };
  const buckets = sortJobs(jobSet, input.jobs, input.gates);
  const { counters, strangers } = countJobs(jobSet, buckets.current);
  const terminal = terminalCondition(jobSet.status);
  const absences = findAbsences({
    jobSet,
    buckets,
    counters,
    succeededAndGone: input.succeededAndGone,
    isFinished: terminal !== undefined,
  });
  countAbsent(jobSet, absences, counters);
  const status = new StatusDraft({ jobSet, counters, now: input.now });
  const context: Context = { ...input, buckets, counters, absences, status };
  const draft = terminal === undefined ? planUnfinished(context) : planFinished(context);
  const write = status.write();
  const isGoingOn = terminal === undefined && draft.finished === undefined;
  const oldPods = isGoingOn ? oldPodsCheck(jobSet, buckets.previous) : {};
  const notices = [...draft.notices ?? [], ...oldPods.notice === undefined ? [] : [oldPods.notice]];
  return {
    ...draft,
    ...(notices.length === 0 ? {} : { notices }),
    ...(oldPods.check === undefined ? {} : { oldPods: oldPods.check }),
    ...(write === undefined ? {} : { status: write }),
    ...(draft.finished === undefined ? vanishedNames(context) : {}),
    events: status.events,
    problems: [
      ...buckets.malformed.map(malformedText),
      ...unlabelledProblems(context),
      ...strangers.map((job) => `job "${job.name}" is counted nowhere: its replicatedJob is not in the spec`),
      ...(isGoingOn ? strategyProblems(jobSet, input.gates) : []),
    ],
  };
}

interface Context extends PlanInput {
  readonly buckets: Buckets;
  readonly counters: ReadonlyMap<string, Counters>;
  readonly absences: readonly Absence[];
  readonly status: StatusDraft;
}

function malformedText({ name, restartAttempt }: Job): string {
  const label = restartAttempt === undefined ? "restart-attempt" : "job-restart-attempt";
  return `job "${name}" is left alone: its ${label} label is no integer`;
}

/** Spec 3.1: one line for all of them, for their number changes. */
function unlabelledProblems({ gates, buckets }: Context): readonly string[] {
  if (!gates.RestartJob || !buckets.current.some(({ jobRestartAttempt }) => jobRestartAttempt === undefined)) return [];
  return ["jobs without a job-restart-attempt label are taken as current"];
}

/** Spec 3.2, step 2: clean up, then wait for the time to live to pass. */
function planFinished({ jobSet, buckets, inFlight, now }: Context): Draft {
  // Failed Jobs are kept for the evidence, and so are those about to fail, even where the view does not show it yet.
  const active = deletableOf(buckets.active, inFlight)
    .map(({ name, uid, resourceVersion }) => ({ name, uid, resourceVersion }));
  const deletes = [...deletesOf(buckets.previous, inFlight), ...active];
  const endsAt = expiresAt(jobSet, now);
  if (endsAt === undefined) return { ...NOTHING, deletes };
  if (now < endsAt) return { ...NOTHING, deletes, lookAgainAt: endsAt };
  return { ...NOTHING, deletes, deleteJobSet: !inFlight.jobSetDelete };
}

/** Spec 3.2, steps 3 to 12. */
function planUnfinished(context: Context): Draft {
  const { jobSet, buckets, inFlight, status } = context;
  if (countForeignRestart({ ...context, draft: status })) return NOTHING;
  const deletes = deletesOf(buckets.previous, inFlight);
  reportReady(context);
  const succeeded = new Map([...context.counters].map(([name, counter]) => [name, counter.succeeded]));
  if (isSuccessPolicyMet(jobSet, succeeded)) {
    complete(status);
    return { ...NOTHING, deletes, finished: "completed" };
  }
  if (buckets.failed.length > 0) {
    // R80: workers that die because their driver has just ended must not restart a finished run.
    if (isSuccessPolicyMet(jobSet, withSucceeding(succeeded, buckets.active))) return { ...NOTHING, deletes };
    const { positions, failed } = buckets;
    const outcome = applyFailurePolicy({ ...context, positions, failed, draft: status });
    countRestart({ ...context, draft: status });
    return { ...NOTHING, deletes, ...outcome };
  }
  const children = planChildren(context);
  const inPlace = restartInPlace({ ...context, draft: status });
  // What the children need is of no use to a JobSet that fails with this plan.
  return { ...NOTHING, deletes, ...(inPlace.finished === undefined ? children : {}), ...inPlace };
}

/** Spec 3.2, steps 7 to 11. Jobs wait for the Service and the claims; a suspension waits for nothing. */
function planChildren(context: Context): Partial<Draft> {
  const { jobSet, buckets, inFlight, status, counters } = context;
  const foundation = planFoundation(context);
  const startable = startableReplicatedJobs(jobSet, counters);
  const isHeld = countExecution({ ...context, draft: status, isReady: foundation === undefined });
  const creates = foundation === undefined && !isHeld ? missingJobs(context, startable) : [];
  const scales = foundation === undefined ? scaleJobs({ ...context, ...buckets }) : [];
  if (jobSet.suspend) {
    const suspensions = suspendJobs({ ...context, active: buckets.active, draft: status });
    return { ...foundation, creates, patches: [...suspensions, ...withoutJobsOf(suspensions, scales)] };
  }
  if (foundation !== undefined) return foundation;
  const isStartupDone = reportStartup(jobSet, counters, status);
  const resumes = resumeJobs({
    jobSet,
    surroundings: context,
    buckets,
    startable,
    inFlight,
    isStartupDone,
    draft: status,
    isHeld,
  });
  // A Job gets its size before it runs: resumed first, it would take room that its JobSet has given up.
  const outdated = suspendOutdated({ ...context, active: buckets.active });
  return { creates, patches: [...scales, ...withoutJobsOf(scales, [...outdated, ...resumes])] };
}

/** One request at a time for each Job: the second patch is left to the next plan. */
function withoutJobsOf(first: readonly JobPatch[], second: readonly JobPatch[]): readonly JobPatch[] {
  if (first.length === 0 || second.length === 0) return second;
  const uids = new Set(first.map(({ uid }) => uid));
  return second.filter(({ uid }) => !uids.has(uid));
}

/** Spec 3.2, steps 7 and 8: what must exist before the first Job; undefined once all of it does. */
function planFoundation({ jobSet, hasService, claims, inFlight }: Context): Partial<Draft> | undefined {
  if (jobSet.network.enableDNSHostnames && !hasService) {
    return inFlight.service ? {} : { service: headlessService(jobSet) };
  }
  const unknown = volumeClaims(jobSet).filter(({ name }) => !claims.has(name));
  if (unknown.length === 0) return undefined;
  return { claims: unknown.filter(({ name }) => !inFlight.claims.has(name)) };
}

/** Spec 3.7: what is missing of the replicatedJobs that may start; under BlockingRecreate only on clean ground. */
function missingJobs(
  { jobSet, buckets, absences, succeededAndGone, inFlight }: Context,
  startable: ReadonlySet<number>,
): readonly JobCreate[] {
  if (jobSet.failurePolicy?.restartStrategy === "BlockingRecreate" && buckets.previous.length > 0) return [];
  let limit = MAX_ABSENT_NAMES;
  return absences.flatMap(({ toCreate, isStatusFirst }, position) => {
    if (toCreate === 0 || isStatusFirst || !startable.has(position)) return [];
    const indexes = absentIndexes({ jobSet, buckets, succeededAndGone, position, limit: Math.min(limit, toCreate) });
    // Those under way or refused count too: else refusals without end would be asked for one after the other.
    limit -= indexes.length;
    return indexes
      .map((index) => createOf(jobSet, position, index))
      .filter(({ name }) => !inFlight.creates.has(name) && !inFlight.refused.has(name));
  });
}

/** The Jobs that the status alone tells to have succeeded: once another Job completes it no longer tells which. */
function vanishedNames(
  { jobSet, buckets, absences, succeededAndGone }: Context,
): { readonly vanished?: readonly string[] } {
  if (!absences.some(({ isInferred }) => isInferred)) return {};
  let limit = MAX_ABSENT_NAMES;
  const vanished = absences.flatMap(({ isInferred }, position) => {
    if (!isInferred) return [];
    const indexes = absentIndexes({ jobSet, buckets, succeededAndGone, position, limit });
    limit -= indexes.length;
    return indexes.map((index) => createOf(jobSet, position, index).name);
  });
  return { vanished };
}

/** Spec 3.2, step 4. */
function reportReady({ jobSet, counters, status }: Context): void {
  if (jobSet.suspend) return;
  let missing = 0;
  for (const { name, replicas } of jobSet.replicatedJobs) {
    const counter = counters.get(name);
    missing += replicas - (counter?.ready ?? 0) - (counter?.succeeded ?? 0);
  }
  if (missing !== 0) return;
  status.setCondition({
    type: "RestartingJobSet",
    status: "False",
    reason: "JobsReady",
    message: "all jobs are ready",
  });
}

function withSucceeding(succeeded: ReadonlyMap<string, number>, active: readonly Job[]): ReadonlyMap<string, number> {
  const sums = new Map(succeeded);
  for (const job of active) {
    if (job.phase.kind !== "succeeding" || job.replicatedJob === undefined) continue;
    sums.set(job.replicatedJob, (sums.get(job.replicatedJob) ?? 0) + 1);
  }
  return sums;
}

function countAbsent(jobSet: JobSet, absences: readonly Absence[], counters: Map<string, Counters>): void {
  for (const [position, { name }] of jobSet.replicatedJobs.entries()) {
    const counter = counters.get(name);
    if (counter !== undefined) counter.succeeded += absences[position]?.succeeded ?? 0;
  }
}

function deletesOf(jobs: readonly Job[], inFlight: InFlight): readonly JobDelete[] {
  return deletableOf(jobs, inFlight).map(({ name, uid }) => ({ name, uid }));
}

/** A Job whose create is still under way waits: a late second try would make it again once the name is free (R84). */
function deletableOf(jobs: readonly Job[], inFlight: InFlight): readonly Job[] {
  return jobs.filter((job) => !job.isDeleting && !inFlight.deletes.has(job.uid) && !inFlight.creates.has(job.name));
}
