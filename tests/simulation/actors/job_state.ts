/** What the Job controller remembers of a Job's Pods: counted as they change, so that none that is gone goes uncounted. */
import { asArray, asInteger, asObject, asString, at, type JsonObject } from "../../../src/base/json.ts";
import { JOB_COMPLETION_INDEX } from "../../../src/api/keys.ts";
import type { ObjectKey, Write } from "../types.ts";
import { conditionsOf, isDeleting, isTrue, keyOf, metadataOf, specOf, statusOf, uidOf } from "./objects.ts";

export interface PodFacts {
  readonly key: ObjectKey;
  readonly index: number;
  phase: string;
  isReady: boolean;
  isDeleting: boolean;
  /** Is in one of the sums below. */
  isCounted: boolean;
  /** Deleted by the Job controller, because it is not wanted: no failure. */
  isDismissed: boolean;
}

export class JobState {
  readonly key: ObjectKey;
  readonly uid: string;
  readonly #isIndexed: boolean;
  /** podReplacementPolicy Failed: what is being deleted has not failed yet, and is not replaced yet. */
  readonly onlyReplacesFailed: boolean;
  readonly #pods = new Map<string, PodFacts>();
  readonly #succeededIndexes = new Set<number>();
  readonly #exitCodes = new Set<number>();
  #succeeded = 0;
  #failed = 0;
  #lastFailureAtMs = 0;
  #isLetGo = false;

  constructor(job: JsonObject) {
    const spec = specOf(job);
    this.key = keyOf(job);
    this.uid = uidOf(job);
    this.#isIndexed = spec["completionMode"] === "Indexed";
    this.onlyReplacesFailed = spec["podReplacementPolicy"] === "Failed" || spec["podFailurePolicy"] !== undefined;
  }

  /** Takes in a write of one of its Pods; whether that changes anything for the Job. */
  hear({ before, after }: Write, nowMs: number): boolean {
    const pod = after ?? before;
    if (pod === undefined) return false;
    const uid = uidOf(pod);
    const facts = this.#pods.get(uid) ?? newFacts(pod);
    if (after === undefined) {
      this.#pods.delete(uid);
      if (!facts.isCounted && !facts.isDismissed) this.#countFailed(facts, nowMs);
      return true;
    }
    this.#pods.set(uid, facts);
    return this.#update(facts, after, nowMs);
  }

  /** The Job is being deleted: Pods that are deleted from now on do not count as failed. */
  letGo(): void {
    this.#isLetGo = true;
  }

  get pods(): Iterable<PodFacts> {
    return this.#pods.values();
  }

  get failed(): number {
    return this.#failed;
  }

  get lastFailureAtMs(): number {
    return this.#lastFailureAtMs;
  }

  get exitCodes(): ReadonlySet<number> {
    return this.#exitCodes;
  }

  /** Completions that went beyond a number lowered since do not count. */
  succeeded(completions: number | undefined): number {
    if (!this.#isIndexed || completions === undefined) return this.#succeeded;
    let count = 0;
    for (const index of this.#succeededIndexes) if (index < completions) count += 1;
    return count;
  }

  hasSucceeded(index: number): boolean {
    return this.#succeededIndexes.has(index);
  }

  get succeededIndexes(): Iterable<number> {
    return this.#succeededIndexes;
  }

  #update(facts: PodFacts, pod: JsonObject, nowMs: number): boolean {
    const phase = asString(statusOf(pod)["phase"]) ?? "Pending";
    const isReady = isTrue(conditionsOf(pod), "Ready");
    const deleting = isDeleting(pod);
    if (phase === facts.phase && isReady === facts.isReady && deleting === facts.isDeleting) return false;
    facts.phase = phase;
    facts.isReady = isReady;
    facts.isDeleting = deleting;
    if (deleting && this.#isLetGo && phase !== "Succeeded") facts.isDismissed = true;
    if (facts.isCounted || facts.isDismissed) return true;
    if (phase === "Succeeded") this.#countSucceeded(facts);
    else if (phase === "Failed") this.#countFailed(facts, nowMs, exitCodeOf(pod));
    else if (deleting && !this.onlyReplacesFailed) this.#countFailed(facts, nowMs);
    return true;
  }

  #countSucceeded(facts: PodFacts): void {
    facts.isCounted = true;
    this.#succeeded += 1;
    if (facts.index >= 0) this.#succeededIndexes.add(facts.index);
  }

  #countFailed(facts: PodFacts, nowMs: number, exitCode = 0): void {
    facts.isCounted = true;
    this.#failed += 1;
    this.#lastFailureAtMs = nowMs;
    if (exitCode > 0) this.#exitCodes.add(exitCode);
  }
}

/** Still runs, or will. */
export function isActive({ phase, isDeleting }: PodFacts): boolean {
  return !isDeleting && phase !== "Succeeded" && phase !== "Failed";
}

export function isTerminating({ phase, isDeleting }: PodFacts): boolean {
  return isDeleting && phase !== "Succeeded" && phase !== "Failed";
}

function newFacts(pod: JsonObject): PodFacts {
  const index = asString(asObject(metadataOf(pod)["labels"])?.[JOB_COMPLETION_INDEX]);
  return {
    key: keyOf(pod),
    index: index === undefined ? -1 : Number(index),
    phase: "",
    isReady: false,
    isDeleting: false,
    isCounted: false,
    isDismissed: false,
  };
}

function exitCodeOf(pod: JsonObject): number {
  const container = asArray(statusOf(pod)["containerStatuses"])[0];
  return asInteger(at(container, "state", "terminated", "exitCode")) ?? 0;
}
