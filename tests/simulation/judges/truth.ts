/** What is and was stored, as far as the invariants ask for it; kept up to date write by write. */
import { asString, at, type JsonObject } from "../../../src/base/json.ts";
import type { User, Write } from "../types.ts";
import { type Failure, isReady, type JobFacts, type Phase, readJobFacts } from "./job_facts.ts";
import { isTrue, jobRestartsAt, type JobSetFacts, readJobSetFacts, terminalOf } from "./job_set_facts.ts";

const READY = "JobsReady: all jobs are ready";

/** A step in the life of a Job that the controller decides by; in the order of the writes. */
export interface Moment {
  readonly uid: string;
  readonly name: string;
  readonly replicatedJob: string;
  readonly index: number;
  readonly attempt: number;
  readonly jobAttempt: number;
  readonly phase: Phase | "gone";
  readonly failure: Failure | undefined;
  /** A controller wrote the Job, and was answered with this state of it, whatever else it knew. */
  readonly isAnswer: boolean;
}

export interface JobRecord {
  facts: JobFacts;
  object: JsonObject;
  /** Since when it has been failing, failed or complete. */
  endedAtMs: number | undefined;
  /** When it was last ready; since then it is not. */
  readyUntilMs: number;
  /** Since when it runs: created, or resumed. */
  startedAtMs: number;
  /** Who had it deleted, once somebody had. */
  deletedBy: User | undefined;
}

/** One JobSet by its uid, from its creation on. It stays known after its end. */
export interface JobSetRecord {
  readonly uid: string;
  facts: JobSetFacts;
  /** Since when it has been deleted, or marked for it. */
  deletedAtMs: number | undefined;
  isStored: boolean;
  /** Since when it is finished. */
  finishedAtMs: number | undefined;
  /** Since when spec.suspend is what it is. */
  suspendChangedAtMs: number;
  ttlChangedAtMs: number;
  /** How often spec.suspend was taken back, or a Job suspended by somebody else. */
  resumes: number;
  /** Names or numbers of its replicatedJobs were changed: only the webhook forbids it, and nothing says what then follows. */
  isReshaped: boolean;
  templatesChangedAtMs: number;
  /** They are not those that it was made with. */
  hasNewTemplates: boolean;
  /** The templates were changed of a JobSet that was not suspended: no webhook forbade it. */
  isTemplateWild: boolean;
  /** Its stored Jobs by uid. */
  readonly jobs: Map<string, JobRecord>;
  /** Of this attempt and the one before. */
  moments: Moment[];
  /** The names of this attempt's Jobs that have succeeded, whether they are still there or not. */
  readonly succeeded: Map<string, { readonly replicatedJob: string; readonly index: number; readonly uid: string }>;
  /** The replicatedJobs that were, at some moment of this attempt, all started, or all complete, as far as one can know. */
  readonly everStarted: Set<string>;
  readonly everComplete: Set<string>;
  /** Reason and message of every condition and restart that was ever written: only of these events may tell. */
  readonly told: Set<string>;
}

export type Change =
  | {
    readonly kind: "jobSet";
    readonly write: Write;
    readonly record: JobSetRecord;
    readonly before: JobSetFacts | undefined;
    readonly after: JobSetFacts | undefined;
  }
  | {
    readonly kind: "job";
    readonly write: Write;
    readonly job: JobRecord;
    /** The JobSet that it belongs, or belonged, to. */
    readonly record: JobSetRecord | undefined;
    readonly before: JobFacts | undefined;
    readonly after: JobFacts | undefined;
  }
  | { readonly kind: "other"; readonly write: Write };

export class Truth {
  /** By uid, gone ones included. */
  readonly jobSets = new Map<string, JobSetRecord>();
  /** Who had a Job deleted, by its uid, of those that are gone; and the newest gone uid by name. */
  readonly goneJobs = new Map<string, { readonly uid: string; readonly deletedBy: User | undefined }>();
  /** Stored Jobs by uid. */
  readonly jobs = new Map<string, JobRecord>();
  readonly #now: () => number;
  readonly #lagMs: number;

  /** `lagMs`: for how long a controller may not know of a change, at most. */
  constructor(now: () => number, lagMs: number) {
    this.#now = now;
    this.#lagMs = lagMs;
  }

  take(write: Write): Change {
    if (write.resource === "jobsets") return this.#takeJobSet(write);
    if (write.resource === "jobs") return this.#takeJob(write);
    return { kind: "other", write };
  }

  #takeJobSet(write: Write): Change {
    const object = write.after ?? write.before ?? {};
    const uid = asString(at(object, "metadata", "uid")) ?? "";
    const known = this.jobSets.get(uid);
    const before = write.before === undefined ? undefined : known?.facts ?? readJobSetFacts(write.before);
    const after = write.after === undefined ? undefined : readJobSetFacts(write.after, before);
    const facts = after ?? before;
    if (facts === undefined) throw new Error("a write of nothing");
    const record = known ?? newRecord(facts, this.#now());
    this.jobSets.set(uid, record);
    if (before !== undefined && after !== undefined) this.#compare(record, before, after);
    record.facts = facts;
    if (after === undefined) record.isStored = false;
    if (after === undefined || after.isDeleting) record.deletedAtMs ??= this.#now();
    if (record.finishedAtMs === undefined && terminalOf(facts.status) !== undefined) record.finishedAtMs = this.#now();
    this.#noteProgress(record);
    return { kind: "jobSet", write, record, before, after };
  }

  #compare(record: JobSetRecord, before: JobSetFacts, after: JobSetFacts): void {
    for (const { reason, message } of after.status.conditions) record.told.add(`${reason}: ${message}`);
    // Spec 3.2: step 4 changes the condition, and is told of, before step 5 or 6 of the same write changes its words.
    const isLeft = !isTrue(after.status, "RestartingJobSet") || after.status.restarts > before.status.restarts;
    if (isTrue(before.status, "RestartingJobSet") && isLeft) record.told.add(READY);
    if (after.status.restarts !== before.status.restarts) {
      record.moments = record.moments.filter(({ attempt }) => attempt >= before.status.restarts);
      record.succeeded.clear();
      record.everStarted.clear();
      record.everComplete.clear();
    }
    if (after.spec === before.spec) return;
    if (after.spec.ttlSecondsAfterFinished !== before.spec.ttlSecondsAfterFinished) record.ttlChangedAtMs = this.#now();
    if (after.spec.suspend !== before.spec.suspend) {
      record.suspendChangedAtMs = this.#now();
      if (!after.spec.suspend) record.resumes += 1;
    }
    if (shapeOf(before) !== shapeOf(after)) record.isReshaped = true;
    if (templatesOf(before) === templatesOf(after)) return;
    record.templatesChangedAtMs = this.#now();
    record.hasNewTemplates = true;
    if (!before.spec.suspend && !after.spec.suspend) record.isTemplateWild = true;
  }

  #takeJob(write: Write): Change {
    const after = write.after === undefined ? undefined : readJobFacts(write.after);
    const uid = after?.uid ?? asString(at(write.before, "metadata", "uid")) ?? "";
    const known = this.jobs.get(uid);
    const before = write.before === undefined ? undefined : known?.facts ?? readJobFacts(write.before);
    const facts = after ?? before;
    if (facts === undefined) throw new Error("a write of nothing");
    const job: JobRecord = known ?? {
      facts,
      object: {},
      endedAtMs: undefined,
      readyUntilMs: -Infinity,
      startedAtMs: this.#now(),
      deletedBy: undefined,
    };
    const ownerUid = after?.ownerUid ?? before?.ownerUid;
    const record = ownerUid === undefined ? undefined : this.jobSets.get(ownerUid);
    job.facts = facts;
    job.object = write.after ?? job.object;
    if (before !== undefined && isReady(before)) job.readyUntilMs = this.#now();
    if (before?.suspend === true && !facts.suspend) job.startedAtMs = this.#now();
    if (facts.failure !== undefined || facts.phase === "complete") job.endedAtMs ??= this.#now();
    if ((after === undefined || after.isDeleting) && job.deletedBy === undefined) job.deletedBy = write.user;
    if (after === undefined) {
      this.jobs.delete(uid);
      // Whoever does not wait for the Pods takes it away in spite of what was asked for before.
      const deletedBy = write.user === "garbage-collector" ? job.deletedBy : write.user;
      this.goneJobs.set(`${facts.namespace}/${facts.name}`, { uid, deletedBy });
    } else {
      this.jobs.set(uid, job);
    }
    if (record !== undefined) this.#noteJob(record, job, { before, after, user: write.user });
    return { kind: "job", write, job, record, before, after };
  }

  #noteJob(
    record: JobSetRecord,
    job: JobRecord,
    { before, after, user }: {
      readonly before: JobFacts | undefined;
      readonly after: JobFacts | undefined;
      readonly user: User;
    },
  ): void {
    const { facts } = job;
    if (after === undefined || after.ownerUid !== record.uid) record.jobs.delete(facts.uid);
    else record.jobs.set(facts.uid, job);
    // Spec 3.12: whoever suspends a Job, its next run is another one.
    const isSuspended = before?.suspend === false && after?.suspend === true;
    if (isSuspended && !(isController(user) && record.facts.spec.suspend)) record.resumes += 1;
    const phase = after === undefined ? "gone" : after.phase;
    const isNews = phase !== (before?.phase ?? "active") || after?.failure?.timeMs !== before?.failure?.timeMs;
    const isAnswer = isController(user) && before !== undefined;
    if (isNews || isAnswer) record.moments.push({ ...facts, phase, failure: facts.failure, isAnswer });
    if (isNews && phase === "complete" && facts.attempt === record.facts.status.restarts) {
      record.succeeded.set(facts.name, facts);
    }
    if (isNews || countsDiffer(before, after)) this.#noteProgress(record);
  }

  /**
   * Spec 3.7: what dependsOn and InOrder wait for. A controller's own writes tell it of one Job what its watch does not yet tell of
   * another: ready one after the other, they may be known as ready at once.
   */
  #noteProgress(record: JobSetRecord): void {
    const { spec, status } = record.facts;
    const isWaitedFor = spec.startupPolicyOrder === "InOrder" ||
      spec.replicatedJobs.some((job) => job.dependsOn.length > 0);
    if (!isWaitedFor) return;
    for (const { name, replicas } of spec.replicatedJobs) {
      if (record.everStarted.has(name) && record.everComplete.has(name)) continue;
      const done = [...record.succeeded.values()].filter(({ replicatedJob }) => replicatedJob === name).length;
      let started = done;
      for (const { facts, readyUntilMs } of record.jobs.values()) {
        if (facts.replicatedJob !== name || facts.attempt < status.restarts || facts.phase === "complete") continue;
        if (facts.jobAttempt < jobRestartsAt(status, name, facts.index)) continue;
        const mayBeReady = isReady(facts) || this.#now() - readyUntilMs <= this.#lagMs;
        if (facts.phase === "failed" || mayBeReady) started += 1;
      }
      if (started >= replicas) record.everStarted.add(name);
      if (done >= replicas) record.everComplete.add(name);
    }
  }
}

/** Whether one of ours wrote. */
export function isController(user: User): boolean {
  return user.startsWith("controller-");
}

/** Whether anything changed that the progress of a replicatedJob is told by: a smaller Job needs fewer Pods. */
function countsDiffer(before: JobFacts | undefined, after: JobFacts | undefined): boolean {
  if (before?.parallelism !== after?.parallelism || before?.completions !== after?.completions) return true;
  return before?.ready !== after?.ready || before?.succeeded !== after?.succeeded;
}

function newRecord(facts: JobSetFacts, nowMs: number): JobSetRecord {
  return {
    uid: facts.uid,
    facts,
    deletedAtMs: undefined,
    isStored: true,
    finishedAtMs: undefined,
    suspendChangedAtMs: nowMs,
    ttlChangedAtMs: nowMs,
    templatesChangedAtMs: nowMs,
    hasNewTemplates: false,
    resumes: 0,
    isTemplateWild: false,
    isReshaped: false,
    jobs: new Map(),
    moments: [],
    succeeded: new Map(),
    everStarted: new Set(),
    everComplete: new Set(),
    told: new Set(),
  };
}

function shapeOf({ spec }: JobSetFacts): string {
  return spec.replicatedJobs.map(({ name, replicas }) => `${name} ${replicas}`).join();
}

/** The pod templates alone: the sizes of Jobs may be changed while they run (gate ElasticJobSet). */
function templatesOf({ spec }: JobSetFacts): string {
  return JSON.stringify(spec.replicatedJobs.map(({ template }) => at(template, "spec", "template")));
}
