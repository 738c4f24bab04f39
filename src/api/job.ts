/** What the cache keeps of a Job: the fields that a plan reads, a few hundred bytes instead of the whole object. */
import { asArray, asBoolean, asInteger, asObject, asString, at, type JsonObject } from "../base/json.ts";
import { readConditions, trueCondition } from "./conditions.ts";
import { resourcesDigest } from "./container_resources.ts";
import {
  API_VERSION,
  EXECUTION_ATTEMPT,
  JOB_RESTART_ATTEMPT,
  KIND,
  REPLICATED_JOB_NAME,
  RESTART_ATTEMPT,
} from "./keys.ts";
import { objectKey } from "./names.ts";
import { schedulingHash } from "./scheduling.ts";

/** Why and when a Job failed, or is about to. */
export interface JobFailure {
  readonly reason: string;
  readonly message: string;
  /** RFC 3339; empty where the writer left it out: that counts as the oldest. */
  readonly time: string;
}

/** How far a Job has come, as its conditions tell. */
export type JobPhase =
  | { readonly kind: "active" }
  /** SuccessCriteriaMet is True: Complete follows once the last Pod is gone. */
  | { readonly kind: "succeeding" }
  /** FailureTarget is True: Failed follows once the last Pod is gone. */
  | { readonly kind: "failing"; readonly failure: JobFailure }
  | { readonly kind: "complete" }
  | { readonly kind: "failed"; readonly failure: JobFailure };

/** A Job whose controller owner is a JobSet, as the cache holds it. */
export interface Job {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** `namespace/name` of the JobSet that the owner reference names, whatever its uid. */
  readonly ownerKey: string;
  readonly ownerUid: string;
  readonly isDeleting: boolean;
  readonly replicatedJob: string | undefined;
  /** Label restart-attempt; undefined where it is absent or no integer (spec 3.1: such a Job is left alone). */
  readonly restartAttempt: number | undefined;
  /** Label job-restart-attempt (gate RestartJob): absent on Jobs made while the gate was off; "malformed": no integer. */
  readonly jobRestartAttempt: number | "malformed" | undefined;
  /** Annotation execution-attempt (gate ExecutionAttemptsTracking). */
  readonly executionAttempt: number | undefined;
  readonly suspend: boolean;
  /** The Job controller has set condition Suspended True: only then may the pod template change. */
  readonly isSuspended: boolean;
  readonly hasStarted: boolean;
  readonly parallelism: number | undefined;
  readonly completions: number | undefined;
  readonly active: number;
  readonly ready: number;
  readonly succeeded: number;
  readonly phase: JobPhase;
  readonly hasAnnotations: boolean;
  /** Of a Job with `suspend: true`: the hash of what a resume would set in its pod template; else empty. */
  readonly schedulingHash: string;
  /** Of a Job with `suspend: true`: what its containers ask for, as `resourcesDigest` tells it; else empty. */
  readonly resourcesDigest: string;
  /** Of a Job with `suspend: true`: the annotation execution-attempt of its pod template. */
  readonly templateExecutionAttempt: string | undefined;
}

/** The phases that need no failure text are shared, so that a cached Job stays small. */
const ACTIVE: JobPhase = { kind: "active" };
const SUCCEEDING: JobPhase = { kind: "succeeding" };
const COMPLETE: JobPhase = { kind: "complete" };

/** Gives back an equal text: one that many Jobs share instead of each its own. */
export type ShareText = <T extends string | undefined>(text: T) => T;

/** Trims a Job for the cache; undefined for a Job that no JobSet controls. */
export function readJob(body: JsonObject, share: ShareText = (text) => text): Job | undefined {
  const metadata = asObject(body["metadata"]);
  const owner = controllerJobSet(metadata);
  const namespace = asString(metadata?.["namespace"]);
  const name = asString(metadata?.["name"]);
  const uid = asString(metadata?.["uid"]);
  if (owner === undefined || namespace === undefined || name === undefined || uid === undefined) return undefined;
  const labels = asObject(metadata?.["labels"]);
  const spec = asObject(body["spec"]);
  const status = asObject(body["status"]);
  const suspend = asBoolean(spec?.["suspend"]) ?? false;
  const conditions = readConditions(status?.["conditions"]);
  return {
    namespace: share(namespace),
    name,
    uid,
    resourceVersion: asString(metadata?.["resourceVersion"]) ?? "",
    ownerKey: share(objectKey(namespace, owner.name)),
    ownerUid: share(owner.uid),
    isDeleting: asString(metadata?.["deletionTimestamp"]) !== undefined,
    replicatedJob: share(asString(labels?.[REPLICATED_JOB_NAME])),
    restartAttempt: labelInteger(labels?.[RESTART_ATTEMPT]),
    jobRestartAttempt: readJobRestartAttempt(labels?.[JOB_RESTART_ATTEMPT]),
    executionAttempt: labelInteger(at(metadata, "annotations", EXECUTION_ATTEMPT)),
    suspend,
    isSuspended: trueCondition(conditions, "Suspended") !== undefined,
    hasStarted: asString(status?.["startTime"]) !== undefined,
    parallelism: asInteger(spec?.["parallelism"]),
    completions: asInteger(spec?.["completions"]),
    active: asInteger(status?.["active"]) ?? 0,
    ready: asInteger(status?.["ready"]) ?? 0,
    succeeded: asInteger(status?.["succeeded"]) ?? 0,
    phase: readPhase(conditions),
    hasAnnotations: asObject(metadata?.["annotations"]) !== undefined,
    schedulingHash: suspend ? share(schedulingHash(at(spec, "template"))) : "",
    resourcesDigest: suspend ? share(resourcesDigest(at(spec, "template"))) : "",
    templateExecutionAttempt: suspend
      ? asString(at(spec, "template", "metadata", "annotations", EXECUTION_ATTEMPT))
      : undefined,
  };
}

/** Whether the API server takes another pod template of it: that is, seen suspended by the Job controller, with no Pod left. */
export function takesTemplate({ suspend, active, hasStarted, isSuspended }: Job): boolean {
  return suspend && active === 0 && (!hasStarted || isSuspended);
}

/** Spec 3.1: Complete and Failed are final; FailureTarget and SuccessCriteriaMet tell of them early. */
function readPhase(conditions: ReturnType<typeof readConditions>): JobPhase {
  if (conditions.length === 0) return ACTIVE;
  const failed = trueCondition(conditions, "Failed");
  if (failed !== undefined) return { kind: "failed", failure: readFailure(failed) };
  if (trueCondition(conditions, "Complete") !== undefined) return COMPLETE;
  const failing = trueCondition(conditions, "FailureTarget");
  if (failing !== undefined) return { kind: "failing", failure: readFailure(failing) };
  return trueCondition(conditions, "SuccessCriteriaMet") === undefined ? ACTIVE : SUCCEEDING;
}

function readFailure(condition: { reason: string; message: string; lastTransitionTime: string }): JobFailure {
  return { reason: condition.reason, message: condition.message, time: condition.lastTransitionTime };
}

/** The JobSet that controls an object, by its owner reference (spec 3.1). */
export function controllerJobSet(metadata: JsonObject | undefined): { name: string; uid: string } | undefined {
  for (const entry of asArray(metadata?.["ownerReferences"])) {
    const reference = asObject(entry);
    if (reference?.["controller"] !== true || reference["kind"] !== KIND) continue;
    if (reference["apiVersion"] !== API_VERSION) continue;
    const name = asString(reference["name"]);
    const uid = asString(reference["uid"]);
    if (name !== undefined && uid !== undefined) return { name, uid };
  }
  return undefined;
}

function readJobRestartAttempt(value: unknown): Job["jobRestartAttempt"] {
  return value === undefined ? undefined : labelInteger(value) ?? "malformed";
}

function labelInteger(value: unknown): number | undefined {
  const text = asString(value);
  return text !== undefined && /^[+-]?[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}
