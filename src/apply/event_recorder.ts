/** Writes Events (spec 3.10): repeats merged into one series, few writes per object, never a failure to the caller. */
import { messageOf } from "../base/message_of.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { asArray, at } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { API_VERSION, KIND } from "../api/keys.ts";
import { objectKey } from "../api/names.ts";
import { ApiError, isAlreadyExists, isForbidden, isNotFound, isTransient } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import type { EventDraft } from "../plan/types.ts";
import { cutBytes, eventBody, MAX_NOTE_BYTES, seriesBody } from "./event_body.ts";

/** The object that an Event is about. */
export interface Regarding {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface EventRecorderOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** The name of this process among its replicas. */
  readonly instance: string;
}

/** Spec 3.10: at most one write per second and object beyond a burst of 25. */
const BURST = 25;
const REFILL_MS = 1000;
/** A series ends after this much silence, as client-go has it; the next repeat makes a new Event. */
const SERIES_MS = 6 * 60_000;
/** Series remembered per object; beyond this the newest Event is dropped and logged. */
const MAX_SERIES = 100;
/** Objects remembered; the one unused for longest goes first. */
const MAX_OBJECTS = 5_000;
const FLUSH_MS = 2_000;
/** Tries of a write that gets no answer, or one that may change; each waits twice as long as the one before. */
const MAX_TRIES = 8;
const RETRY_MS = 1000;

/** One Event object of the cluster, or one about to be made. */
interface Series {
  readonly key: string;
  readonly draft: EventDraft;
  readonly regarding: Regarding;
  readonly startedAt: number;
  lastAt: number;
  count: number;
  /** Unset until it is written for the first time. */
  name: string | undefined;
  /** The cluster has it. */
  isMade: boolean;
  isDirty: boolean;
  isWriting: boolean;
  failures: number;
  /** Monotonic time of the next try. */
  notBefore: number;
}

interface ObjectEvents {
  readonly series: Map<string, Series>;
  tokens: number;
  refilledAt: number;
  /** Wall-clock time of the newest Event. */
  usedAt: number;
  /** Nothing more will be told of it. */
  isGone: boolean;
  timer: Timer | undefined;
}

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  /** The one unused for longest comes first. */
  readonly #objects = new Map<string, ObjectEvents>();
  readonly #writes = new Set<Promise<void>>();
  #state: "open" | "flushing" | "closed" = "open";
  #sequence = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Objects remembered: for tests and metrics. */
  get objectCount(): number {
    return this.#objects.size;
  }

  /** Takes an Event to be written soon. Once stopped it takes none. */
  emit(regarding: Regarding, { type, reason, note }: EventDraft): void {
    if (this.#state !== "open") return;
    const now = this.#options.clock.now();
    const object = this.#object(regarding.uid, now);
    // A note may hold the refusals of thousands of Jobs: only what is written is kept.
    const draft: EventDraft = { type, reason, note: cutBytes(note, MAX_NOTE_BYTES) };
    const key = `${type}\n${reason}\n${draft.note}`;
    const known = object.series.get(key);
    if (known !== undefined && now - known.lastAt < SERIES_MS) {
      known.count++;
      known.lastAt = now;
      known.isDirty = true;
    } else {
      if (!this.#makeRoom(object, { regarding, now })) return;
      const { namespace, name, uid } = regarding;
      object.series.set(key, newSeries({ key, draft, regarding: { namespace, name, uid }, now }));
    }
    this.#write(object);
  }

  /** The object of this uid is gone: what is known of it goes as well, once all is written. Else it would stay for minutes. */
  forget(uid: string): void {
    const object = this.#objects.get(uid);
    if (object === undefined) return;
    object.isGone = true;
    this.#dropGone(uid, object);
  }

  /** Writes what waits, whatever the limit, for two seconds at most. */
  async stop(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "flushing";
    for (const object of this.#objects.values()) {
      object.timer?.cancel();
      object.tokens = Number.POSITIVE_INFINITY;
      for (const series of object.series.values()) series.notBefore = 0;
      this.#write(object);
    }
    let timer: Timer | undefined;
    const timeUp = new Promise<void>((resolve) => timer = this.#options.clock.after(FLUSH_MS, resolve));
    await Promise.race([this.#allWritten(), timeUp]);
    timer?.cancel();
    this.#state = "closed";
    this.#objects.clear();
  }

  async #allWritten(): Promise<void> {
    while (this.#writes.size > 0) await Promise.all(this.#writes);
  }

  #object(uid: string, now: number): ObjectEvents {
    const object = this.#objects.get(uid) ??
      {
        series: new Map(),
        tokens: BURST,
        refilledAt: this.#options.clock.monotonic(),
        usedAt: now,
        isGone: false,
        timer: undefined,
      };
    object.usedAt = now;
    this.#objects.delete(uid);
    this.#objects.set(uid, object);
    this.#forgetOld(now);
    return object;
  }

  /** Objects that have been silent, and the oldest beyond the limit. */
  #forgetOld(now: number): void {
    for (const [uid, object] of this.#objects) {
      const isSilent = now - object.usedAt >= SERIES_MS && object.timer === undefined;
      if (!isSilent && this.#objects.size <= MAX_OBJECTS) return;
      object.timer?.cancel();
      this.#objects.delete(uid);
    }
  }

  #dropGone(uid: string, object: ObjectEvents): void {
    const isDone = object.isGone && [...object.series.values()].every(isIdle);
    if (isDone && this.#objects.get(uid) === object) this.#objects.delete(uid);
  }

  #makeRoom(object: ObjectEvents, { regarding, now }: { regarding: Regarding; now: number }): boolean {
    for (const [key, series] of object.series) {
      if (isIdle(series) && now - series.lastAt >= SERIES_MS) object.series.delete(key);
    }
    if (object.series.size < MAX_SERIES) return true;
    for (const [key, series] of object.series) {
      if (!isIdle(series)) continue;
      object.series.delete(key);
      return true;
    }
    this.#options.log.info(0, "too many Events wait for one object: one is dropped", {
      jobSet: objectKey(regarding.namespace, regarding.name),
    });
    return false;
  }

  /** Writes the dirty series as far as the tokens reach, the rest when the next token is there. */
  #write(object: ObjectEvents): void {
    if (this.#state === "closed") return;
    const now = this.#options.clock.monotonic();
    this.#refill(object, now);
    let waitMs = Number.POSITIVE_INFINITY;
    for (const series of object.series.values()) {
      if (!series.isDirty || series.isWriting) continue;
      if (series.notBefore > now) waitMs = Math.min(waitMs, series.notBefore - now);
      else if (object.tokens < 1) waitMs = Math.min(waitMs, Math.ceil((1 - object.tokens) * REFILL_MS));
      else this.#start(object, series);
    }
    if (Number.isFinite(waitMs)) this.#writeLater(object, waitMs);
  }

  #start(object: ObjectEvents, series: Series): void {
    object.tokens--;
    series.isDirty = false;
    series.isWriting = true;
    // To the end of the line: one that is repeated all the time must not take every token.
    object.series.delete(series.key);
    object.series.set(series.key, series);
    const write = this.#send(series).finally(() => {
      series.isWriting = false;
      this.#writes.delete(write);
      if (series.isDirty) this.#write(object);
      this.#dropGone(series.regarding.uid, object);
    });
    this.#writes.add(write);
  }

  #writeLater(object: ObjectEvents, waitMs: number): void {
    object.timer?.cancel();
    object.timer = undefined;
    if (this.#state !== "open") return;
    object.timer = this.#options.clock.after(waitMs, () => {
      object.timer = undefined;
      this.#write(object);
    });
  }

  #refill(object: ObjectEvents, now: number): void {
    object.tokens = Math.max(object.tokens, Math.min(BURST, object.tokens + (now - object.refilledAt) / REFILL_MS));
    object.refilledAt = now;
  }

  async #send(series: Series): Promise<void> {
    try {
      if (!series.isMade || !await this.#isTold(series, this.#patch(series))) await this.#make(series);
      series.failures = 0;
    } catch (error) {
      this.#fail(series, error);
    }
  }

  async #make(series: Series): Promise<void> {
    const isRetry = series.name !== undefined && !series.isMade;
    if (!isRetry) series.name = this.#newName(series.regarding.name);
    const told = series.count;
    try {
      await this.#options.client.request(this.#create(series, series.name ?? ""));
    } catch (error) {
      // The name is ours alone: an earlier try took effect, and its answer was lost.
      if (!isRetry || !isAlreadyExists(error)) throw error;
      if (told > 1) await this.#options.client.request(this.#patch(series));
    }
    series.isMade = true;
  }

  /** False where the Event has expired and must be made again. */
  async #isTold(series: Series, request: KubeRequest): Promise<boolean> {
    try {
      await this.#options.client.request(request);
      return true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      series.isMade = false;
      series.name = undefined;
      return false;
    }
  }

  /** What may pass is tried again; the count goes on either way, so that the next write tells of all repeats. */
  #fail(series: Series, error: unknown): void {
    const { log, clock } = this.#options;
    series.failures++;
    const mayPass = isTransient(error) && series.failures < MAX_TRIES && this.#state === "open";
    if (mayPass) {
      series.isDirty = true;
      series.notBefore = clock.monotonic() + RETRY_MS * 2 ** (series.failures - 1);
    } else series.failures = 0;
    log.info(mayPass || isNamespaceEnding(error) ? 2 : 0, "an Event could not be written", {
      jobSet: objectKey(series.regarding.namespace, series.regarding.name),
      reason: series.draft.reason,
      error: messageOf(error),
    });
  }

  #create(series: Series, name: string): KubeRequest {
    const body = eventBody({
      name,
      regarding: { apiVersion: API_VERSION, kind: KIND, ...series.regarding },
      draft: series.draft,
      startedAt: series.startedAt,
      lastAt: series.lastAt,
      count: series.count,
      instance: this.#options.instance,
    });
    return { method: "POST", path: eventsPath(series), body };
  }

  #patch(series: Series): KubeRequest {
    return {
      method: "PATCH",
      path: `${eventsPath(series)}/${series.name}`,
      contentType: "application/merge-patch+json",
      body: { series: seriesBody(series) },
    };
  }

  /** A name that no other Event has: the object's, the time, and a number. */
  #newName(objectName: string): string {
    this.#sequence = (this.#sequence + 1) % 0x10000;
    const time = Math.round(this.#options.clock.now()).toString(16);
    const suffix = `.${time}${this.#sequence.toString(16).padStart(4, "0")}`;
    // A cut may end in what no part of a name ends in.
    return `${objectName.slice(0, 253 - suffix.length).replace(/[-.]+$/, "")}${suffix}`;
  }
}

function newSeries(
  { key, draft, regarding, now }: { key: string; draft: EventDraft; regarding: Regarding; now: number },
): Series {
  return {
    key,
    draft,
    regarding,
    startedAt: now,
    lastAt: now,
    count: 1,
    name: undefined,
    isMade: false,
    isDirty: true,
    isWriting: false,
    failures: 0,
    notBefore: 0,
  };
}

function isIdle({ isDirty, isWriting }: Series): boolean {
  return !isDirty && !isWriting;
}

function eventsPath({ regarding }: Series): string {
  return `/apis/events.k8s.io/v1/namespaces/${regarding.namespace}/events`;
}

/** A namespace that is being deleted takes nothing new: nobody needs to hear of that. */
function isNamespaceEnding(error: unknown): boolean {
  if (!isForbidden(error) || !(error instanceof ApiError)) return false;
  return asArray(at(error.details, "causes")).some((cause) => at(cause, "reason") === "NamespaceTerminating");
}
