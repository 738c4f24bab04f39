/** What dependsOn and InOrder wait for, as one controller knows it (spec 3.7). */
import type { FeatureGates } from "../../../src/api/feature_gates.ts";
import type { Job } from "../../../src/api/job.ts";
import type { JobSet } from "../../../src/api/job_set.ts";
import { trueCondition } from "../../../src/api/conditions.ts";
import type { Knowledge } from "../types.ts";

/** One attempt of one JobSet. What was reached once need not last: it is waited for *until* then. */
interface Attempt {
  readonly restarts: number;
  readonly started: Set<string>;
  readonly complete: Set<string>;
  /** Jobs seen Complete, and then gone. */
  readonly gone: Map<string, string>;
  /** Jobs that were not there, and had succeeded as the status told. */
  readonly inferred: Map<string, string>;
}

export class KnownProgress {
  readonly #gates: FeatureGates;
  /** By life, and uid of the JobSet. */
  readonly #attempts = new WeakMap<Knowledge, Map<string, Map<number, Attempt>>>();

  constructor(gates: FeatureGates) {
    this.#gates = gates;
  }

  /** After a change of a Job or its JobSet. */
  follow(knowledge: Knowledge, namespace: string, name: string): void {
    const jobSet = knowledge.jobSets.get(namespace, name);
    if (jobSet === undefined || !isWaitedFor(jobSet)) return;
    const attempt = this.#attempt(knowledge, jobSet.uid, jobSet.status.restarts);
    const open = jobSet.replicatedJobs.filter((replicatedJob) => !attempt.complete.has(replicatedJob.name));
    if (open.length === 0) return;
    const jobs: Job[] = [];
    for (const job of knowledge.jobs.byOwner(`${namespace}/${name}`).values()) {
      if (job.ownerUid === jobSet.uid) jobs.push(job);
    }
    for (const replicatedJob of open) this.#count(jobSet, { replicatedJob, jobs, attempt });
  }

  noteGone(knowledge: Knowledge, job: Job): void {
    const attempt = this.#attempt(knowledge, job.ownerUid, job.restartAttempt ?? 0);
    attempt.gone.set(job.name, job.replicatedJob ?? "");
  }

  isKnownToHaveSucceeded(knowledge: Knowledge, { uid, status }: JobSet, job: string): boolean {
    return this.#attempts.get(knowledge)?.get(uid)?.get(status.restarts)?.gone.has(job) === true;
  }

  /** Which of its dependencies a replicatedJob must still wait for, or none. */
  missing(knowledge: Knowledge, jobSet: JobSet, replicatedJob: string): string | undefined {
    const { started, complete } = this.#attempt(knowledge, jobSet.uid, jobSet.status.restarts);
    const entry = jobSet.replicatedJobs.find(({ name }) => name === replicatedJob);
    const dependency = entry?.dependsOn.find(({ name, status }) => {
      return !(status === "Complete" ? complete : started).has(name);
    });
    if (dependency !== undefined) return `dependsOn ${dependency.name} being ${dependency.status}`;
    if (jobSet.suspend || jobSet.startupPolicyOrder !== "InOrder") return undefined;
    for (const { name } of jobSet.replicatedJobs) {
      if (name === replicatedJob) return undefined;
      if (!started.has(name)) return `InOrder ${name} being started`;
    }
    return undefined;
  }

  #attempt(knowledge: Knowledge, uid: string, restarts: number): Attempt {
    let jobSets = this.#attempts.get(knowledge);
    if (jobSets === undefined) this.#attempts.set(knowledge, jobSets = new Map());
    let attempts = jobSets.get(uid);
    if (attempts === undefined) jobSets.set(uid, attempts = new Map());
    let attempt = attempts.get(restarts);
    if (attempt === undefined) {
      attempt = { restarts, started: new Set(), complete: new Set(), gone: new Map(), inferred: new Map() };
      attempts.set(restarts, attempt);
      // A JobSet is known one attempt ahead of its Jobs, or the other way round.
      for (const old of attempts.keys()) if (old < restarts - 1) attempts.delete(old);
    }
    return attempt;
  }

  #count(
    jobSet: JobSet,
    { replicatedJob: { name, replicas }, jobs, attempt }: {
      readonly replicatedJob: JobSet["replicatedJobs"][number];
      readonly jobs: readonly Job[];
      readonly attempt: Attempt;
    },
  ): void {
    const owned = new Set<string>();
    let isRestarting = false;
    let [done, running] = [0, 0];
    for (const job of jobs) {
      if ((job.restartAttempt ?? 0) < jobSet.status.restarts) isRestarting = true;
      if (job.replicatedJob !== name) continue;
      owned.add(job.name);
      if (isPreviousJob(jobSet, job, this.#gates)) continue;
      if (job.phase.kind === "complete") done += 1;
      else if (job.phase.kind === "failed" || isReadyJob(job)) running += 1;
    }
    let seen = 0;
    const succeeded = new Map([...attempt.gone, ...attempt.inferred]);
    for (const [job, of] of succeeded) if (of === name && !owned.has(job)) seen += 1;
    const missing = replicas - owned.size;
    const told = jobSet.status.replicatedJobs.find((entry) => entry.name === name)?.succeeded ?? 0;
    const mayBeOld = isRestarting || trueCondition(jobSet.status.conditions, "RestartingJobSet") !== undefined;
    const vanished = mayBeOld ? 0 : told - done;
    if (missing > 0 && missing <= vanished) {
      for (let index = 0; index < replicas; index++) {
        const job = `${jobSet.name}-${name}-${index}`;
        if (!owned.has(job)) attempt.inferred.set(job, name);
      }
    }
    done += missing <= vanished ? missing : seen;
    if (done >= replicas) attempt.complete.add(name);
    if (done + running >= replicas) attempt.started.add(name);
  }
}

/** Spec 3.1. */
export function isPreviousJob(jobSet: JobSet, job: Job, gates: FeatureGates): boolean {
  if ((job.restartAttempt ?? 0) < jobSet.status.restarts) return true;
  if (!gates.RestartJob || typeof job.jobRestartAttempt !== "number") return false;
  return job.jobRestartAttempt < jobRestarts(jobSet, job.replicatedJob ?? "", job.name);
}

/** How often the Job of this name was restarted alone. */
export function jobRestarts({ status }: JobSet, replicatedJob: string, job: string): number {
  const index = Number(job.slice(job.lastIndexOf("-") + 1));
  return status.replicatedJobs.find(({ name }) => name === replicatedJob)?.jobRestarts[index] ?? 0;
}

/** Whether any replicatedJob waits for another. */
function isWaitedFor({ startupPolicyOrder, replicatedJobs }: JobSet): boolean {
  if (replicatedJobs.length < 2) return false;
  return startupPolicyOrder === "InOrder" || replicatedJobs.some(({ dependsOn }) => dependsOn.length > 0);
}

function isReadyJob({ ready, succeeded, parallelism = 1, completions = parallelism }: Job): boolean {
  return ready + succeeded >= Math.min(parallelism, completions);
}
