/** What the judges read in a Job, from the stored object and the specification alone. */
import { asArray, asInteger, asObject, asString, at, type JsonObject } from "../../../src/base/json.ts";
import {
  API_VERSION,
  EXECUTION_ATTEMPT,
  JOB_RESTART_ATTEMPT,
  KIND,
  REPLICATED_JOB_NAME,
  RESTART_ATTEMPT,
} from "../../../src/api/keys.ts";

/** How far a Job has come (spec 3.1); `failing` and `succeeding`: FailureTarget and SuccessCriteriaMet alone. */
export type Phase = "active" | "succeeding" | "failing" | "complete" | "failed";

export interface Failure {
  readonly reason: string;
  readonly message: string;
  /** Milliseconds; an absent time is the oldest. */
  readonly timeMs: number;
}

export interface JobFacts {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** The JobSet that controls it; undefined for a Job of nobody's. */
  readonly ownerUid: string | undefined;
  readonly isDeleting: boolean;
  readonly replicatedJob: string;
  /** The number at the end of its name. */
  readonly index: number;
  readonly attempt: number;
  readonly jobAttempt: number;
  readonly execution: number | undefined;
  readonly suspend: boolean;
  readonly parallelism: number;
  readonly completions: number;
  readonly active: number;
  readonly ready: number;
  readonly succeeded: number;
  readonly phase: Phase;
  /** Of a failing or failed Job. */
  readonly failure: Failure | undefined;
}

export function readJobFacts(object: JsonObject): JobFacts {
  const metadata = asObject(object["metadata"]) ?? {};
  const labels = asObject(metadata["labels"]);
  const spec = asObject(object["spec"]) ?? {};
  const status = asObject(object["status"]) ?? {};
  const name = asString(metadata["name"]) ?? "";
  const parallelism = asInteger(spec["parallelism"]) ?? 1;
  return {
    uid: asString(metadata["uid"]) ?? "",
    namespace: asString(metadata["namespace"]) ?? "",
    name,
    ownerUid: ownerUid(metadata),
    isDeleting: metadata["deletionTimestamp"] !== undefined,
    replicatedJob: asString(labels?.[REPLICATED_JOB_NAME]) ?? "",
    index: Number(name.slice(name.lastIndexOf("-") + 1)),
    attempt: Number(labels?.[RESTART_ATTEMPT] ?? 0),
    jobAttempt: Number(labels?.[JOB_RESTART_ATTEMPT] ?? 0),
    execution: optionalNumber(at(metadata, "annotations", EXECUTION_ATTEMPT)),
    suspend: spec["suspend"] === true,
    parallelism,
    completions: asInteger(spec["completions"]) ?? parallelism,
    active: asInteger(status["active"]) ?? 0,
    ready: asInteger(status["ready"]) ?? 0,
    succeeded: asInteger(status["succeeded"]) ?? 0,
    ...readPhase(status["conditions"]),
  };
}

/** Spec 1.2: enough of its Pods are ready or done. */
export function isReady({ ready, succeeded, parallelism, completions, phase }: JobFacts): boolean {
  return !isFinished(phase) && ready + succeeded >= Math.min(parallelism, completions);
}

/** A true Complete or Failed (spec 1.2). */
export function isFinished(phase: Phase): boolean {
  return phase === "complete" || phase === "failed";
}

export function isFailed(phase: Phase): boolean {
  return phase === "failing" || phase === "failed";
}

/** The controller owner reference of spec 3.1. */
function ownerUid(metadata: JsonObject): string | undefined {
  for (const entry of asArray(metadata["ownerReferences"])) {
    const isOurs = at(entry, "controller") === true && at(entry, "kind") === KIND &&
      at(entry, "apiVersion") === API_VERSION;
    if (isOurs) return asString(at(entry, "uid"));
  }
  return undefined;
}

/** As soon as Failed is true only its reason, message and time count. */
function readPhase(conditions: unknown): Pick<JobFacts, "phase" | "failure"> {
  const isTrue = new Map<unknown, unknown>();
  for (const condition of asArray(conditions)) {
    if (at(condition, "status") === "True") isTrue.set(at(condition, "type"), condition);
  }
  if (isTrue.size === 0) return { phase: "active", failure: undefined };
  if (isTrue.has("Failed")) return { phase: "failed", failure: readFailure(isTrue.get("Failed")) };
  if (isTrue.has("Complete")) return { phase: "complete", failure: undefined };
  if (isTrue.has("FailureTarget")) return { phase: "failing", failure: readFailure(isTrue.get("FailureTarget")) };
  return { phase: isTrue.has("SuccessCriteriaMet") ? "succeeding" : "active", failure: undefined };
}

function readFailure(condition: unknown): Failure {
  const time = Date.parse(asString(at(condition, "lastTransitionTime")) ?? "");
  return {
    reason: asString(at(condition, "reason")) ?? "",
    message: asString(at(condition, "message")) ?? "",
    timeMs: Number.isNaN(time) ? -Infinity : time,
  };
}

function optionalNumber(value: unknown): number | undefined {
  return value === undefined ? undefined : Number(value);
}
