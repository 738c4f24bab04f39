/** What is under way for one JobSet: the requests of its plans, their answers and their retries. */
import type { Clock } from "../base/clock.ts";
import { asObject, asString, at, type JsonObject } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { type Job, readJob } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import { objectKey } from "../api/names.ts";
import { readService, type Service } from "../api/service.ts";
import type { ObjectCache } from "../cache/object_cache.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import { jobFactory } from "../plan/job_factory.ts";
import type { EventDraft, InFlight, JobCreate, JobDelete, JobPatch, ObjectCreate, Plan } from "../plan/types.ts";
import { type Effect, EffectPool } from "./effect_pool.ts";
import * as requests from "./requests.ts";
import { Retries } from "./retries.ts";
import { creationEvent, type Refusal } from "./refusals.ts";

/** Spec 3.2: creates and deletes run at most 50 at a time per JobSet. */
const POOL_SIZE = 50;
/** Freed quota must not wait a quarter of an hour (spec 3.2). */
const CREATE_CAP_MS = 60_000;
const RESUME_CAP_MS = 60_000;
const CAP_MS = 1_000_000;

export interface EffectsOptions {
  readonly client: KubeClient;
  readonly jobs: ObjectCache<Job>;
  readonly services: ObjectCache<Service>;
  readonly clock: Clock;
  readonly log: Log;
  /** Asks for another plan of this JobSet. */
  readonly wake: () => void;
  readonly emit: (event: EventDraft) => void;
}

export class JobSetEffects {
  readonly uid: string;
  /** Claims that exist, or did once: a deleted one is not remade (spec 3.11). */
  readonly knownClaims = new Set<string>();
  /** Jobs seen Complete and then gone, by name, with their restart attempt. */
  readonly succeededAndGone = new Map<string, number>();
  readonly #options: EffectsOptions;
  readonly #retries: Retries;
  readonly #pool = new EffectPool(POOL_SIZE);
  readonly #inFlight = {
    creates: new Set<string>(),
    refused: new Set<string>(),
    deletes: new Set<string>(),
    patches: new Set<string>(),
    service: false,
    claims: new Set<string>(),
    jobSetDelete: false,
  };
  #newRefusals: Refusal[] = [];
  #waitingCreates = 0;
  #isStopped = false;

  constructor(uid: string, options: EffectsOptions) {
    this.uid = uid;
    this.#options = options;
    this.#retries = new Retries(options.clock);
  }

  get inFlight(): InFlight {
    return this.#inFlight;
  }

  /** Starts what the plan asks for; what an earlier plan asked for and was not started is dropped. */
  submit(jobSet: JobSet, plan: Plan): void {
    const build = jobFactory(jobSet);
    this.#waitingCreates = plan.creates.length;
    this.#pool.replace([
      ...plan.deletes.map((target) => this.#effect(() => this.#deleteJob(jobSet, target))),
      ...(plan.service === undefined ? [] : [this.#service(jobSet, plan.service)]),
      ...plan.claims.map((claim) => this.#effect(() => this.#ensureClaim(jobSet, claim))),
      ...plan.creates.map((create) => this.#effect(() => this.#createJob(jobSet, create, build))),
      ...plan.patches.map((patch) => this.#effect(() => this.#patchJob(jobSet, patch))),
      ...(plan.deleteJobSet ? [this.#effect(() => this.#deleteJobSet(jobSet))] : []),
    ]);
  }

  /** Starts nothing more and forgets the retries; resolves once what is under way has settled. */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.#retries.stop();
    return this.#pool.stop();
  }

  #effect(run: () => Promise<void>): Effect {
    return { run };
  }

  #service(jobSet: JobSet, service: ObjectCreate): Effect {
    return this.#effect(() => this.#createService(jobSet, service));
  }

  async #createJob(jobSet: JobSet, create: JobCreate, build: (create: JobCreate) => JsonObject): Promise<void> {
    const { creates } = this.#inFlight;
    this.#waitingCreates--;
    creates.add(create.name);
    const refusal = await this.#tryCreate(jobSet, create, build);
    creates.delete(create.name);
    if (refusal !== undefined && !this.#isStopped) {
      this.#newRefusals.push({ create, text: refusal });
      this.#inFlight.refused.add(create.name);
    }
    this.#settleCreates(jobSet);
    this.#options.wake();
  }

  /** The words of the refusal, if it was refused. */
  async #tryCreate(
    jobSet: JobSet,
    create: JobCreate,
    build: (create: JobCreate) => JsonObject,
  ): Promise<string | undefined> {
    const { namespace } = jobSet;
    try {
      this.#observeJob(await this.#request(requests.createJob(namespace, build(create))));
      this.#logEffect("created Job", namespace, create.name);
      return undefined;
    } catch (error) {
      if (!isAlreadyExists(error)) return messageOf(error);
      return await this.#lookAtNamesake(jobSet, create, messageOf(error));
    }
  }

  /** AlreadyExists: our own Job that the view lacked, or one of somebody else, which is left alone (spec 3.7). */
  async #lookAtNamesake(jobSet: JobSet, create: JobCreate, refusal: string): Promise<string | undefined> {
    try {
      const body = await this.#request(requests.getJob(jobSet.namespace, create.name));
      const job = readJob(asObject(body) ?? {});
      if (job !== undefined) this.#options.jobs.observeWrite(job);
      if (job?.ownerUid === jobSet.uid) return undefined;
      const owner = job === undefined ? "is not owned by a JobSet" : `belongs to JobSet uid "${job.ownerUid}"`;
      return `${refusal}: the existing Job ${owner}`;
    } catch (error) {
      return isNotFound(error) ? refusal : messageOf(error);
    }
  }

  /** Once no create is left of the newest plan: one event for all refusals, then all are tried again together. */
  #settleCreates(jobSet: JobSet): void {
    if (this.#inFlight.creates.size > 0 || this.#waitingCreates > 0 || this.#isStopped) return;
    const { refused } = this.#inFlight;
    if (this.#newRefusals.length === 0) {
      if (refused.size === 0) this.#retries.reset("creates");
      return;
    }
    this.#options.emit(creationEvent(this.#newRefusals));
    this.#options.log.info(0, "creating Jobs was refused", {
      jobSet: objectKey(jobSet.namespace, jobSet.name),
      jobs: this.#newRefusals.length,
      error: this.#newRefusals[0]?.text,
    });
    this.#newRefusals = [];
    this.#retries.later("creates", CREATE_CAP_MS, () => {
      refused.clear();
      this.#options.wake();
    });
  }

  async #deleteJob({ namespace }: JobSet, target: JobDelete): Promise<void> {
    const { deletes } = this.#inFlight;
    deletes.add(target.uid);
    try {
      const answer = await this.#request(requests.deleteJob(namespace, target));
      // Status: the object is gone at once; else it is the Job, which waits for its dependents.
      if (asString(at(answer, "kind")) === "Job") this.#observeJob(answer);
      else this.#options.jobs.observeDelete({ namespace, ...target });
      this.#logEffect("deleted Job", namespace, target.name);
      this.#finish(deletes, target.uid);
    } catch (error) {
      // Gone, or its name is another Job's by now: what we meant to delete does not exist.
      if (isNotFound(error) || isConflict(error)) {
        this.#options.jobs.observeDelete({ namespace, ...target });
        this.#finish(deletes, target.uid);
      } else this.#retry(deletes, target.uid, { error, action: "deleting Job", object: target.name });
    }
  }

  async #patchJob({ namespace }: JobSet, patch: JobPatch): Promise<void> {
    const { patches } = this.#inFlight;
    patches.add(patch.uid);
    try {
      for (const request of requests.patchJob(namespace, patch)) this.#observeJob(await this.#request(request));
      if (patch.change.kind === "suspend") {
        this.#logEffect("suspended Job", namespace, patch.name);
        return this.#finish(patches, patch.uid);
      }
      this.#logEffect("resumed Job", namespace, patch.name);
      // Another controller may suspend the Job again and again (spec 9, K4): each further resume waits longer.
      this.#release(patches, patch.uid, RESUME_CAP_MS);
    } catch (error) {
      if (isNotFound(error)) this.#options.jobs.observeDelete({ namespace, name: patch.name, uid: patch.uid });
      this.#retry(patches, patch.uid, { error, action: "patching Job", object: patch.name });
    }
  }

  async #createService({ namespace }: JobSet, service: ObjectCreate): Promise<void> {
    this.#inFlight.service = true;
    const done = () => {
      this.#inFlight.service = false;
      this.#options.wake();
    };
    try {
      this.#observeService(await this.#request(requests.createService(namespace, service.body)));
      this.#logEffect("created Service", namespace, service.name);
      this.#retries.reset("service");
      done();
    } catch (error) {
      if (isAlreadyExists(error) && await this.#findService(namespace, service.name)) return done();
      this.#report("HeadlessServiceCreationFailed", error);
      this.#retries.later("service", CAP_MS, done);
    }
  }

  /** An existing Service of that name is used as it is, whoever owns it (spec 3.5). */
  async #findService(namespace: string, name: string): Promise<boolean> {
    try {
      this.#observeService(await this.#request(requests.getService(namespace, name)));
      return true;
    } catch {
      return false; // Deleted in between, or the API server is away: the caller tries again.
    }
  }

  async #ensureClaim({ namespace }: JobSet, claim: ObjectCreate): Promise<void> {
    const { claims } = this.#inFlight;
    claims.add(claim.name);
    try {
      if (!await this.#claimExists(namespace, claim.name)) {
        await this.#request(requests.createClaim(namespace, claim.body));
        this.#logEffect("created PersistentVolumeClaim", namespace, claim.name);
      }
    } catch (error) {
      if (!isAlreadyExists(error)) {
        this.#report("PVCCreationFailed", error);
        return this.#retry(claims, claim.name, { error, action: "creating claim", object: claim.name });
      }
    }
    this.knownClaims.add(claim.name);
    this.#finish(claims, claim.name);
  }

  async #claimExists(namespace: string, name: string): Promise<boolean> {
    try {
      await this.#request(requests.getClaim(namespace, name));
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async #deleteJobSet(jobSet: JobSet): Promise<void> {
    this.#inFlight.jobSetDelete = true;
    try {
      await this.#request(requests.deleteJobSet(jobSet));
      this.#logEffect("deleted JobSet after its time to live", jobSet.namespace, jobSet.name);
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return;
      this.#log(error, "deleting JobSet", jobSet.name);
      this.#retries.later("jobset", CAP_MS, () => {
        this.#inFlight.jobSetDelete = false;
        this.#options.wake();
      });
    }
  }

  #request(request: KubeRequest): Promise<unknown> {
    return this.#options.client.request(request);
  }

  #finish(inFlight: Set<string>, key: string): void {
    this.#retries.reset(key);
    inFlight.delete(key);
    this.#options.wake();
  }

  /** Keeps the effect in flight until its back-off is over, so that no plan asks for it before. */
  #retry(inFlight: Set<string>, key: string, failure: { error: unknown; action: string; object: string }): void {
    this.#log(failure.error, failure.action, failure.object);
    this.#release(inFlight, key, CAP_MS);
  }

  #release(inFlight: Set<string>, key: string, capMs: number): void {
    if (this.#isStopped) return;
    this.#retries.later(key, capMs, () => {
      inFlight.delete(key);
      this.#options.wake();
    });
  }

  #report(reason: string, error: unknown): void {
    if (!this.#isStopped) this.#options.emit({ type: "Warning", reason, note: messageOf(error) });
  }

  #observeJob(body: unknown): void {
    const job = readJob(asObject(body) ?? {});
    if (job !== undefined) this.#options.jobs.observeWrite(job);
  }

  #observeService(body: unknown): void {
    const service = readService(asObject(body) ?? {});
    if (service !== undefined) this.#options.services.observeWrite(service);
  }

  #log(error: unknown, action: string, object: string): void {
    this.#options.log.info(1, "a request failed and is tried again", { action, object, error: messageOf(error) });
  }

  #logEffect(message: string, namespace: string, name: string): void {
    this.#options.log.info(2, message, { object: objectKey(namespace, name) });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
