/**
 * The invariants over each write, as etcd stored them: what the simulation's judges say of its own world. What must hold at the
 * end, when everything has come to rest, stands in rest.ts.
 */
import { isFailing, isFinishedJob, type JobFacts, jobFacts, type JobSetFacts, jobSetFacts } from "./facts.ts";
import type { Frame } from "./frame.ts";
import { type Life, newLife } from "./life.ts";

export interface Violation {
  readonly invariant: string;
  readonly detail: string;
  readonly namespace: string;
  readonly jobSet: string;
}

export interface JudgeOptions {
  readonly report: (violation: Violation) => void;
  /** Whether this Job was deleted by a user of the play, by its uid. */
  readonly isDeletedByHand: (uid: string) => boolean;
  /** A request that was on its way at a moment may take effect so much later. */
  readonly lateMs: number;
  /** For how long from this moment on the controller may not have heard of it; 0 where all was well. */
  readonly deafMs: (sinceMs: number) => number;
}

export interface Tally {
  jobSets: number;
  jobs: number;
  restarts: number;
  /** Deeds for a JobSet that had just finished, gone on or been deleted, as their requests were on their way. */
  late: number;
  /** The same by a controller that could not hear of it. */
  deaf: number;
  /** When the controller last changed something. */
  lastDeedAtMs: number;
}

export class Judge {
  readonly tally: Tally = { jobSets: 0, jobs: 0, restarts: 0, late: 0, deaf: 0, lastDeedAtMs: 0 };
  readonly #options: JudgeOptions;
  readonly #lives = new Map<string, Life>();
  readonly #current = new Map<string, Life>();

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** The JobSet of this name that is stored now. */
  find(namespace: string, name: string): Life | undefined {
    return this.#current.get(`${namespace}/${name}`);
  }

  /** The JobSets that are stored now. */
  get current(): Iterable<Life> {
    return this.#current.values();
  }

  /** The Jobs that are stored and whose JobSet is not, by uid. */
  get orphans(): readonly JobFacts[] {
    const gone = [...this.#lives.values()].filter(({ goneAtMs }) => goneAtMs !== undefined);
    return gone.flatMap(({ jobs }) => [...jobs.values()]);
  }

  onFrame(frame: Frame): void {
    if (frame.kind === "JobSet") this.#onJobSet(frame);
    else this.#onJob(frame);
  }

  #onJobSet(frame: Frame): void {
    const facts = jobSetFacts(frame.object);
    const key = `${frame.namespace}/${frame.name}`;
    const known = this.#lives.get(facts.uid);
    if (known === undefined) {
      const life = newLife(frame.namespace, facts, frame.atMs);
      this.tally.jobSets += 1;
      this.#lives.set(facts.uid, life);
      this.#current.set(key, life);
      return;
    }
    if (frame.verb === "delete") {
      known.goneAtMs = frame.atMs;
      this.#current.delete(key);
      return;
    }
    const before = known.facts;
    known.facts = facts;
    if (facts.isDeleting) known.deletingAtMs ??= frame.atMs;
    if (facts.isSuspended !== before.isSuspended) known.toggledAtMs = frame.atMs;
    this.#judgeStatus(known, before, facts, frame.atMs);
  }

  #judgeStatus(life: Life, before: JobSetFacts, after: JobSetFacts, atMs: number): void {
    if (after.isForeign && Object.keys(after.conditions).length > 0) {
      this.#report(life, "a foreign JobSet is touched", "");
    }
    if (after.terminalState !== before.terminalState || after.restarts !== before.restarts) {
      this.tally.lastDeedAtMs = atMs;
    }
    if (before.terminalState !== "" && !isSameEnd(before, after)) {
      this.#report(life, "a terminal state is final", `${ending(before)} became ${ending(after)}`);
    }
    if (after.terminalState !== "" && before.terminalState === "") life.finishedAtMs = atMs;
    this.#judgeSuspended(life, before, after, atMs);
    const risen = after.restarts - before.restarts;
    if (risen !== 0) this.#judgeRestart(life, before, after, atMs);
    const counted = after.counted - before.counted;
    if (counted !== 0 && (counted !== 1 || risen !== 1)) {
      this.#report(life, "restarts are counted once", `restartsCountTowardsMax ${before.counted} to ${after.counted}`);
    }
    if (after.counted > after.maxRestarts) {
      this.#report(life, "restarts end at maxRestarts", `${after.counted} of ${after.maxRestarts}`);
    }
  }

  /** Spec 3.2: no condition claims what did not happen. */
  #judgeSuspended(life: Life, before: JobSetFacts, after: JobSetFacts, atMs: number): void {
    const isTrue = ({ conditions }: JobSetFacts) => conditions["Suspended"]?.status === "True";
    if (!isTrue(after) || isTrue(before)) return;
    const running = [...life.jobs.values()].find((job) =>
      !job.isSuspended && !job.isDeleting && !isFinishedJob(job) && job.attempt === after.restarts
    );
    if (running === undefined) return;
    this.#lateOr(atMs, life.toggledAtMs, () => {
      this.#report(life, "Suspended is True once every Job is suspended", `${running.name} is not`);
    });
  }

  #judgeRestart(life: Life, before: JobSetFacts, after: JobSetFacts, atMs: number): void {
    life.restartedAtMs = atMs;
    this.tally.restarts += 1;
    const change = `restarts ${before.restarts} to ${after.restarts}`;
    if (after.restarts !== before.restarts + 1) this.#report(life, "restarts are counted once", change);
    if (!life.failedAttempts.has(before.restarts)) {
      this.#report(life, "restarts are counted once", `${change}, and no Job of attempt ${before.restarts} has failed`);
    }
  }

  #onJob(frame: Frame): void {
    const job = jobFacts(frame.object);
    const life = this.#lives.get(job.ownerUid);
    if (life === undefined) return this.#onStray(frame, job);
    if (frame.verb === "create") this.#judgeCreate(life, job, frame.atMs);
    const before = life.jobs.get(job.uid);
    if (isFailing(job)) life.failedAttempts.add(job.attempt);
    const isRemoved = frame.verb === "delete" || job.isDeleting;
    if (isRemoved && before?.isDeleting !== true) this.#judgeDelete(life, job, frame.atMs);
    if (frame.verb !== "delete") life.jobs.set(job.uid, job);
    else life.jobs.delete(job.uid);
  }

  /** A Job whose owner was never a JobSet. */
  #onStray({ namespace, verb }: Frame, job: JobFacts): void {
    if (verb !== "create") return;
    const detail = `${job.name} is owned by "${job.ownerUid}"`;
    this.#options.report({ invariant: "every Job has a JobSet", detail, namespace, jobSet: job.name });
  }

  #judgeCreate(life: Life, job: JobFacts, atMs: number): void {
    this.tally.jobs += 1;
    this.tally.lastDeedAtMs = atMs;
    const { facts } = life;
    const what = `${job.name} of attempt ${job.attempt}, restarts ${facts.restarts}`;
    const complain = (invariant: string) => () => this.#report(life, invariant, what);
    if (facts.isForeign) this.#report(life, "a foreign JobSet is touched", what);
    if (job.attempt > facts.restarts) complain("no Job is ahead of the count of restarts")();
    const sinceMs = [
      [life.finishedAtMs, "no Job is made after the terminal state"],
      [life.goneAtMs ?? life.deletingAtMs, "no Job is made once its JobSet is deleted"],
      [job.attempt < facts.restarts ? life.restartedAtMs : undefined, "no Job is made of an attempt that is over"],
    ] as const;
    for (const [since, invariant] of sinceMs) {
      if (since !== undefined) this.#lateOr(atMs, since, complain(invariant));
    }
    const made = `${job.attempt} ${job.name}`;
    const count = (life.made.get(made) ?? 0) + 1;
    life.made.set(made, count);
    if (count > 1) complain("each Job of an attempt is made once")();
    const isOldThere = [...life.jobs.values()].some(({ attempt }) => attempt < job.attempt);
    if (facts.isBlocking && isOldThere) complain("BlockingRecreate: no new Job beside an old one")();
  }

  /** The garbage collector, a user of the play, or the controller. */
  #judgeDelete(life: Life, job: JobFacts, atMs: number): void {
    const { facts } = life;
    if (life.deletingAtMs !== undefined || life.goneAtMs !== undefined || this.#options.isDeletedByHand(job.uid)) {
      life.made.delete(`${job.attempt} ${job.name}`);
      return;
    }
    this.tally.lastDeedAtMs = atMs;
    if (facts.terminalState !== "" || job.attempt < facts.restarts) return;
    const detail = `${job.name} ${job.uid} of attempt ${job.attempt} was deleted, restarts ${facts.restarts}`;
    this.#report(life, "no Job of the current attempt is deleted", detail);
  }

  /** Whether it may be the effect of an old view. */
  #lateOr(atMs: number, sinceMs: number, complain: () => void): void {
    const { lateMs, deafMs } = this.#options;
    if (atMs - sinceMs <= lateMs) this.tally.late += 1;
    else if (atMs - sinceMs <= lateMs + deafMs(sinceMs)) this.tally.deaf += 1;
    else complain();
  }

  #report(life: Life, invariant: string, detail: string): void {
    this.#options.report({ invariant, detail, namespace: life.namespace, jobSet: life.name });
  }
}

function isSameEnd(before: JobSetFacts, after: JobSetFacts): boolean {
  return ending(before) === ending(after) && before.restarts === after.restarts;
}

function ending({ terminalState, conditions, restarts }: JobSetFacts): string {
  const ends = ["Completed", "Failed"].filter((type) => conditions[type]?.status === "True");
  return `${terminalState} (${ends.join(" ")}) after ${restarts} restarts`;
}
