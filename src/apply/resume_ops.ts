/** The JSON Patch that resumes a Job: all that changes, and `suspend`, in one request (spec 3.8). */
import type { JsonObject } from "../base/json.ts";
import type { ContainerResources } from "../api/container_resources.ts";
import { EXECUTION_ATTEMPT } from "../api/keys.ts";
import type { Scheduling } from "../api/scheduling.ts";
import type { JobChange } from "../plan/types.ts";

type Resume = Extract<JobChange, { readonly kind: "resume" }>;

/** `attemptBefore`: the Job's execution attempt as it was seen; undefined where it has none. */
export function resumeOps(uid: string, change: Resume, attemptBefore?: number): readonly JsonObject[] {
  const { scheduling, resources = [] } = change;
  return [
    { op: "test", path: "/metadata/uid", value: uid },
    ...attemptOps(change, attemptBefore),
    ...(scheduling === undefined ? [] : schedulingOps(scheduling)),
    ...resources.flatMap(resourceOps),
    { op: "add", path: "/spec/suspend", value: false },
  ];
}

/** `add` of each whole map: a merge patch cannot take away keys that it does not name (spec 6.6). */
function schedulingOps(scheduling: Scheduling): readonly JsonObject[] {
  return [
    { op: "add", path: "/spec/template/metadata/labels", value: scheduling.labels },
    { op: "add", path: "/spec/template/metadata/annotations", value: scheduling.annotations },
    { op: "add", path: "/spec/template/spec/nodeSelector", value: scheduling.nodeSelector },
    { op: "add", path: "/spec/template/spec/tolerations", value: scheduling.tolerations },
    { op: "add", path: "/spec/template/spec/schedulingGates", value: scheduling.schedulingGates },
  ];
}

/**
 * Of the Job's own annotations this one alone: others may have put theirs beside it. A Job that has run since it was seen has another
 * number: a stale view must not begin a run that was not counted (spec 3.12).
 */
function attemptOps({ executionAttempt, isUnannotated }: Resume, before: number | undefined): readonly JsonObject[] {
  if (executionAttempt === undefined) return [];
  const value = String(executionAttempt);
  const path = "/metadata/annotations";
  const own = `${path}/${EXECUTION_ATTEMPT.replace("/", "~1")}`;
  const seen = before === undefined ? null : String(before);
  if (isUnannotated !== true) return [{ op: "test", path: own, value: seen }, { op: "add", path: own, value }];
  return [{ op: "test", path, value: null }, { op: "add", path, value: { [EXECUTION_ATTEMPT]: value } }];
}

/** The name is tested, lest a list in another order than we saw mixes up the containers. */
function resourceOps({ list, index, name, requests, limits }: ContainerResources): readonly JsonObject[] {
  const path = `/spec/template/spec/${list}/${index}`;
  return [
    { op: "test", path: `${path}/name`, value: name },
    // An empty map takes them away, and is no error where there are none.
    { op: "add", path: `${path}/resources/requests`, value: requests },
    { op: "add", path: `${path}/resources/limits`, value: limits },
  ];
}
