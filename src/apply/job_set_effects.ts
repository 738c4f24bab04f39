/** What is under way for one JobSet: the requests of its plans, their answers and their retries. */
import { asObject, asString, at, type JsonObject } from "../base/json.ts";
import type { JobSet } from "../api/job_set.ts";
import { objectKey } from "../api/names.ts";
import { isAlreadyExists, isConflict, isNotFound, isNotWanted, isTransient, notWanted } from "../client/api_error.ts";
import { isSameRun } from "../plan/execution_attempts.ts";
import { jobFactory } from "../plan/job_factory.ts";
import { isSameAttempt } from "../plan/job_restarts.ts";
import { isOutdated } from "../plan/suspension.ts";
import { expiresAt } from "../plan/time_to_live.ts";
import type { InFlight, JobChange, JobCreate, JobDelete, JobPatch, JobSurroundings, Plan } from "../plan/types.ts";
import { messageOf } from "../base/message_of.ts";
import { EffectContext, type EffectsOptions, gotNoAnswer } from "./effect_context.ts";
import { type Effect, EffectPool } from "./effect_pool.ts";
import { FoundationEffects } from "./foundation_effects.ts";
import { OldPods } from "./old_pods.ts";
import * as requests from "./requests.ts";
import { type Refusal, RefusalReport } from "./refusals.ts";
import { ResourceRefusals } from "./resource_refusals.ts";
import { Scales } from "./scales.ts";

/** Spec 3.2: creates and deletes run at most 50 at a time per JobSet. */
const POOL_SIZE = 50;
/** Freed quota must not wait a quarter of an hour (spec 3.2). */
const CREATE_CAP_MS = 60_000;
const RESUME_CAP_MS = 60_000;
const CAP_MS = 1_000_000;

const PATCH_WORDS: Readonly<Record<JobChange["kind"], { readonly action: string; readonly done: string }>> = {
  suspend: { action: "suspending Job", done: "suspended Job" },
  resume: { action: "resuming Job", done: "resumed Job" },
  label: { action: "labelling Job", done: "labelled Job" },
  scale: { action: "scaling Job", done: "scaled Job" },
};

type JobBuilder = (create: JobCreate) => JsonObject;

export class JobSetEffects {
  readonly uid: string;
  /** Jobs seen Complete and then gone, by name, with their restart attempt. */
  readonly succeededAndGone = new Map<string, number>();
  /** Names of Jobs that were to be suspended as outdated, and are not. */
  readonly upToDate = new Set<string>();
  readonly #context: EffectContext;
  readonly #foundation: FoundationEffects;
  readonly #oldPods: OldPods;
  readonly #pool = new EffectPool(POOL_SIZE);
  /** Patches have a pool of their own: a suspension does not wait for creates that hang (spec 9, K17). */
  readonly #patchPool = new EffectPool(POOL_SIZE);
  readonly #inFlight = {
    creates: new Set<string>(),
    refused: new Set<string>(),
    deletes: new Set<string>(),
    patches: new Set<string>(),
    resumes: new Set<string>(),
    jobSetDelete: false,
  };
  readonly #scales: Scales;
  readonly #resourceRefusals: ResourceRefusals;
  /** Names of the Jobs being created, with the JobSet that their bodies were made of. */
  readonly #creating = new Map<string, JobSet>();
  readonly #refusals = new RefusalReport();
  #newRefusals: Refusal[] = [];
  #waitingCreates = 0;

  constructor(uid: string, options: EffectsOptions) {
    this.uid = uid;
    this.#context = new EffectContext(options);
    this.#foundation = new FoundationEffects(this.#context);
    this.#scales = new Scales(this.#context);
    this.#resourceRefusals = new ResourceRefusals(this.#context);
    this.#oldPods = new OldPods(this.#context);
  }

  /** Claims that exist, or did once (spec 3.11). */
  get knownClaims(): ReadonlySet<string> {
    return this.#foundation.knownClaims;
  }

  /** What a plan must not ask for. */
  get inFlight(): InFlight {
    const { service, claims } = this.#foundation;
    return { ...this.#inFlight, service, claims, scales: this.#scales.waiting };
  }

  /** Jobs are being made or deleted. */
  get isBusy(): boolean {
    return this.#pool.running > 0;
  }

  /** Before what waits has been sent, nothing that a new plan adds is. */
  get hasBacklog(): boolean {
    return this.#pool.waiting >= POOL_SIZE;
  }

  /** Starts what the plan asks for; what an earlier plan asked for and was not started is dropped. */
  submit(jobSet: JobSet, plan: Plan, surroundings: JobSurroundings): void {
    const build = jobFactory(jobSet, surroundings);
    const creates = this.#awaitsOldAttempt(jobSet) ? [] : plan.creates;
    this.#waitingCreates = creates.length;
    const effects: Effect[] = [];
    for (const target of plan.deletes) effects.push(() => this.#deleteJob(jobSet, target));
    const { service } = plan;
    if (service !== undefined) effects.push(() => this.#foundation.createService(jobSet.namespace, service));
    for (const claim of plan.claims) effects.push(() => this.#foundation.ensureClaim(jobSet.namespace, claim));
    for (const create of creates) effects.push(() => this.#createJob(jobSet, create, build));
    if (plan.deleteJobSet) effects.push(() => this.#deleteJobSet(jobSet));
    this.#pool.replace(effects);
    this.#patchPool.replace(plan.patches.map((patch) => () => this.#patchJob(jobSet, patch, surroundings)));
    this.#oldPods.follow(jobSet, plan.oldPods);
    // The creates that would have told of the refusals may just have been called off.
    if (this.#newRefusals.length > 0) this.#settleCreates(jobSet);
  }

  /** The Job of another owner that had this name is gone: a create that was refused for it need not wait any longer. */
  nameIsFree(job: string): void {
    this.#inFlight.refused.delete(job);
  }

  /** Ends the back-off of whatever failed; whether there was any. */
  hurry(): boolean {
    return this.#context.retries.hurry();
  }

  /** Starts nothing more and forgets the retries; resolves once what is under way has settled. */
  async stop(): Promise<void> {
    this.#context.stop();
    await Promise.all([this.#pool.stop(), this.#patchPool.stop(), this.#oldPods.stop()]);
  }

  /** BlockingRecreate (R07): a create of an older attempt may yet make an old Job. */
  #awaitsOldAttempt(jobSet: JobSet): boolean {
    if (jobSet.failurePolicy?.restartStrategy !== "BlockingRecreate") return false;
    for (const [job, madeOf] of this.#creating) {
      if (!isSameAttempt(madeOf, jobSet, job)) return true;
    }
    return false;
  }

  async #createJob(jobSet: JobSet, create: JobCreate, build: JobBuilder): Promise<void> {
    this.#waitingCreates--;
    this.#inFlight.creates.add(create.name);
    this.#creating.set(create.name, jobSet);
    const refusal = await this.#tryCreate(jobSet, create, build);
    this.#inFlight.creates.delete(create.name);
    this.#creating.delete(create.name);
    if (refusal !== undefined && !this.#context.isStopped) {
      this.#newRefusals.push({ create, ...refusal });
      this.#inFlight.refused.add(create.name);
    }
    this.#settleCreates(jobSet);
    this.#context.wake();
  }

  async #tryCreate(
    jobSet: JobSet,
    create: JobCreate,
    build: JobBuilder,
  ): Promise<Omit<Refusal, "create"> | undefined> {
    const { namespace } = jobSet;
    try {
      const request = requests.createJob(namespace, build(create));
      const isWanted = () => this.#isCreateWanted(jobSet, create.name);
      this.#context.observeJob(await this.#context.request({ ...request, isWanted }));
      this.#context.logEffect("created Job", namespace, create.name);
      return undefined;
    } catch (error) {
      if (isNotWanted(error)) return undefined;
      const text = messageOf(error);
      // Without an answer the Job may exist, and run: no plan must take it for absent on the word of a silent watch.
      const mayExist = isAlreadyExists(error) || gotNoAnswer(error);
      return mayExist ? await this.#lookAtNamesake(jobSet, create, text) : { kind: "refused", text };
    }
  }

  /** A create that waited is not sent where it would make a Job of an old attempt, or one that is there by now (R84). */
  #isCreateWanted(jobSet: JobSet, job: string): boolean {
    const { jobSet: known } = this.#context;
    if (!this.#isOfThisRun(jobSet) || known === undefined || !isSameAttempt(jobSet, known, job)) return false;
    return this.#context.jobs.get(jobSet.namespace, job)?.ownerUid !== this.uid;
  }

  /** Neither finished, suspended, resumed, edited nor counted anew since: what waited may still be sent as it is (spec 3.12). */
  #isOfThisRun(jobSet: JobSet): boolean {
    const { jobSet: known, isGoingOn } = this.#context;
    if (known === undefined || !isGoingOn || known.generation !== jobSet.generation) return false;
    return known.suspend === jobSet.suspend && isSameRun(known, jobSet);
  }

  /** Nor is a patch of a Job that has ended, is about to go, or is as the patch would have it. */
  #isPatchWanted(jobSet: JobSet, { name, uid, change: { kind } }: JobPatch): boolean {
    const job = this.#context.jobs.get(jobSet.namespace, name);
    if (job?.uid !== uid || job.isDeleting || !this.#isOfThisRun(jobSet)) return false;
    if (kind === "suspend" && job.suspend || kind === "resume" && !job.suspend) return false;
    return kind === "label" || job.phase.kind === "active" || job.phase.kind === "succeeding";
  }

  /** A delete of a Job that is gone, or not what was seen, would be refused. */
  #isDeleteWanted(namespace: string, { name, uid, resourceVersion }: JobDelete): boolean {
    const job = this.#context.jobs.get(namespace, name);
    if (this.#context.jobSet === undefined || job?.uid !== uid || job.isDeleting) return false;
    return resourceVersion === undefined || job.resourceVersion === resourceVersion;
  }

  /** AlreadyExists, or no answer: our own Job that the view lacked, or one of somebody else, which is left alone (spec 3.7). */
  async #lookAtNamesake(
    { namespace, uid }: JobSet,
    { name }: JobCreate,
    text: string,
  ): Promise<Omit<Refusal, "create"> | undefined> {
    const { jobs } = this.#context;
    try {
      const job = this.#context.observeJob(await this.#context.request(requests.getJob(namespace, name)));
      if (job === undefined) return { kind: "namesake", text: `${text}: the existing Job is not owned by a JobSet` };
      if (job.ownerUid !== uid) {
        return { kind: "namesake", text: `${text}: the existing Job belongs to JobSet uid "${job.ownerUid}"` };
      }
      // A cache that knows better, because the Job has gone since, makes a plan that asks again.
      return jobs.get(namespace, name)?.uid === job.uid ? undefined : { kind: "unknown", text };
    } catch (error) {
      const isGone = isNotFound(error);
      return { kind: isGone || isTransient(error) ? "unknown" : "refused", text: isGone ? text : messageOf(error) };
    }
  }

  /** Once no create is left of the newest plan: one event for all refusals, then all are tried again together. */
  #settleCreates(jobSet: JobSet): void {
    if (this.#inFlight.creates.size > 0 || this.#waitingCreates > 0 || this.#context.isStopped) return;
    const { refused } = this.#inFlight;
    const [first] = this.#newRefusals;
    if (first === undefined) {
      if (refused.size > 0) return;
      this.#context.retries.reset("creates");
      this.#refusals.reset();
      return;
    }
    const event = this.#refusals.next(this.#newRefusals);
    if (event !== undefined) this.#context.emit(event);
    this.#context.logRefusals(objectKey(jobSet.namespace, jobSet.name), this.#newRefusals.length, first.text);
    this.#newRefusals = [];
    // Those that wait already are not put off by later ones.
    if (this.#context.retries.isWaiting("creates")) return;
    this.#context.retries.later("creates", CREATE_CAP_MS, () => {
      refused.clear();
      this.#context.wake();
    });
  }

  async #deleteJob({ namespace }: JobSet, target: JobDelete): Promise<void> {
    const { jobs } = this.#context;
    const { deletes } = this.#inFlight;
    const failure = { action: "deleting Job", object: objectKey(namespace, target.name) };
    deletes.add(target.uid);
    const release = () => {
      deletes.delete(target.uid);
      this.#context.wake();
    };
    try {
      const isWanted = () => this.#isDeleteWanted(namespace, target);
      const answer = await this.#context.request({ ...requests.deleteJob(namespace, target), isWanted });
      // Status: the object is gone at once; else it is the Job, which waits for its dependents.
      if (asString(at(answer, "kind")) === "Status") jobs.observeDelete({ namespace, ...target });
      else this.#context.observeJob(answer);
      this.#context.logEffect("deleted Job", namespace, target.name);
    } catch (error) {
      if (isNotWanted(error)) return release();
      const isGone = isNotFound(error) || (isConflict(error) && await this.#isReplaced(namespace, target));
      if (!isGone) {
        // A Job that has changed since it was seen is nobody's trouble: the next plan sees it as it is.
        if (!isConflict(error) || target.resourceVersion === undefined) this.#context.logFailure(error, failure);
        return this.#context.retries.later(`delete/${target.uid}`, CAP_MS, release);
      }
      jobs.observeDelete({ namespace, ...target });
    }
    const seen = jobs.get(namespace, target.name);
    // Where the view does not show it, the next plan would ask again at once.
    if (seen?.uid === target.uid && !seen.isDeleting) {
      return this.#context.retries.later(`delete/${target.uid}`, CAP_MS, release);
    }
    this.#context.succeeded(failure.action);
    for (const action of ["delete", "suspend", "resume", "label"]) {
      this.#context.retries.reset(`${action}/${target.uid}`);
    }
    this.#scales.forget(target.uid);
    this.#inFlight.resumes.delete(target.uid);
    release();
  }

  /** Whether the conflict means that the name is another Job's by now: what we meant to delete does not exist. */
  async #isReplaced(namespace: string, { name, uid }: JobDelete): Promise<boolean> {
    try {
      const answer = await this.#context.request(requests.getJob(namespace, name));
      this.#context.observeJob(answer);
      return asString(at(answer, "metadata", "uid")) !== uid;
    } catch (error) {
      return isNotFound(error);
    }
  }

  async #patchJob(jobSet: JobSet, patch: JobPatch, surroundings: JobSurroundings): Promise<void> {
    const { patches } = this.#inFlight;
    patches.add(patch.uid);
    const seen = this.#context.jobs.get(jobSet.namespace, patch.name);
    const error = await this.#sendPatch(jobSet, patch, surroundings);
    // Not sent, for something has changed meanwhile: neither a success nor a refusal.
    if (isNotWanted(error)) return this.#settlePatch(patch, false);
    switch (patch.change.kind) {
      case "suspend":
        // It is we who suspended it: the next resume is no fight with another controller.
        this.#context.retries.reset(`resume/${patch.uid}`);
        this.#inFlight.resumes.delete(patch.uid);
        return this.#settlePatch(patch, error !== undefined);
      case "label":
        return this.#settlePatch(patch, error !== undefined);
      case "scale":
        this.#scales.settle({ namespace: jobSet.namespace, ...patch, size: patch.change.size, error });
        return this.#settlePatch(patch, false);
      case "resume":
        await this.#resourceRefusals.settle(patch, seen, error);
        return this.#settleResume(jobSet.namespace, patch);
    }
  }

  /** The error, if it failed. */
  async #sendPatch(jobSet: JobSet, patch: JobPatch, surroundings: JobSurroundings): Promise<unknown> {
    const { action, done } = PATCH_WORDS[patch.change.kind];
    const { namespace } = jobSet;
    const isWanted = () => this.#isPatchWanted(jobSet, patch);
    try {
      if (patch.change.kind === "suspend" && patch.change.ifOutdated) {
        const request = requests.getJob(namespace, patch.name);
        const body = await this.#context.request({ ...request, isWanted });
        this.#context.observeJob(body);
        if (!isWanted()) throw notWanted(request.path);
        if (!isOutdated(jobSet, asObject(body) ?? {}, surroundings)) {
          this.upToDate.add(patch.name);
          throw notWanted(request.path);
        }
      }
      for (const request of requests.patchJob(namespace, patch, this.#context.jobs.get(namespace, patch.name))) {
        this.#context.observeJob(await this.#context.request({ ...request, isWanted }));
      }
      this.#context.logEffect(done, namespace, patch.name);
      this.#context.succeeded(action);
      return undefined;
    } catch (error) {
      if (isNotWanted(error)) return error;
      this.#context.logFailure(error, { action, object: objectKey(namespace, patch.name) });
      return error ?? new Error("failed without an error");
    }
  }

  #settlePatch({ uid, change: { kind } }: JobPatch, isFailed: boolean): void {
    const release = () => {
      this.#inFlight.patches.delete(uid);
      this.#context.wake();
    };
    if (isFailed) return this.#context.retries.later(`${kind}/${uid}`, CAP_MS, release);
    if (kind !== "scale") this.#context.retries.reset(`${kind}/${uid}`);
    release();
  }

  /** Another controller may suspend the Job again and again (spec 9, K4): each further resume waits longer. */
  #settleResume(namespace: string, { name, uid }: JobPatch): void {
    const { patches, resumes } = this.#inFlight;
    patches.delete(uid);
    resumes.add(uid);
    this.#context.retries.later(`resume/${uid}`, RESUME_CAP_MS, () => {
      resumes.delete(uid);
      if (this.#context.jobs.get(namespace, name)?.suspend) this.#context.wake();
    });
    this.#context.wake();
  }

  async #deleteJobSet(jobSet: JobSet): Promise<void> {
    this.#inFlight.jobSetDelete = true;
    try {
      await this.#context.request({ ...requests.deleteJobSet(jobSet), isWanted: () => this.#isExpired() });
      this.#context.logEffect("deleted JobSet after its time to live", jobSet.namespace, jobSet.name);
    } catch (error) {
      if (isNotFound(error)) return;
      if (isNotWanted(error)) {
        this.#inFlight.jobSetDelete = false;
        return this.#context.wake();
      }
      this.#context.logFailure(error, { action: "deleting JobSet", object: objectKey(jobSet.namespace, jobSet.name) });
      this.#context.retries.later("jobset", CAP_MS, () => {
        this.#inFlight.jobSetDelete = false;
        this.#context.wake();
      });
    }
  }

  /** Its time to live may have been changed while the delete waited. */
  #isExpired(): boolean {
    const { jobSet, clock } = this.#context;
    const now = clock.now();
    return jobSet !== undefined && now >= (expiresAt(jobSet, now) ?? Infinity);
  }
}
