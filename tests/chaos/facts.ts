/** What the judges read of JobSets and Jobs. On purpose not the product's readers: they must not share their bugs. */
import { asArray, asInteger, asString, asStringMap, at, type JsonObject } from "../../src/base/json.ts";

const KEY = "jobset.sigs.k8s.io/";

export interface JobFacts {
  readonly uid: string;
  readonly name: string;
  readonly ownerUid: string;
  readonly replicatedJob: string;
  readonly attempt: number;
  readonly isSuspended: boolean;
  readonly isDeleting: boolean;
  /** True conditions. */
  readonly conditions: readonly string[];
  readonly active: number;
  readonly ready: number;
  readonly succeeded: number;
  /** As many Pods as must be ready for the Job to be. */
  readonly wanted: number;
}

export interface JobSetFacts {
  readonly uid: string;
  readonly name: string;
  readonly isSuspended: boolean;
  readonly isDeleting: boolean;
  readonly isForeign: boolean;
  readonly isBlocking: boolean;
  readonly maxRestarts: number;
  readonly ttlSeconds: number | undefined;
  readonly replicatedJobs: readonly { readonly name: string; readonly replicas: number }[];
  readonly restarts: number;
  readonly counted: number;
  readonly terminalState: string;
  readonly conditions: Readonly<Record<string, { readonly status: string; readonly since: string }>>;
  readonly counters: ReadonlyMap<string, JsonObject>;
}

export function jobFacts(job: JsonObject): JobFacts {
  const labels = asStringMap(at(job, "metadata", "labels"));
  const owner = asArray(at(job, "metadata", "ownerReferences")).find((entry) => at(entry, "controller") === true);
  const parallelism = asInteger(at(job, "spec", "parallelism")) ?? 1;
  const completions = asInteger(at(job, "spec", "completions")) ?? parallelism;
  const count = (field: string) => asInteger(at(job, "status", field)) ?? 0;
  return {
    uid: asString(at(job, "metadata", "uid")) ?? "",
    name: asString(at(job, "metadata", "name")) ?? "",
    ownerUid: asString(at(owner, "uid")) ?? "",
    replicatedJob: labels[`${KEY}replicatedjob-name`] ?? "",
    attempt: Number(labels[`${KEY}restart-attempt`]),
    isSuspended: at(job, "spec", "suspend") === true,
    isDeleting: asString(at(job, "metadata", "deletionTimestamp")) !== undefined,
    conditions: asArray(at(job, "status", "conditions")).filter((entry) => at(entry, "status") === "True")
      .map((entry) => asString(at(entry, "type")) ?? ""),
    active: count("active"),
    ready: count("ready"),
    succeeded: count("succeeded"),
    wanted: Math.min(parallelism, completions),
  };
}

export function jobSetFacts(jobSet: JsonObject): JobSetFacts {
  const managedBy = asString(at(jobSet, "spec", "managedBy"));
  const conditions = asArray(at(jobSet, "status", "conditions")).map((entry) =>
    [asString(at(entry, "type")) ?? "", {
      status: asString(at(entry, "status")) ?? "",
      since: asString(at(entry, "lastTransitionTime")) ?? "",
    }] as const
  );
  return {
    uid: asString(at(jobSet, "metadata", "uid")) ?? "",
    name: asString(at(jobSet, "metadata", "name")) ?? "",
    isSuspended: at(jobSet, "spec", "suspend") === true,
    isDeleting: asString(at(jobSet, "metadata", "deletionTimestamp")) !== undefined,
    isForeign: managedBy !== undefined && managedBy !== `${KEY}jobset-controller`,
    isBlocking: at(jobSet, "spec", "failurePolicy", "restartStrategy") === "BlockingRecreate",
    maxRestarts: asInteger(at(jobSet, "spec", "failurePolicy", "maxRestarts")) ?? 0,
    ttlSeconds: asInteger(at(jobSet, "spec", "ttlSecondsAfterFinished")),
    replicatedJobs: asArray(at(jobSet, "spec", "replicatedJobs")).map((entry) => ({
      name: asString(at(entry, "name")) ?? "",
      replicas: asInteger(at(entry, "replicas")) ?? 1,
    })),
    restarts: asInteger(at(jobSet, "status", "restarts")) ?? 0,
    counted: asInteger(at(jobSet, "status", "restartsCountTowardsMax")) ?? 0,
    terminalState: asString(at(jobSet, "status", "terminalState")) ?? "",
    conditions: Object.fromEntries(conditions),
    counters: new Map(
      asArray(at(jobSet, "status", "replicatedJobsStatus")).map((entry) => [
        asString(at(entry, "name")) ?? "",
        (entry ?? {}) as JsonObject,
      ]),
    ),
  };
}

export function isFinishedJob({ conditions }: JobFacts): boolean {
  return conditions.includes("Complete") || conditions.includes("Failed");
}

/** Failed for the failure policy (spec 3.1). */
export function isFailing({ conditions }: JobFacts): boolean {
  return conditions.includes("Failed") || conditions.includes("FailureTarget");
}
