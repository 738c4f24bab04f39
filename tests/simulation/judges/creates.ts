/** When a Job may be created, or set running (spec 3.3, 3.7, 3.8). */
import { isTrue, jobRestartsAt } from "./job_set_facts.ts";
import type { JobFacts } from "./job_facts.ts";
import { isOutdatedJob } from "./templates.ts";
import type { Bench, Theme } from "./theme.ts";
import { type Change, isController, type JobSetRecord } from "./truth.ts";

type JobChange = Extract<Change, { readonly kind: "job" }>;

export function createsTheme(bench: Bench): Theme {
  return {
    onChange(change) {
      if (change.kind !== "job" || change.after === undefined || !isController(change.write.user)) return;
      const isCreate = change.before === undefined;
      if (isCreate) checkCreate(bench, change, change.after);
      if (change.before?.suspend === false && change.after.suspend) checkSuspension(bench, change);
      const isStart = !change.after.suspend && (isCreate || change.before?.suspend === true);
      if (isStart && change.record !== undefined) checkStart(bench, change.record, change.after);
    },
  };
}

function checkCreate(bench: Bench, { record }: JobChange, job: JobFacts): void {
  const { report } = bench;
  if (record === undefined) {
    return report("no Job without its JobSet", `${job.name} was created for a JobSet that never was`);
  }
  checkOwner(bench, record, job);
  checkPlace(bench, record, job);
  checkGenerations(bench, record, job);
  checkPods(bench, job);
  checkRerun(bench, record, job);
  const { spec } = record.facts;
  const replicatedJob = spec.replicatedJobs.find(({ name }) => name === job.replicatedJob);
  for (const { name, status } of replicatedJob?.dependsOn ?? []) {
    const isReached = (status === "Complete" ? record.everComplete : record.everStarted).has(name);
    // Of another attempt, it came late.
    if (isReached || hasBrokenStreams(bench) || job.attempt !== record.facts.status.restarts) continue;
    report("dependsOn", `${job.name} was created before ${name} was ${status}`);
  }
}

/** Such streams tell of states that never were at once: what is made of them, the theme of knowledge judges. */
function hasBrokenStreams({ view: { scenario: { faults } } }: Bench): boolean {
  return faults.lostLine + faults.swappedLine > 0;
}

/** Design: a controller acts on what it knows; what is older than any lag it must know. */
function checkOwner({ report, view, lagMs }: Bench, record: JobSetRecord, job: JobFacts): void {
  const isKnown = (sinceMs: number | undefined) => sinceMs !== undefined && view.now() - sinceMs > lagMs;
  if (isKnown(record.deletedAtMs)) {
    report(
      "no Job without its JobSet",
      `${job.name} was created ${view.now() - (record.deletedAtMs ?? 0)} ms after the deletion`,
    );
  }
  if (isKnown(record.finishedAtMs)) {
    report("terminal states are final", `${job.name} was created after its JobSet had finished`);
  }
}

function checkPlace({ report, gates }: Bench, { facts }: JobSetRecord, job: JobFacts): void {
  const { status, spec, name } = facts;
  const place = spec.replicatedJobs.find((replicatedJob) => replicatedJob.name === job.replicatedJob);
  const isPlace = place !== undefined && job.index < place.replicas &&
    job.name === `${name}-${place.name}-${job.index}`;
  if (!isPlace) report("Jobs of the spec", `${job.name} has no place in the spec`);
  const jobRestarts = jobRestartsAt(status, job.replicatedJob, job.index);
  if (job.attempt > status.restarts || (gates.RestartJob && job.jobAttempt > jobRestarts)) {
    report("restarts", `${job.name} was created for attempt ${job.attempt}.${job.jobAttempt}, before that was counted`);
  }
}

/**
 * Spec 3.3, BlockingRecreate: none until every previous Job is gone. A new leader whose watch comes late may not know of one that its
 * predecessor made: what it knows is judged when it sends (knowledge.ts).
 */
function checkGenerations({ report, gates, isFaultless }: Bench, { facts, jobs }: JobSetRecord, job: JobFacts): void {
  if (!isFaultless || facts.spec.failurePolicy?.restartStrategy !== "BlockingRecreate") return;
  for (const { facts: other } of jobs.values()) {
    if (other.uid === job.uid) continue;
    if (other.attempt !== job.attempt) {
      report(
        "generations",
        `${job.name} of attempt ${job.attempt} was created beside ${other.name} of ${other.attempt}`,
      );
    }
    const { replicatedJob, index, jobAttempt } = other;
    // The restart of one Job: its successor proves that the restart was known.
    if (!gates.RestartJob || job.jobAttempt === 0 || replicatedJob !== job.replicatedJob || index !== job.index) {
      continue;
    }
    if (jobAttempt < jobRestartsAt(facts.status, replicatedJob, index)) {
      report("generations", `${job.name} was created beside its predecessor`);
    }
  }
}

/** R81: what has succeeded is not run again. Where nothing goes wrong every success is seen. */
function checkRerun({ report, isFaultless }: Bench, { facts, succeeded }: JobSetRecord, job: JobFacts): void {
  const isRerun = isFaultless && job.attempt === facts.status.restarts && succeeded.has(job.name);
  if (isRerun) report("finished and gone", `${job.name} has succeeded, and was created again`);
}

/** R06: a new Job only after the Pods of its predecessor are gone, if the controller had it deleted. */
function checkPods({ report, view, truth }: Bench, job: JobFacts): void {
  const gone = truth.goneJobs.get(`${job.namespace}/${job.name}`);
  if (gone === undefined || !gone.deletedBy?.startsWith("controller-")) return;
  for (const { resource } of view.server.ownedBy(gone.uid)) {
    if (resource === "pods") {
      return report("generations", `${job.name} was created while Pods of its predecessor are left`);
    }
  }
}

/** Spec 3.8: only a JobSet that is suspended, and not finished, suspends its Jobs. */
function checkSuspension(bench: Bench, { record, job }: JobChange): void {
  const { report, view, lagMs } = bench;
  const { name } = job.facts;
  // It lost its owner while the request was under way: what was known then, another theme judges.
  if (record === undefined) return;
  const isKnown = view.now() - record.suspendChangedAtMs > lagMs;
  if (!record.facts.spec.suspend && isKnown && !isOutdatedJob(bench, job.facts)) {
    report("suspension", `${name} was suspended for no JobSet that is`);
  }
  if (record.finishedAtMs !== undefined && view.now() - record.finishedAtMs > lagMs) {
    report("suspension", `${name} was suspended after the end`);
  }
}

function checkStart(bench: Bench, record: JobSetRecord, job: JobFacts): void {
  const { report, view, lagMs } = bench;
  const { spec, status } = record.facts;
  if (spec.suspend && view.now() - record.suspendChangedAtMs > lagMs) {
    report("suspension", `${job.name} was set running while its JobSet is suspended`);
  }
  if (
    spec.startupPolicyOrder !== "InOrder" || hasBrokenStreams(bench) || job.attempt !== status.restarts ||
    isTrue(status, "Failed")
  ) return;
  for (const { name } of spec.replicatedJobs) {
    if (name === job.replicatedJob) return;
    if (!record.everStarted.has(name)) {
      return report("InOrder", `${job.name} was set running before ${name} had started`);
    }
  }
}
