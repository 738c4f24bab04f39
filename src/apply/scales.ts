/** The sizes that Jobs were asked to have (gate ElasticJobSet), and when each may be asked for again. */
import { isConflict, isNotFound } from "../client/api_error.ts";
import { messageOf } from "../base/message_of.ts";
import { type EffectContext, gotNoAnswer } from "./effect_context.ts";

const CAP_MS = 1_000_000;

export class Scales {
  /** By uid, the sizes that are not due again: those refused, and those reached just now. */
  readonly waiting = new Map<string, number>();
  readonly #context: EffectContext;
  /** By uid, the size asked for last. */
  readonly #asked = new Map<string, number>();
  /** Uids of Jobs whose newest request was refused. */
  readonly #refused = new Set<string>();
  /** The sizes that were refused and told of, until none is refused any more. */
  readonly #told = new Set<number>();

  constructor(context: EffectContext) {
    this.#context = context;
  }

  /**
   * The same size again waits ever longer, be it refused or undone by another controller; a new one waits for nothing. The first
   * refusal of a size is told: the JobSet's new size was accepted, and its Jobs do not follow.
   */
  settle({ namespace, name, uid, size, error }: {
    namespace: string;
    name: string;
    uid: string;
    size: number;
    /** Undefined where it succeeded. */
    error: unknown;
  }): void {
    const key = `scale/${uid}`;
    if (this.#asked.get(uid) !== size) this.#context.retries.reset(key);
    if (error !== undefined && !isNotFound(error) && !isConflict(error) && !gotNoAnswer(error)) {
      this.#refused.add(uid);
      this.#tell(name, size, error);
    } else {
      this.#noLongerRefused(uid);
    }
    this.#asked.set(uid, size);
    this.waiting.set(uid, size);
    this.#context.retries.later(key, CAP_MS, () => {
      this.waiting.delete(uid);
      const job = this.#context.jobs.get(namespace, name);
      if (job?.uid === uid && (job.parallelism !== size || job.completions !== size)) this.#context.wake();
    });
  }

  /** The Job is going, or gone. */
  forget(uid: string): void {
    this.#noLongerRefused(uid);
    this.#asked.delete(uid);
    this.waiting.delete(uid);
    this.#context.retries.reset(`scale/${uid}`);
  }

  #noLongerRefused(uid: string): void {
    this.#refused.delete(uid);
    if (this.#refused.size === 0) this.#told.clear();
  }

  #tell(name: string, size: number, error: unknown): void {
    if (this.#told.has(size)) return;
    this.#told.add(size);
    const note = `job "${name}" could not be scaled to ${size}: ${messageOf(error)}`;
    this.#context.emit({ type: "Warning", reason: "ElasticScaleFailed", note });
  }
}
