/** What the judges read in a JobSet. The spec is read by the views of the API; the status here, strictly. */
import { asArray, asInteger, asObject, asString, at, type JsonObject } from "../../../src/base/json.ts";
import { type JobSet, readJobSet } from "../../../src/api/job_set.ts";

export const COUNTERS = ["ready", "succeeded", "failed", "active", "suspended"] as const;
export type Counts = Readonly<Record<typeof COUNTERS[number], number>>;

export interface ConditionFacts {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly time: string;
}

export interface ReplicatedJobFacts {
  readonly counts: Counts;
  readonly jobRestarts: readonly number[];
  readonly jobRestartsCounted: readonly number[];
}

export interface StatusFacts {
  readonly restarts: number;
  readonly counted: number;
  readonly terminalState: string;
  readonly executionAttempts: number | undefined;
  readonly conditions: readonly ConditionFacts[];
  readonly replicatedJobs: ReadonlyMap<string, ReplicatedJobFacts>;
}

export interface JobSetFacts {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly isDeleting: boolean;
  readonly isForeign: boolean;
  readonly object: JsonObject;
  /** Its status is not read: see `status`. */
  readonly spec: JobSet;
  readonly status: StatusFacts;
}

/** `known` is the state before this one: what cannot have changed is not read again. */
export function readJobSetFacts(object: JsonObject, known?: JobSetFacts): JobSetFacts {
  const metadata = asObject(object["metadata"]) ?? {};
  const spec = known !== undefined && isSameSpec(known.object, object) ? known.spec : readJobSet(object);
  if (spec === undefined) throw new Error("a JobSet is stored without its names");
  return {
    uid: asString(metadata["uid"]) ?? "",
    namespace: asString(metadata["namespace"]) ?? "",
    name: asString(metadata["name"]) ?? "",
    isDeleting: metadata["deletionTimestamp"] !== undefined,
    isForeign: !spec.isManagedHere,
    object,
    spec,
    status: readStatus(object["status"]),
  };
}

export function conditionOf({ conditions }: StatusFacts, type: string): ConditionFacts | undefined {
  return conditions.find((condition) => condition.type === type);
}

export function isTrue(status: StatusFacts, type: string): boolean {
  return conditionOf(status, type)?.status === "True";
}

/** The true Completed or Failed. */
export function terminalOf(status: StatusFacts): ConditionFacts | undefined {
  return status.conditions.find(({ type, status }) => (type === "Completed" || type === "Failed") && status === "True");
}

/** How often the Job of this place was restarted alone. */
export function jobRestartsAt({ replicatedJobs }: StatusFacts, replicatedJob: string, index: number): number {
  return replicatedJobs.get(replicatedJob)?.jobRestarts[index] ?? 0;
}

function isSameSpec(one: JsonObject, other: JsonObject): boolean {
  return one["spec"] === other["spec"] ||
    (at(one, "metadata", "generation") !== undefined &&
      at(one, "metadata", "generation") === at(other, "metadata", "generation"));
}

function readStatus(value: unknown): StatusFacts {
  const status = asObject(value) ?? {};
  return {
    restarts: asInteger(status["restarts"]) ?? 0,
    counted: asInteger(status["restartsCountTowardsMax"]) ?? 0,
    terminalState: asString(status["terminalState"]) ?? "",
    executionAttempts: asInteger(status["executionAttempts"]),
    conditions: asArray(status["conditions"]).map((condition) => ({
      type: asString(at(condition, "type")) ?? "",
      status: asString(at(condition, "status")) ?? "",
      reason: asString(at(condition, "reason")) ?? "",
      message: asString(at(condition, "message")) ?? "",
      time: asString(at(condition, "lastTransitionTime")) ?? "",
    })),
    replicatedJobs: new Map(
      asArray(status["replicatedJobsStatus"]).map((entry) => [
        asString(at(entry, "name")) ?? "",
        {
          counts: {
            ready: asInteger(at(entry, "ready")) ?? Number.NaN,
            succeeded: asInteger(at(entry, "succeeded")) ?? Number.NaN,
            failed: asInteger(at(entry, "failed")) ?? Number.NaN,
            active: asInteger(at(entry, "active")) ?? Number.NaN,
            suspended: asInteger(at(entry, "suspended")) ?? Number.NaN,
          },
          jobRestarts: integers(at(entry, "jobRestarts")),
          jobRestartsCounted: integers(at(entry, "jobRestartsCountTowardsMax")),
        },
      ]),
    ),
  };
}

function integers(value: unknown): readonly number[] {
  return asArray(value).map((entry) => asInteger(entry) ?? Number.NaN);
}
