/** The status as a plan changes it: conditions, counters, restarts, and the events that tell of the changes. */
import type { JsonObject } from "../base/json.ts";
import type { JobSetConditionType } from "../api/conditions.ts";
import type { JobSet } from "../api/job_set.ts";
import { type Counters, countersDiffer, replicatedJobsStatus } from "./counters.ts";
import type { JobRestartLists } from "./job_restarts.ts";
import type { EventDraft, StatusWrite } from "./types.ts";

export interface ConditionChange {
  readonly type: JobSetConditionType;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

/** Conditions of which only one may be True (spec 3.7). */
const EXCLUDED_BY: Partial<Record<JobSetConditionType, JobSetConditionType>> = {
  StartupPolicyInProgress: "StartupPolicyCompleted",
  StartupPolicyCompleted: "StartupPolicyInProgress",
};

export class StatusDraft {
  readonly events: EventDraft[] = [];
  readonly #jobSet: JobSet;
  readonly #time: string;
  readonly #conditions: JsonObject[];
  readonly #otherFields: Record<string, unknown> = {};
  readonly #jobRestarts = new Map<string, JobRestartLists>();
  #counters: ReadonlyMap<string, Counters>;
  #conditionsChanged = false;

  constructor(options: { jobSet: JobSet; counters: ReadonlyMap<string, Counters>; now: number }) {
    this.#jobSet = options.jobSet;
    this.#counters = options.counters;
    this.#time = formatTime(options.now);
    this.#conditions = options.jobSet.status.conditions.map((condition) => condition.raw);
  }

  /** Spec 3.9: added only when it becomes True; a status change sets the time; each change makes an event. */
  setCondition(change: ConditionChange): void {
    const index = this.#indexOf(change.type);
    const old = this.#conditions[index];
    if (old === undefined && change.status === "False") return;
    if (old !== undefined && sameCondition(old, change)) return;
    const isTransition = old?.["status"] !== change.status;
    const lastTransitionTime = isTransition ? this.#time : old?.["lastTransitionTime"] ?? this.#time;
    this.#put(index, { ...old, ...change, lastTransitionTime });
    this.#excludeTwin(change);
    this.addEvent({ type: eventType(change), reason: change.reason, note: change.message });
  }

  /** This plan raises `restarts`. */
  get isRestarting(): boolean {
    return this.#otherFields["restarts"] !== undefined;
  }

  /** Spec 3.12. */
  setExecutionAttempts(attempts: number): void {
    this.#otherFields["executionAttempts"] = attempts;
  }

  /** All counters of every replicatedJob, in place of those counted at the start of the plan. */
  setCounters(counters: ReadonlyMap<string, Counters>): void {
    this.#counters = counters;
  }

  setRestarts(restarts: { restarts: number; restartsCountTowardsMax: number }): void {
    this.#otherFields["restarts"] = restarts.restarts;
    if (restarts.restartsCountTowardsMax !== this.#jobSet.status.restartsCountTowardsMax) {
      this.#otherFields["restartsCountTowardsMax"] = restarts.restartsCountTowardsMax;
    }
  }

  /** Spec 5.1: what the agents read. */
  setInPlaceRestart(
    attempts: {
      readonly previousInPlaceRestartAttempt?: number | null;
      readonly currentInPlaceRestartAttempt?: number | null;
    },
  ): void {
    Object.assign(this.#otherFields, attempts);
  }

  /** The lists of one replicatedJob, each as a whole. */
  setJobRestarts(replicatedJob: string, lists: JobRestartLists): void {
    this.#jobRestarts.set(replicatedJob, lists);
  }

  setTerminalState(state: "Completed" | "Failed"): void {
    this.#otherFields["terminalState"] = state;
  }

  addEvent(event: EventDraft): void {
    this.events.push(event);
  }

  /** The write that the changes ask for, if any. `restarts` is in every write (spec 1.2). */
  write(): StatusWrite | undefined {
    const fields: Record<string, unknown> = { ...this.#otherFields };
    const raisesJobs = this.#jobRestarts.size > 0;
    const changesMore = this.#conditionsChanged || raisesJobs || Object.keys(fields).length > 0;
    const changesCounters = countersDiffer(this.#jobSet, this.#counters);
    if (!changesMore && !changesCounters) return undefined;
    if (this.#conditionsChanged) fields["conditions"] = this.#conditions;
    if (changesCounters || raisesJobs) {
      fields["replicatedJobsStatus"] = replicatedJobsStatus(this.#jobSet, this.#counters, this.#jobRestarts);
    }
    fields["restarts"] ??= this.#jobSet.status.restarts;
    return { fields, onlyCounters: !changesMore };
  }

  #indexOf(type: string): number {
    return this.#conditions.findIndex((condition) => condition["type"] === type);
  }

  #put(index: number, condition: JsonObject): void {
    this.#conditionsChanged = true;
    if (index >= 0) this.#conditions[index] = condition;
    // The terminal condition leads: clients take the first true or the first newest one (spec 9, C8 and C9).
    else if (condition["type"] === "Completed" || condition["type"] === "Failed") this.#conditions.unshift(condition);
    else this.#conditions.push(condition);
  }

  #excludeTwin(change: ConditionChange): void {
    const twin = EXCLUDED_BY[change.type];
    if (twin === undefined || change.status !== "True") return;
    const index = this.#indexOf(twin);
    const old = this.#conditions[index];
    if (old?.["status"] === "True") this.#put(index, { ...old, status: "False" });
  }
}

function sameCondition(old: JsonObject, change: ConditionChange): boolean {
  return old["status"] === change.status && old["reason"] === change.reason && old["message"] === change.message;
}

function eventType(change: ConditionChange): EventDraft["type"] {
  const isWarning = change.type === "Failed" || (change.type === "RestartingJobSet" && change.status === "True");
  return isWarning ? "Warning" : "Normal";
}

/** RFC 3339 with second precision (spec 3.9). */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
