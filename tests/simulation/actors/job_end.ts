/** Whether a Job has come to its end, and how: what the Job controller says in conditions. */
import { asArray, asInteger, asObject, asString, type JsonObject } from "../../../src/base/json.ts";
import type { JobState } from "./job_state.ts";
import { isActive } from "./job_state.ts";
import { conditionOf, conditionsOf, specOf, statusOf } from "./objects.ts";

/** `type` comes first, `finalType` once no Pod is left. */
export interface JobEnd {
  readonly type: "FailureTarget" | "SuccessCriteriaMet";
  readonly finalType: "Failed" | "Complete";
  readonly reason: string;
  readonly message: string;
}

const COMPLETED: JobEnd = {
  type: "SuccessCriteriaMet",
  finalType: "Complete",
  reason: "CompletionsReached",
  message: "Reached expected number of succeeded pods",
};
const DEFAULT_BACKOFF_LIMIT = 6;

export function jobEnd(job: JsonObject, state: JobState, nowMs: number): JobEnd | undefined {
  return declaredEnd(job) ?? failure(job, state, nowMs) ?? (hasSucceeded(job, state) ? COMPLETED : undefined);
}

/** When the time that the Job may take is over. */
export function deadlineMs(job: JsonObject): number | undefined {
  const seconds = asInteger(specOf(job)["activeDeadlineSeconds"]);
  const startTime = asString(statusOf(job)["startTime"]);
  return seconds === undefined || startTime === undefined ? undefined : Date.parse(startTime) + seconds * 1000;
}

/** Once said, it stays. */
function declaredEnd(job: JsonObject): JobEnd | undefined {
  const conditions = conditionsOf(job);
  if (conditions.length === 0) return undefined;
  const failing = conditionOf(conditions, "FailureTarget");
  if (failing?.["status"] === "True") {
    return failed(asString(failing["reason"]) ?? "", asString(failing["message"]) ?? "");
  }
  return conditionOf(conditions, "SuccessCriteriaMet")?.["status"] === "True" ? COMPLETED : undefined;
}

function failure(job: JsonObject, state: JobState, nowMs: number): JobEnd | undefined {
  const spec = specOf(job);
  if (state.failed > 0) {
    const code = fatalExitCode(spec, state);
    if (code !== undefined) {
      const rule = "matching FailJob rule at index 0";
      return failed(
        "PodFailurePolicy",
        `Container main for pod of job ${state.key.name} failed with exit code ${code} ${rule}`,
      );
    }
    if (state.failed > (asInteger(spec["backoffLimit"]) ?? DEFAULT_BACKOFF_LIMIT)) {
      return failed("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    }
  }
  const deadline = spec["suspend"] === true ? undefined : deadlineMs(job);
  if (deadline === undefined || nowMs < deadline) return undefined;
  return failed("DeadlineExceeded", "Job was active longer than specified deadline");
}

/** Of podFailurePolicy only one form is known: a first rule that fails the Job for some exit codes. */
function fatalExitCode(spec: JsonObject, state: JobState): number | undefined {
  const rule = asObject(asArray(asObject(spec["podFailurePolicy"])?.["rules"])[0]);
  if (rule?.["action"] !== "FailJob") return undefined;
  for (const code of asArray(asObject(rule["onExitCodes"])?.["values"])) {
    if (typeof code === "number" && state.exitCodes.has(code)) return code;
  }
  return undefined;
}

function failed(reason: string, message: string): JobEnd {
  return { type: "FailureTarget", finalType: "Failed", reason, message };
}

function hasSucceeded(job: JsonObject, state: JobState): boolean {
  const completions = asInteger(specOf(job)["completions"]);
  const succeeded = state.succeeded(completions);
  if (completions !== undefined) return succeeded >= completions;
  if (succeeded === 0) return false;
  for (const pod of state.pods) if (isActive(pod)) return false;
  return true;
}
