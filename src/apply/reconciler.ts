/** Reconciles one JobSet at a time: plan, hand the requests over, write the status (spec 3.2). */
import type { Clock } from "../base/clock.ts";
import { asObject, at } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import type { Job } from "../api/job.ts";
import { type JobSet, readJobSet, restartsInPlace, terminalCondition } from "../api/job_set.ts";
import { objectKey } from "../api/names.ts";
import type { Pod } from "../api/pod.ts";
import type { Priorities } from "../api/priority.ts";
import type { Service } from "../api/service.ts";
import type { CacheChange, ObjectCache } from "../cache/object_cache.ts";
import { isConflict, isInvalid, isNotFound, isNotWanted, isTransient } from "../client/api_error.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { standingOf } from "../plan/job_restarts.ts";
import { plan } from "../plan/plan.ts";
import type { Gates, JobSurroundings, Plan, StatusWrite } from "../plan/types.ts";
import { messageOf } from "../base/message_of.ts";
import type { EventRecorder, Regarding } from "./event_recorder.ts";
import { JobSetEffects } from "./job_set_effects.ts";
import { EarlyEnds } from "./early_ends.ts";
import { MissedSuspension } from "./missed_suspension.ts";
import { readJobs } from "./read_jobs.ts";
import { getJobSet, patchStatus } from "./requests.ts";
import { restMs } from "./rest_time.ts";
import { isWritten } from "./written_status.ts";

export interface ReconcilerOptions {
  readonly client: KubeClient;
  readonly jobSets: ObjectCache<JobSet>;
  readonly jobs: ObjectCache<Job>;
  readonly services: ObjectCache<Service>;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Log;
  readonly gates: Gates;
  /** Our admission guards the JobSets: no pod template changes but in a suspended one. */
  readonly hasAdmission: boolean;
  /** As they are now; undefined where they can't be read. */
  readonly priorities: () => Priorities | undefined;
  /** The Pods of the JobSet with this key; undefined while they are not watched, or not all known. */
  readonly podsOf: (key: string) => Iterable<Pod> | undefined;
  /** Asks for a reconcile of a key, which is `namespace/name`. */
  readonly wake: (key: string) => void;
  /** A terminal condition was written: for the metrics (spec 3.3, 3.4). */
  readonly onFinished?: (jobSet: JobSet, state: "Completed" | "Failed") => void;
}

/** How a reconcile ended: what its key does next. */
export type Outcome =
  | { readonly kind: "done"; readonly lookAgainMs?: number }
  | { readonly kind: "again"; readonly afterMs: number }
  /** Not an error where the reconcile was only overtaken: by another write, or by a Job that vanished meanwhile. */
  | { readonly kind: "backOff"; readonly isError: boolean };

export interface Reconciled {
  readonly outcome: Outcome;
  /** How long the next plan of this JobSet may wait. */
  readonly restMs: number;
}

/** Design: a status write that changes only counters goes at most every 100 ms. */
const COUNTERS_MS = 100;
const BUSY_COUNTERS_MS = 1000;
/** Tries of one status write that are remembered while it is not known which of them took effect. */
const MAX_UNCONFIRMED = 10;

const NONE: ReadonlySet<never> = new Set();

interface Entry {
  readonly effects: JobSetEffects;
  readonly missedSuspension: MissedSuspension;
  /** Monotonic time of the last status write, or of the first sight of the JobSet. */
  statusAt: number;
  /** Problems told already, so that each is logged once. */
  readonly problems: Set<string>;
  /** Notices of the newest plan: the next plan that says one of them again tells nothing new. */
  notices: ReadonlySet<string>;
  /** Status writes that failed, and may have taken effect all the same: any of those based on this version. */
  unconfirmed: { readonly resourceVersion: string; readonly decisions: readonly Plan[] } | undefined;
  /** A Job of the current attempt vanished: perhaps the JobSet is being deleted, and its own event is late. */
  isDoubtful: boolean;
  /** The version of the JobSet beside which its Jobs were read, for what its status alone tells of them. */
  jobsReadFor: string | undefined;
  /** The CRD is too old to keep executionAttempts: what waits until they are written must not wait for ever. */
  isUncounted: boolean;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #earlyEnds = new EarlyEnds();
  /** What is still under way for JobSets that are gone. */
  readonly #leaving = new Set<Promise<void>>();
  #isStopped = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    options.jobs.onChange((change) => this.#noteDeletion(change));
  }

  /** Plans and acts; also says how long the key may rest. */
  async reconcile(key: string): Promise<Reconciled> {
    const { jobSets, clock } = this.#options;
    if (this.#isStopped) return { outcome: { kind: "done" }, restMs: 0 };
    const [namespace = "", name = ""] = key.split("/");
    const cached = jobSets.get(namespace, name);
    const isRead = cached === undefined || await this.#settleDoubt(key, cached);
    const jobSet = jobSets.get(namespace, name);
    if (jobSet === undefined) {
      this.#forget(key);
      return { outcome: { kind: "done" }, restMs: 0 };
    }
    const entry = this.#entry(key, jobSet);
    if (entry.isDoubtful) return { outcome: { kind: "backOff", isError: !isRead }, restMs: 0 };
    this.#confirm(jobSet, entry);
    const startedAt = clock.monotonic();
    const decision = this.#plan(key, jobSet, entry);
    if (decision.vanished !== undefined && entry.jobsReadFor !== jobSet.resourceVersion) {
      return { outcome: await this.#readJobs(jobSet, entry), restMs: 0 };
    }
    for (const job of decision.vanished ?? []) entry.effects.succeededAndGone.set(job, jobSet.status.restarts);
    const planMs = clock.monotonic() - startedAt;
    entry.effects.submit(jobSet, decision, this.#surroundings(entry));
    this.#logProblems(key, entry, decision);
    this.#tellNotices(jobSet, entry, decision);
    const outcome = await this.#settle(jobSet, entry, decision);
    const isInPlace = restartsInPlace(jobSet, this.#options.gates);
    return { outcome, restMs: restMs({ decision, planMs, isInPlace, hasBacklog: entry.effects.hasBacklog }) };
  }

  /**
   * After a Job of the current attempt has vanished its JobSet is read anew before it is planned: watches do not keep step, and
   * no Job of a JobSet being deleted is made again (R05). False where the API server did not say.
   */
  async #settleDoubt(key: string, jobSet: JobSet): Promise<boolean> {
    const entry = this.#entry(key, jobSet);
    if (!entry.isDoubtful) return true;
    // What vanishes while the answer is under way is doubtful again.
    entry.isDoubtful = false;
    const isRead = await this.#readAgain(jobSet);
    if (!isRead) entry.isDoubtful = true;
    return isRead;
  }

  /**
   * The API server answers again after it did not: what failed meanwhile is tried at once, and not only when a wait is
   * over that may have grown as long as the outage.
   */
  hurry(): void {
    for (const [key, { effects, unconfirmed, isDoubtful }] of this.#entries) {
      const isWaiting = effects.hurry() || unconfirmed !== undefined || isDoubtful;
      if (isWaiting) this.#options.wake(key);
    }
  }

  /** Starts no more requests; resolves once those under way have settled. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#leaving, ...[...this.#entries.values()].map(({ effects }) => effects.stop())]);
  }

  #plan(key: string, jobSet: JobSet, entry: Entry): Plan {
    const { effects, missedSuspension } = entry;
    const { services, clock, podsOf, gates, hasAdmission } = this.#options;
    const jobs = this.#options.jobs.byOwner(key);
    const { inFlight } = effects;
    return plan({
      jobSet,
      jobs: jobs.values(),
      hasService: services.get(jobSet.namespace, jobSet.network.subdomain) !== undefined,
      claims: effects.knownClaims,
      succeededAndGone: effects.succeededAndGone,
      inFlight,
      // Suspended by us, Pods that restart in place would take that for a restart, which counts (spec 5.1).
      outdated: hasAdmission && !restartsInPlace(jobSet, gates)
        ? missedSuspension.look(jobSet, { gates, jobs, inFlight, upToDate: effects.upToDate })
        : NONE,
      now: clock.now(),
      pods: restartsInPlace(jobSet, gates) ? podsOf(key) : undefined,
      ...this.#surroundings(entry),
    });
  }

  #surroundings({ isUncounted }: Entry): JobSurroundings {
    const { gates, priorities } = this.#options;
    return {
      gates: isUncounted ? { ...gates, ExecutionAttemptsTracking: false } : gates,
      priorities: priorities(),
    };
  }

  async #settle(jobSet: JobSet, entry: Entry, decision: Plan): Promise<Outcome> {
    const { status } = decision;
    if (status !== undefined) {
      const waitMs = this.#counterWait(entry, decision);
      if (waitMs > 0) return { kind: "again", afterMs: waitMs };
      const failure = await this.#writeStatus(jobSet, entry, { decision, status });
      if (failure !== undefined) return failure;
    }
    this.#tell(jobSet, decision);
    if (decision.error !== undefined) return { kind: "backOff", isError: true };
    if (decision.lookAgainAt === undefined) return { kind: "done" };
    return { kind: "done", lookAgainMs: Math.max(0, decision.lookAgainAt - this.#options.clock.now()) };
  }

  #tell(jobSet: JobSet, { events, finished }: Plan): void {
    for (const event of events) this.#options.events.emit(jobSet, event);
    if (finished === undefined) return;
    this.#options.onFinished?.(jobSet, finished === "completed" ? "Completed" : "Failed");
    this.#options.log.info(0, "JobSet finished", {
      jobSet: objectKey(jobSet.namespace, jobSet.name),
      state: finished,
    });
  }

  /** Writes whose answers were lost: where one is seen to have taken effect, what was to follow it does. */
  #confirm(jobSet: JobSet, entry: Entry): void {
    const { unconfirmed } = entry;
    if (unconfirmed === undefined || unconfirmed.resourceVersion === jobSet.resourceVersion) return;
    entry.unconfirmed = undefined;
    const written = unconfirmed.decisions.find(({ status }) => status !== undefined && isWritten(jobSet, status));
    if (written !== undefined) this.#tell(jobSet, written);
  }

  /**
   * While Jobs are being made or deleted, or Pods restart in place, the next counters are at hand: those of now may wait longer.
   */
  #counterWait({ effects, statusAt }: Entry, { status, isRestartingInPlace }: Plan): number {
    if (status?.onlyCounters !== true) return 0;
    const passedMs = this.#options.clock.monotonic() - statusAt;
    const isBusy = effects.isBusy || isRestartingInPlace === true;
    return isBusy && passedMs < BUSY_COUNTERS_MS ? COUNTERS_MS : COUNTERS_MS - passedMs;
  }

  async #writeStatus(
    jobSet: JobSet,
    entry: Entry,
    { decision, status }: { decision: Plan; status: StatusWrite },
  ): Promise<Outcome | undefined> {
    const { client, events, clock, log } = this.#options;
    const key = objectKey(jobSet.namespace, jobSet.name);
    try {
      // A status that was decided on any other version of the JobSet would only end in a conflict.
      const isWanted = () => this.#known(jobSet)?.resourceVersion === jobSet.resourceVersion;
      const answer = await client.request({ ...patchStatus(jobSet, status.fields), isWanted });
      this.#observe(answer);
      entry.statusAt = clock.monotonic();
      entry.unconfirmed = undefined;
      log.info(2, "wrote status", { jobSet: key, fields: Object.keys(status.fields).join(",") });
      if (status.fields["executionAttempts"] !== undefined) this.#checkCount(key, entry, answer);
      return undefined;
    } catch (error) {
      if (isConflict(error) || isTransient(error)) rememberUnconfirmed(entry, jobSet, decision);
      // Overtaken while it waited: what it was overtaken by has woken the key.
      if (isNotWanted(error)) return { kind: "backOff", isError: false };
      if (isConflict(error)) {
        await this.#readAgain(jobSet);
        // What was read wakes the key at once; where it says nothing new, the conflict is waited out.
        return { kind: "backOff", isError: false };
      }
      if (isNotFound(error)) return { kind: "done" }; // Deleted: its watch event follows.
      const note = messageOf(error);
      // A rule's name, say, that makes no reason of a condition: nothing goes on until somebody changes it.
      if (isInvalid(error)) events.emit(jobSet, { type: "Warning", reason: "StatusWriteRefused", note });
      log.info(0, "writing status failed and is tried again", { jobSet: key, error: note });
      return { kind: "backOff", isError: true };
    }
  }

  /** The JobSet of this uid as it is known now. */
  #known({ namespace, name, uid }: Regarding): JobSet | undefined {
    const known = this.#options.jobSets.get(namespace, name);
    return known?.uid === uid ? known : undefined;
  }

  /** Without the field in the CRD the API server drops it without a word (R28). */
  #checkCount(key: string, entry: Entry, answer: unknown): void {
    if (at(answer, "status", "executionAttempts") !== undefined) return;
    entry.isUncounted = true;
    this.#options.log.info(0, "runs are not counted: the CRD has no status.executionAttempts", { jobSet: key });
    this.#options.wake(key);
  }

  /** Lays what the API server holds now over the cache; false where it did not say. */
  async #readAgain(jobSet: JobSet): Promise<boolean> {
    try {
      this.#observe(await this.#options.client.request(getJobSet(jobSet)));
      return true;
    } catch (error) {
      if (!isNotFound(error)) return false;
      this.#options.jobSets.observeDelete(jobSet);
      return true;
    }
  }

  /** Before any Job is taken for one that has succeeded and gone on the word of the status alone. */
  async #readJobs(jobSet: JobSet, entry: Entry): Promise<Outcome> {
    try {
      await readJobs(jobSet, this.#options);
      entry.jobsReadFor = jobSet.resourceVersion;
      return { kind: "again", afterMs: 0 };
    } catch (error) {
      const key = objectKey(jobSet.namespace, jobSet.name);
      this.#options.log.info(0, "reading Jobs failed and is tried again", { jobSet: key, error: messageOf(error) });
      return { kind: "backOff", isError: true };
    }
  }

  #observe(body: unknown): void {
    const jobSet = readJobSet(asObject(body) ?? {});
    if (jobSet !== undefined) this.#options.jobSets.observeWrite(jobSet);
  }

  #entry(key: string, jobSet: JobSet): Entry {
    const known = this.#entries.get(key);
    if (known?.effects.uid === jobSet.uid) return known;
    this.#leave(known);
    const { client, jobs, services, clock, log, events } = this.#options;
    const { namespace, name, uid } = jobSet;
    const regarding: Regarding = { namespace, name, uid };
    const entry: Entry = {
      effects: new JobSetEffects(uid, {
        client,
        jobSet: () => this.#known(regarding),
        jobs,
        services,
        clock,
        log,
        wake: () => this.#options.wake(key),
        emit: (event) => events.emit(regarding, event),
      }),
      missedSuspension: new MissedSuspension(),
      // The first counters are all zero: they too may wait, so that the first Jobs need not.
      statusAt: clock.monotonic(),
      problems: new Set(),
      notices: new Set(),
      unconfirmed: undefined,
      isDoubtful: false,
      jobsReadFor: undefined,
      isUncounted: false,
    };
    for (const [job, attempt] of this.#earlyEnds.take(uid)) entry.effects.succeededAndGone.set(job, attempt);
    this.#entries.set(key, entry);
    return entry;
  }

  /** The JobSet is gone: nothing more is sent for it; what is under way settles by itself. */
  #forget(key: string): void {
    this.#leave(this.#entries.get(key));
    this.#entries.delete(key);
  }

  #leave(entry: Entry | undefined): void {
    if (entry === undefined) return;
    const left = entry.effects.stop().finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
  }

  /** A Job of the current attempt is gone: it had succeeded (spec 3.7, finished and gone), or somebody deleted it. */
  #noteDeletion(change: CacheChange<Job>): void {
    if (change.kind !== "delete") return;
    const { ownerKey, ownerUid, name, restartAttempt = 0, phase } = change.before;
    const known = this.#entries.get(ownerKey);
    // What an older JobSet of this name left behind stood in the way (spec 3.11).
    if (known !== undefined && known.effects.uid !== ownerUid) known.effects.nameIsFree(name);
    const [namespace = "", jobSetName = ""] = ownerKey.split("/");
    const jobSet = this.#options.jobSets.get(namespace, jobSetName);
    if (jobSet?.uid !== ownerUid && phase.kind === "complete") this.#earlyEnds.note(change.before);
    if (jobSet?.uid !== ownerUid || standingOf(jobSet, this.#options.gates)(change.before) !== "current") return;
    const entry = this.#entry(ownerKey, jobSet);
    // The status may not have counted the success yet.
    if (phase.kind === "complete") entry.effects.succeededAndGone.set(name, restartAttempt);
    else if (!jobSet.isDeleting && terminalCondition(jobSet.status) === undefined) entry.isDoubtful = true;
  }

  #tellNotices(jobSet: JobSet, entry: Entry, { notices = [] }: Plan): void {
    const known = entry.notices;
    if (notices.length === 0 && known.size === 0) return;
    entry.notices = new Set(notices.map(({ reason, note }) => `${reason} ${note}`));
    for (const notice of notices) {
      if (known.has(`${notice.reason} ${notice.note}`)) continue;
      this.#options.events.emit(jobSet, notice);
      this.#options.log.info(0, notice.note, { jobSet: objectKey(jobSet.namespace, jobSet.name) });
    }
  }

  #logProblems(key: string, entry: Entry, { problems }: Plan): void {
    for (const problem of problems) {
      if (entry.problems.has(problem) || entry.problems.size >= 1000) continue;
      entry.problems.add(problem);
      this.#options.log.info(0, problem, { jobSet: key });
    }
  }
}

/** A conflict too may be with our own write: the client itself tries again where the server asks for it. */
function rememberUnconfirmed(entry: Entry, { resourceVersion }: JobSet, decision: Plan): void {
  const known = entry.unconfirmed?.resourceVersion === resourceVersion ? entry.unconfirmed.decisions : [];
  entry.unconfirmed = { resourceVersion, decisions: [...known, decision].slice(-MAX_UNCONFIRMED) };
}
