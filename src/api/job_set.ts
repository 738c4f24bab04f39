/** A JobSet as the plan reads it: a view over the stored body, defaults of spec 2.1 applied where they are absent. */
import { asArray, asBoolean, asInteger, asObject, asString, asStringMap, at, type JsonObject } from "../base/json.ts";
import { type Condition, readConditions, trueCondition } from "./conditions.ts";
import type { FeatureGates } from "./feature_gates.ts";
import {
  DISABLE_IN_PLACE_RESTART,
  EXCLUSIVE_TOPOLOGY,
  FORCE_DELETE_AFTER,
  NODE_SELECTOR,
  OWN_MANAGED_BY,
} from "./keys.ts";
import { exclusiveTopology } from "./pod.ts";

export interface ReplicatedJob {
  readonly name: string;
  readonly groupName: string;
  readonly replicas: number;
  /** The JobTemplateSpec as stored; the plan adds the defaults when it builds a Job. */
  readonly template: JsonObject;
  readonly dependsOn: readonly { readonly name: string; readonly status: string }[];
}

export interface FailurePolicyRule {
  readonly name: string;
  readonly action: string;
  readonly onJobFailureReasons: readonly string[];
  readonly onJobFailureMessagePatterns: readonly string[];
  readonly targetReplicatedJobs: readonly string[];
}

export interface FailurePolicy {
  readonly maxRestarts: number;
  readonly restartStrategy: string;
  readonly rules: readonly FailurePolicyRule[];
}

export interface VolumeClaimPolicy {
  readonly templates: readonly JsonObject[];
  readonly whenDeleted: "Delete" | "Retain";
}

export interface Coordinator {
  readonly replicatedJob: string;
  readonly jobIndex: number;
  readonly podIndex: number;
}

/** The counters of one replicatedJob (spec 1.2); `raw` keeps jobRestarts and what else stands there. */
export interface ReplicatedJobStatus {
  readonly name: string;
  readonly ready: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly active: number;
  readonly suspended: number;
  /** Restarts of each Job by its index; empty until the first one (gate RestartJob). */
  readonly jobRestarts: readonly number[];
  readonly jobRestartsCountTowardsMax: readonly number[];
  readonly raw: JsonObject;
}

export interface JobSetStatus {
  readonly conditions: readonly Condition[];
  readonly restarts: number;
  readonly restartsCountTowardsMax: number;
  readonly terminalState: string;
  /** Unset until the first run (gate ExecutionAttemptsTracking). */
  readonly executionAttempts: number | undefined;
  /** Unset until the first restart in place, or until all Pods agree (gate InPlaceRestart). */
  readonly previousInPlaceRestartAttempt: number | undefined;
  readonly currentInPlaceRestartAttempt: number | undefined;
  readonly replicatedJobs: readonly ReplicatedJobStatus[];
}

export interface JobSet {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Another one after each change of the spec; undefined where the API server does not count them. */
  readonly generation: number | undefined;
  readonly isDeleting: boolean;
  /** The exclusive placement annotations of the JobSet itself. */
  readonly placement: Readonly<Record<string, string>>;
  readonly replicatedJobs: readonly ReplicatedJob[];
  readonly network: {
    readonly enableDNSHostnames: boolean;
    readonly subdomain: string;
    readonly publishNotReadyAddresses: boolean;
  };
  readonly successPolicy: { readonly operator: string; readonly targetReplicatedJobs: readonly string[] };
  readonly failurePolicy: FailurePolicy | undefined;
  readonly startupPolicyOrder: string;
  readonly suspend: boolean;
  readonly coordinator: Coordinator | undefined;
  readonly isManagedHere: boolean;
  /** Its agents lift their barriers and do nothing else. */
  readonly isInPlaceRestartDisabled: boolean;
  /** The annotation force-delete-after, unread: it may be no duration. */
  readonly forceDeleteAfter: string | undefined;
  readonly ttlSecondsAfterFinished: number | undefined;
  readonly volumeClaimPolicies: readonly VolumeClaimPolicy[];
  readonly status: JobSetStatus;
}

/** The view of a stored JobSet; undefined for a body without the names that every stored object has. */
export function readJobSet(body: JsonObject): JobSet | undefined {
  const metadata = asObject(body["metadata"]);
  const namespace = asString(metadata?.["namespace"]);
  const name = asString(metadata?.["name"]);
  const uid = asString(metadata?.["uid"]);
  if (namespace === undefined || name === undefined || uid === undefined) return undefined;
  const spec = asObject(body["spec"]) ?? {};
  const network = asObject(spec["network"]);
  const managedBy = spec["managedBy"] ?? undefined;
  return {
    namespace,
    name,
    uid,
    resourceVersion: asString(metadata?.["resourceVersion"]) ?? "",
    generation: asInteger(metadata?.["generation"]),
    isDeleting: asString(metadata?.["deletionTimestamp"]) !== undefined,
    placement: readPlacement(metadata?.["annotations"]),
    replicatedJobs: asArray(spec["replicatedJobs"]).map(readReplicatedJob),
    network: {
      enableDNSHostnames: asBoolean(network?.["enableDNSHostnames"]) ?? true,
      subdomain: asString(network?.["subdomain"]) || name,
      publishNotReadyAddresses: asBoolean(network?.["publishNotReadyAddresses"]) ?? true,
    },
    successPolicy: {
      operator: asString(at(spec, "successPolicy", "operator")) ?? "All",
      targetReplicatedJobs: strings(at(spec, "successPolicy", "targetReplicatedJobs")),
    },
    failurePolicy: readFailurePolicy(spec["failurePolicy"]),
    startupPolicyOrder: asString(at(spec, "startupPolicy", "startupPolicyOrder")) ?? "AnyOrder",
    suspend: asBoolean(spec["suspend"]) ?? false,
    coordinator: readCoordinator(spec["coordinator"]),
    isManagedHere: managedBy === undefined || managedBy === OWN_MANAGED_BY,
    isInPlaceRestartDisabled: at(metadata, "annotations", DISABLE_IN_PLACE_RESTART) !== undefined,
    forceDeleteAfter: asString(at(metadata, "annotations", FORCE_DELETE_AFTER)),
    ttlSecondsAfterFinished: asInteger(spec["ttlSecondsAfterFinished"]),
    volumeClaimPolicies: asArray(spec["volumeClaimPolicies"]).map(readVolumeClaimPolicy),
    status: readStatus(body["status"]),
  };
}

/** Completed or Failed, once one of them is True (spec 3.2). */
export function terminalCondition(status: JobSetStatus): Condition | undefined {
  return trueCondition(status.conditions, "Completed") ?? trueCondition(status.conditions, "Failed");
}

/** The exclusive placement annotations of spec 1.3: node-selector counts only beside exclusive-topology. */
export function readPlacement(annotations: unknown): Readonly<Record<string, string>> {
  const topology = asString(at(annotations, EXCLUSIVE_TOPOLOGY));
  if (topology === undefined) return {};
  const selector = asString(at(annotations, NODE_SELECTOR));
  return { [EXCLUSIVE_TOPOLOGY]: topology, ...(selector === undefined ? {} : { [NODE_SELECTOR]: selector }) };
}

function readReplicatedJob(value: unknown): ReplicatedJob {
  return {
    name: asString(at(value, "name")) ?? "",
    groupName: asString(at(value, "groupName")) || "default",
    replicas: Math.max(0, asInteger(at(value, "replicas")) ?? 1),
    template: asObject(at(value, "template")) ?? {},
    dependsOn: asArray(at(value, "dependsOn")).map((entry) => ({
      name: asString(at(entry, "name")) ?? "",
      status: asString(at(entry, "status")) ?? "",
    })),
  };
}

function readFailurePolicy(value: unknown): FailurePolicy | undefined {
  if (asObject(value) === undefined) return undefined;
  return {
    maxRestarts: asInteger(at(value, "maxRestarts")) ?? 0,
    restartStrategy: asString(at(value, "restartStrategy")) ?? "Recreate",
    rules: asArray(at(value, "rules")).map((rule, index) => ({
      name: asString(at(rule, "name")) || `failurePolicyRule${index}`,
      action: asString(at(rule, "action")) ?? "",
      onJobFailureReasons: strings(at(rule, "onJobFailureReasons")),
      onJobFailureMessagePatterns: strings(at(rule, "onJobFailureMessagePatterns")),
      targetReplicatedJobs: strings(at(rule, "targetReplicatedJobs")),
    })),
  };
}

function readCoordinator(value: unknown): Coordinator | undefined {
  if (asObject(value) === undefined) return undefined;
  return {
    replicatedJob: asString(at(value, "replicatedJob")) ?? "",
    jobIndex: asInteger(at(value, "jobIndex")) ?? 0,
    podIndex: asInteger(at(value, "podIndex")) ?? 0,
  };
}

function readVolumeClaimPolicy(value: unknown): VolumeClaimPolicy {
  return {
    templates: asArray(at(value, "templates")).map((template) => asObject(template) ?? {}),
    whenDeleted: at(value, "retentionPolicy", "whenDeleted") === "Retain" ? "Retain" : "Delete",
  };
}

function readStatus(value: unknown): JobSetStatus {
  return {
    conditions: readConditions(at(value, "conditions")),
    restarts: asInteger(at(value, "restarts")) ?? 0,
    restartsCountTowardsMax: asInteger(at(value, "restartsCountTowardsMax")) ?? 0,
    terminalState: asString(at(value, "terminalState")) ?? "",
    executionAttempts: asInteger(at(value, "executionAttempts")),
    previousInPlaceRestartAttempt: asInteger(at(value, "previousInPlaceRestartAttempt")),
    currentInPlaceRestartAttempt: asInteger(at(value, "currentInPlaceRestartAttempt")),
    replicatedJobs: asArray(at(value, "replicatedJobsStatus")).map(readReplicatedJobStatus),
  };
}

function readReplicatedJobStatus(value: unknown): ReplicatedJobStatus {
  return {
    name: asString(at(value, "name")) ?? "",
    ready: asInteger(at(value, "ready")) ?? 0,
    succeeded: asInteger(at(value, "succeeded")) ?? 0,
    failed: asInteger(at(value, "failed")) ?? 0,
    active: asInteger(at(value, "active")) ?? 0,
    suspended: asInteger(at(value, "suspended")) ?? 0,
    jobRestarts: integers(at(value, "jobRestarts")),
    jobRestartsCountTowardsMax: integers(at(value, "jobRestartsCountTowardsMax")),
    raw: asObject(value) ?? {},
  };
}

function integers(value: unknown): readonly number[] {
  return asArray(value).map((entry) => asInteger(entry) ?? 0);
}

/** Spec 4.3: whether Pods must be watched for this JobSet. */
export function needsPods(jobSet: JobSet, gates: FeatureGates): boolean {
  if (!jobSet.isManagedHere || jobSet.isDeleting || terminalCondition(jobSet.status) !== undefined) return false;
  return restartsInPlace(jobSet, gates) || exclusiveTopologies(jobSet).length > 0;
}

/** Strategy InPlaceRestart counts only with its gate on; stored with the gate off it behaves as Recreate (spec 5.1). */
export function restartsInPlace({ failurePolicy }: JobSet, gates: FeatureGates): boolean {
  return gates.InPlaceRestart && failurePolicy?.restartStrategy === "InPlaceRestart";
}

/** The node labels that make the topologies of its exclusive placement by affinity (spec 4), each once. */
export function exclusiveTopologies({ placement, replicatedJobs }: JobSet): readonly string[] {
  const topologies = replicatedJobs.map(({ template }) => {
    const own = { ...placement, ...readPlacement(at(template, "metadata", "annotations")) };
    return exclusiveTopology({ ...metadataMap(at(template, "spec", "template"), "annotations"), ...own });
  });
  return [...new Set(topologies.filter((topology) => topology !== undefined))];
}

/** The strings of a list; used for policy targets, reasons and patterns. */
function strings(value: unknown): readonly string[] {
  return asArray(value).filter((entry) => typeof entry === "string");
}

/** The labels or annotations of an embedded metadata. */
export function metadataMap(template: unknown, field: "labels" | "annotations"): Readonly<Record<string, string>> {
  return asStringMap(at(template, "metadata", field));
}
