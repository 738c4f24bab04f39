/** What the requests of one JobSet share: the client, the caches that see the answers, back-off, log and events. */
import { messageOf } from "../base/message_of.ts";
import type { Clock } from "../base/clock.ts";
import { asObject } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { type Job, readJob } from "../api/job.ts";
import { type JobSet, terminalCondition } from "../api/job_set.ts";
import { objectKey } from "../api/names.ts";
import { readService, type Service } from "../api/service.ts";
import type { ObjectCache } from "../cache/object_cache.ts";
import { ApiError, isInvalid, isNotFound } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import type { EventDraft } from "../plan/types.ts";
import { Retries } from "./retries.ts";

export interface EffectsOptions {
  readonly client: KubeClient;
  /** The JobSet as it is known now; undefined once it is gone, whatever has its name. */
  readonly jobSet: () => JobSet | undefined;
  readonly jobs: ObjectCache<Job>;
  readonly services: ObjectCache<Service>;
  readonly clock: Clock;
  readonly log: Log;
  /** Asks for another plan of this JobSet. */
  readonly wake: () => void;
  readonly emit: (event: EventDraft) => void;
}

export class EffectContext {
  readonly jobs: ObjectCache<Job>;
  readonly services: ObjectCache<Service>;
  readonly retries: Retries;
  readonly #options: EffectsOptions;
  /** Actions whose newest try failed: the first failure in a row is logged for the operator. */
  readonly #failing = new Set<string>();
  #isStopped = false;

  constructor(options: EffectsOptions) {
    this.#options = options;
    this.jobs = options.jobs;
    this.services = options.services;
    this.retries = new Retries(options.clock);
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The JobSet as it is known now, unless there is nothing to be done for it any more (spec 3). */
  get jobSet(): JobSet | undefined {
    const jobSet = this.#isStopped ? undefined : this.#options.jobSet();
    return jobSet?.isDeleting === false && jobSet.isManagedHere ? jobSet : undefined;
  }

  /** Neither gone nor finished: whoever has waited to make something for it still may. */
  get isGoingOn(): boolean {
    const { jobSet } = this;
    return jobSet !== undefined && terminalCondition(jobSet.status) === undefined;
  }

  /** Gives up the retries; what fails from now on is nobody's business. */
  stop(): void {
    this.#isStopped = true;
    this.retries.stop();
  }

  request(request: KubeRequest): Promise<unknown> {
    return this.#options.client.request(request);
  }

  wake(): void {
    this.#options.wake();
  }

  emit(event: EventDraft): void {
    if (!this.#isStopped) this.#options.emit(event);
  }

  /** A refusal of spec 3.2, told on every try. Where no answer came nothing was refused. */
  report(reason: string, error: unknown): void {
    if (!gotNoAnswer(error)) this.emit({ type: "Warning", reason, note: messageOf(error) });
  }

  /** Lays an answer over the cache. */
  observeJob(body: unknown): Job | undefined {
    const job = readJob(asObject(body) ?? {});
    if (job !== undefined) this.jobs.observeWrite(job);
    return job;
  }

  /** Lays an answer over the cache. */
  observeService(body: unknown): void {
    const service = readService(asObject(body) ?? {});
    if (service !== undefined) this.services.observeWrite(service);
  }

  /** The action works: its next failure is news again. */
  succeeded(action: string): void {
    this.#failing.delete(action);
  }

  /** The first failure in a row of an action is for everybody; a Job that can't be changed yet (422) is expected. */
  logFailure(error: unknown, { action, object }: { action: string; object: string }): void {
    const isNews = !isInvalid(error) && !isNotFound(error) && !this.#isStopped && !this.#failing.has(action);
    if (isNews) this.#failing.add(action);
    const fields = { action, object, error: messageOf(error) };
    this.#options.log.info(isNews ? 0 : 1, "a request failed and is tried again", fields);
  }

  /** Creates that failed come in hundreds: one line for all of them. */
  logRefusals(jobSet: string, jobs: number, error: string): void {
    this.#options.log.info(0, "creating Jobs failed and is tried again", { jobSet, jobs, error });
  }

  logEffect(message: string, namespace: string, name: string): void {
    this.#options.log.info(2, message, { object: objectKey(namespace, name) });
  }
}

/** Neither refused nor done, as far as we know. */
export function gotNoAnswer(error: unknown): boolean {
  return error instanceof ApiError && error.status === 0;
}
