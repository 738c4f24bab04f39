/** Jobs as the API server makes them: defaults, the generated selector and labels, and what may change. */
import { asObject, at, type JsonObject } from "../../../src/base/json.ts";
import { deepEqual } from "./deep_equal.ts";
import { jobCreateCauses, jobUpdateCauses } from "./job_rules.ts";
import { jobStatusCauses } from "./job_status_rules.ts";
import { metadataOf, nameOf, uidOf } from "./metadata.ts";
import { defaultedTemplate, withDefaults, withoutEmpty } from "./pod_defaults.ts";
import type { Strategy } from "./strategy.ts";

const CONTROLLER_UID = "batch.kubernetes.io/controller-uid";
/** Backoff limit of a Job that counts failures by index. */
const NO_LIMIT = 2 ** 31 - 1;
/** Go leaves them out where they are zero. */
const COUNTERS = ["active", "succeeded", "failed"];

export const JOB_STRATEGY: Strategy = {
  prepareCreate: (object) => {
    const spec = defaultedSpec(asObject(object["spec"]) ?? {});
    const generated = at(spec, "manualSelector") === true ? spec : withSelector(spec, object);
    return withLabels({ ...object, spec: generated, status: {} });
  },
  validateCreate: jobCreateCauses,
  prepareUpdate: (next, stored) => {
    const spec = next["spec"] === stored["spec"] ? stored["spec"] : defaultedSpec(asObject(next["spec"]) ?? {});
    return withLabels(spec === next["spec"] ? next : { ...next, spec });
  },
  validateUpdate: jobUpdateCauses,
  wantsSame: deepEqual,
  prepareStatus,
  validateStatus: jobStatusCauses,
};

function defaultedSpec(spec: JsonObject): JsonObject {
  const isUnsized = isUnset(spec["parallelism"]) && isUnset(spec["completions"]);
  const template = defaultedTemplate(asObject(spec["template"]) ?? {});
  const made = withDefaults(spec, {
    parallelism: 1,
    ...(isUnsized ? { completions: 1 } : {}),
    backoffLimit: isUnset(spec["backoffLimitPerIndex"]) ? 6 : NO_LIMIT,
    manualSelector: false,
    completionMode: "NonIndexed",
    suspend: false,
    podReplacementPolicy: isUnset(spec["podFailurePolicy"]) ? "TerminatingOrFailed" : "Failed",
  });
  return made["template"] === template ? made : { ...made, template };
}

/** What the Job's Pods are told apart by. */
function withSelector(spec: JsonObject, object: JsonObject): JsonObject {
  const [uid, name] = [uidOf(object), nameOf(object)];
  const template = asObject(spec["template"]) ?? {};
  const metadata = asObject(template["metadata"]) ?? {};
  const labels = {
    ...asObject(metadata["labels"]),
    [CONTROLLER_UID]: uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
  return {
    ...spec,
    selector: { ...asObject(spec["selector"]), matchLabels: { [CONTROLLER_UID]: uid } },
    template: { ...template, metadata: { ...metadata, labels } },
  };
}

/** A Job without labels has those of its Pods. */
function withLabels(object: JsonObject): JsonObject {
  const metadata = metadataOf(object);
  if (metadata["labels"] !== undefined) return object;
  const labels = at(object, "spec", "template", "metadata", "labels");
  return labels === undefined ? object : { ...object, metadata: { ...metadata, labels } };
}

function prepareStatus(status: unknown): unknown {
  const object = asObject(status) ?? {};
  let made = withoutEmpty(object, ["conditions", "startTime", "completionTime", "completedIndexes", "failedIndexes"]);
  for (const counter of COUNTERS) {
    if (made[counter] !== 0) continue;
    const { [counter]: _, ...rest } = made;
    made = rest;
  }
  return made;
}

function isUnset(value: unknown): boolean {
  return value === undefined || value === null;
}
