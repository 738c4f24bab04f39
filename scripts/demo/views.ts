/** The fields of JobSets, Jobs and Pods that the demo shows. On purpose not the product's own readers. */
import { asArray, asInteger, asString, asStringMap, at, type JsonObject } from "../../src/base/json.ts";
import { type Condition, readConditions, trueCondition } from "../../src/api/conditions.ts";

/** An entry of `spec.replicatedJobs`. */
export interface GroupView {
  readonly name: string;
  readonly replicas: number;
  /** Such as `driver to be Ready`. */
  readonly waitsFor: readonly string[];
}

export interface JobSetView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly isDeleting: boolean;
  readonly restarts: number;
  readonly maxRestarts: number;
  readonly terminalState: string | undefined;
  readonly conditions: readonly Condition[];
  readonly groups: readonly GroupView[];
}

export interface JobView {
  readonly name: string;
  readonly uid: string;
  readonly ownerUid: string;
  readonly group: string;
  readonly index: number;
  readonly attempt: number;
  readonly isDeleting: boolean;
  /** Pods that run at once. */
  readonly size: number;
  readonly active: number;
  readonly ready: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly conditions: readonly Condition[];
}

export interface PodView {
  readonly name: string;
  readonly uid: string;
  readonly ownerUid: string;
  readonly node: string;
  readonly isDeleting: boolean;
  readonly phase: string;
  readonly isReady: boolean;
  readonly exitCode: number | undefined;
  /** Of all containers together. */
  readonly containerRestarts: number;
  /** Why it can't run, in the words of the scheduler or the kubelet. */
  readonly problem: string | undefined;
}

/** What stands in the cluster at one moment, each list in the order of names. */
export interface Snapshot {
  readonly jobSets: readonly JobSetView[];
  readonly jobs: readonly JobView[];
  readonly pods: readonly PodView[];
}

export function readJobSetView(object: JsonObject): JobSetView {
  const spec = at(object, "spec");
  return {
    ...metadata(object),
    restarts: asInteger(at(object, "status", "restarts")) ?? 0,
    maxRestarts: asInteger(at(spec, "failurePolicy", "maxRestarts")) ?? 0,
    terminalState: asString(at(object, "status", "terminalState")),
    conditions: readConditions(at(object, "status", "conditions")),
    groups: asArray(at(spec, "replicatedJobs")).map((group) => ({
      name: asString(at(group, "name")) ?? "",
      replicas: asInteger(at(group, "replicas")) ?? 1,
      waitsFor: asArray(at(group, "dependsOn")).map((entry) =>
        `${asString(at(entry, "name"))} to be ${asString(at(entry, "status"))}`
      ),
    })),
  };
}

export function readJobView(object: JsonObject): JobView {
  const labels = asStringMap(at(object, "metadata", "labels"));
  const count = (field: string) => asInteger(at(object, "status", field)) ?? 0;
  const parallelism = asInteger(at(object, "spec", "parallelism")) ?? 1;
  return {
    ...metadata(object),
    ownerUid: ownerUid(object),
    group: labels["jobset.sigs.k8s.io/replicatedjob-name"] ?? "",
    index: Number(labels["jobset.sigs.k8s.io/job-index"] ?? "0"),
    attempt: Number(labels["jobset.sigs.k8s.io/restart-attempt"] ?? "0"),
    size: Math.min(parallelism, asInteger(at(object, "spec", "completions")) ?? parallelism),
    active: count("active"),
    ready: count("ready"),
    succeeded: count("succeeded"),
    failed: count("failed"),
    conditions: readConditions(at(object, "status", "conditions")),
  };
}

export function readPodView(object: JsonObject): PodView {
  const statuses = asArray(at(object, "status", "containerStatuses"));
  const exitCodes = statuses.map((status) => asInteger(at(status, "state", "terminated", "exitCode")));
  const conditions = readConditions(at(object, "status", "conditions"));
  const unscheduled = conditions.find(({ type, status }) => type === "PodScheduled" && status === "False");
  return {
    ...metadata(object),
    ownerUid: ownerUid(object),
    node: asString(at(object, "spec", "nodeName")) ?? "",
    phase: asString(at(object, "status", "phase")) ?? "Pending",
    isReady: trueCondition(conditions, "Ready") !== undefined,
    exitCode: exitCodes.find((code) => code !== undefined && code !== 0) ?? exitCodes.find((code) => code === 0),
    containerRestarts: statuses.reduce<number>((sum, status) => sum + (asInteger(at(status, "restartCount")) ?? 0), 0),
    problem: unscheduled?.message ?? asString(at(object, "status", "message")),
  };
}

/** One word for how a JobSet stands. */
export function jobSetState({ conditions, terminalState, isDeleting }: JobSetView): string {
  if (terminalState !== undefined) return terminalState;
  if (isDeleting) return "being deleted";
  if (trueCondition(conditions, "Suspended") !== undefined) return "Suspended";
  return trueCondition(conditions, "RestartingJobSet") === undefined ? "Running" : "Restarting";
}

/** One word for how a Job stands; `Failing`: its fate is sealed, its last Pods are going. */
export function jobState({ conditions, isDeleting }: JobView): string {
  const states = { Failed: "Failed", Complete: "Complete", FailureTarget: "Failing", Suspended: "Suspended" };
  for (const [type, state] of Object.entries(states)) {
    if (trueCondition(conditions, type) !== undefined) return isDeleting ? `${state}, being deleted` : state;
  }
  return isDeleting ? "being deleted" : "Running";
}

/** The condition that a JobSet ended with. */
export function endOf({ conditions }: JobSetView): Condition | undefined {
  return trueCondition(conditions, "Completed") ?? trueCondition(conditions, "Failed");
}

export function hasFailed({ conditions }: JobView): boolean {
  return ["Failed", "FailureTarget"].some((type) => trueCondition(conditions, type) !== undefined);
}

/** As JobSet counts it: every Pod that should run is ready or has succeeded. */
export function isReadyJob({ ready, succeeded, size }: JobView): boolean {
  return ready + succeeded >= size;
}

export function podState(pod: PodView): string {
  const exit = pod.exitCode === undefined || pod.phase !== "Failed" ? "" : ` with exit code ${pod.exitCode}`;
  const ready = pod.phase !== "Running" ? "" : pod.isReady ? ", ready" : ", not ready yet";
  return `${pod.phase}${exit}${ready}${pod.isDeleting ? ", being deleted" : ""}`;
}

function metadata(object: JsonObject) {
  const field = (name: string) => asString(at(object, "metadata", name)) ?? "";
  const isDeleting = at(object, "metadata", "deletionTimestamp") !== undefined;
  return { namespace: field("namespace"), name: field("name"), uid: field("uid"), isDeleting };
}

function ownerUid(object: JsonObject): string {
  const owner = asArray(at(object, "metadata", "ownerReferences")).find((entry) => at(entry, "controller") === true);
  return asString(at(owner, "uid")) ?? "";
}
