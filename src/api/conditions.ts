/** Conditions of JobSets and Jobs, read leniently from what is stored. */
import { asArray, asObject, asString, type JsonObject } from "../base/json.ts";

/** The condition types of a JobSet (spec 3.9). */
export type JobSetConditionType =
  | "Completed"
  | "Failed"
  | "Suspended"
  | "RestartingJobSet"
  | "StartupPolicyInProgress"
  | "StartupPolicyCompleted";

/** One entry of `status.conditions`; `raw` keeps what this view does not name. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** RFC 3339, empty where it is absent. */
  readonly lastTransitionTime: string;
  readonly raw: JsonObject;
}

/** Reads `status.conditions`; entries that are no objects are left out. */
export function readConditions(value: unknown): readonly Condition[] {
  const conditions: Condition[] = [];
  for (const entry of asArray(value)) {
    const raw = asObject(entry);
    if (raw === undefined) continue;
    conditions.push({
      type: asString(raw["type"]) ?? "",
      status: asString(raw["status"]) ?? "",
      reason: asString(raw["reason"]) ?? "",
      message: asString(raw["message"]) ?? "",
      lastTransitionTime: asString(raw["lastTransitionTime"]) ?? "",
      raw,
    });
  }
  return conditions;
}

/** The condition of that type whose status is True, if there is one. */
export function trueCondition(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type && condition.status === "True");
}
