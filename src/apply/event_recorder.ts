/** Writes Events (spec 3.10): repeats merged into one series, few writes per object, never a failure to the caller. */
import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { API_VERSION, KIND } from "../api/keys.ts";
import { objectKey } from "../api/names.ts";
import { isNotFound } from "../client/api_error.ts";
import type { KubeClient } from "../client/kube_client.ts";
import type { EventDraft } from "../plan/types.ts";
import { eventBody, seriesBody } from "./event_body.ts";

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
/** Different Events waiting for one object; beyond this the newest is dropped and logged. */
const MAX_WAITING = 100;
/** Objects remembered; the one unused for longest goes first. */
const MAX_OBJECTS = 5_000;
const FLUSH_MS = 2_000;

/** One Event object of the cluster, or one about to be made. */
interface Series {
  readonly draft: EventDraft;
  readonly regarding: Regarding;
  readonly startedAt: number;
  lastAt: number;
  count: number;
  /** Unset until it was written. */
  name: string | undefined;
  isDirty: boolean;
  isWriting: boolean;
}

interface ObjectEvents {
  readonly series: Map<string, Series>;
  tokens: number;
  refilledAt: number;
  timer: Timer | undefined;
}

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #objects = new Map<string, ObjectEvents>();
  readonly #writes = new Set<Promise<void>>();
  #sequence = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Takes an Event to be written soon. */
  emit(regarding: Regarding, draft: EventDraft): void {
    const object = this.#object(regarding.uid);
    const now = this.#options.clock.now();
    const key = JSON.stringify([draft.type, draft.reason, draft.note]);
    const known = object.series.get(key);
    if (known !== undefined && now - known.lastAt < SERIES_MS) {
      known.count++;
      known.lastAt = now;
      known.isDirty = true;
    } else {
      if (!this.#hasRoom(object, regarding)) return;
      object.series.set(key, {
        draft,
        regarding,
        startedAt: now,
        lastAt: now,
        count: 1,
        name: undefined,
        isDirty: true,
        isWriting: false,
      });
    }
    this.#write(object);
  }

  /** Writes what waits, whatever the limit, for two seconds at most. */
  async stop(): Promise<void> {
    for (const object of this.#objects.values()) {
      object.timer?.cancel();
      object.tokens = Number.POSITIVE_INFINITY;
      this.#write(object);
    }
    const { clock } = this.#options;
    const deadline = new Promise<void>((resolve) => clock.after(FLUSH_MS, resolve));
    await Promise.race([Promise.all(this.#writes), deadline]);
  }

  #object(uid: string): ObjectEvents {
    const { clock } = this.#options;
    const object = this.#objects.get(uid) ??
      { series: new Map(), tokens: BURST, refilledAt: clock.monotonic(), timer: undefined };
    this.#objects.delete(uid);
    this.#objects.set(uid, object);
    if (this.#objects.size > MAX_OBJECTS) {
      for (const [oldest, { timer }] of this.#objects) {
        timer?.cancel();
        this.#objects.delete(oldest);
        break;
      }
    }
    return object;
  }

  #hasRoom(object: ObjectEvents, regarding: Regarding): boolean {
    if (object.series.size < MAX_WAITING) return true;
    for (const [key, series] of object.series) {
      if (series.isDirty || series.isWriting) continue;
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
    this.#refill(object);
    for (const series of object.series.values()) {
      if (!series.isDirty || series.isWriting) continue;
      if (object.tokens < 1) return this.#writeLater(object);
      object.tokens--;
      series.isDirty = false;
      series.isWriting = true;
      const write = this.#send(series).finally(() => {
        series.isWriting = false;
        this.#writes.delete(write);
        if (series.isDirty) this.#write(object);
      });
      this.#writes.add(write);
    }
  }

  #writeLater(object: ObjectEvents): void {
    if (object.timer !== undefined) return;
    object.timer = this.#options.clock.after(REFILL_MS, () => {
      object.timer = undefined;
      this.#write(object);
    });
  }

  #refill(object: ObjectEvents): void {
    const now = this.#options.clock.monotonic();
    object.tokens = Math.max(object.tokens, Math.min(BURST, object.tokens + (now - object.refilledAt) / REFILL_MS));
    object.refilledAt = now;
  }

  async #send(series: Series): Promise<void> {
    const { regarding } = series;
    const path = `/apis/events.k8s.io/v1/namespaces/${regarding.namespace}/events`;
    try {
      if (series.name !== undefined && await this.#patchSeries(`${path}/${series.name}`, series)) return;
      series.name = this.#newName(regarding.name);
      const body = eventBody({
        name: series.name,
        regarding: { apiVersion: API_VERSION, kind: KIND, ...regarding },
        draft: series.draft,
        startedAt: series.startedAt,
        lastAt: series.lastAt,
        count: series.count,
        instance: this.#options.instance,
      });
      await this.#options.client.request({ method: "POST", path, body });
    } catch (error) {
      series.name = undefined;
      this.#options.log.info(0, "an Event could not be written", {
        jobSet: objectKey(regarding.namespace, regarding.name),
        reason: series.draft.reason,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** False where the Event has expired and must be made again. */
  async #patchSeries(path: string, series: Series): Promise<boolean> {
    try {
      await this.#options.client.request({
        method: "PATCH",
        path,
        contentType: "application/merge-patch+json",
        body: { series: seriesBody(series) },
      });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** A name that no other Event has: the object's, the time, and a number. */
  #newName(objectName: string): string {
    this.#sequence = (this.#sequence + 1) % 0x10000;
    const time = Math.round(this.#options.clock.now()).toString(16);
    const suffix = `.${time}${this.#sequence.toString(16).padStart(4, "0")}`;
    return `${objectName.slice(0, 253 - suffix.length)}${suffix}`;
  }
}
