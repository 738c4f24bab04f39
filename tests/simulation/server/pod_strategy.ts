/** Pods: their defaults, and that little of them may change. */
import { asArray, asObject, at, type JsonObject } from "../../../src/base/json.ts";
import { deepEqual } from "./deep_equal.ts";
import { defaultedPodSpec, withDefaults } from "./pod_defaults.ts";
import { type FieldCause, forbiddenField, requiredField } from "./server_refusal.ts";
import type { Strategy } from "./strategy.ts";

const DEFAULTS: JsonObject = { restartPolicy: "Always" };
/** Beside it gates may go, tolerations come, and a Pod without a Node gets one. */
const MUTABLE = ["schedulingGates", "tolerations", "activeDeadlineSeconds", "terminationGracePeriodSeconds"];

export const POD_STRATEGY: Strategy = {
  prepareCreate: (object) => ({
    ...object,
    spec: withDefaults(defaultedPodSpec(asObject(object["spec"]) ?? {}), DEFAULTS),
    status: { phase: "Pending", qosClass: "BestEffort" },
  }),
  validateCreate: (pod) =>
    asArray(at(pod, "spec", "containers")).length === 0 ? [requiredField("spec.containers")] : [],
  prepareUpdate: (next, stored) => {
    if (next["spec"] === stored["spec"]) return next;
    const spec = withDefaults(defaultedPodSpec(asObject(next["spec"]) ?? {}), DEFAULTS);
    return { ...next, spec };
  },
  validateUpdate: specCauses,
  // A Node that it gets is not asked for by anybody.
  wantsSame: (spec, stored) => deepEqual(withoutNode(spec), withoutNode(stored)),
  prepareStatus: (status) => withDefaults(asObject(status) ?? {}, { phase: "Pending", qosClass: "BestEffort" }),
  validateStatus: () => [],
};

function withoutNode(spec: unknown): unknown {
  const { nodeName: _, ...rest } = asObject(spec) ?? {};
  return rest;
}

function specCauses(pod: JsonObject, stored: JsonObject): readonly FieldCause[] {
  const [spec, old] = [asObject(pod["spec"]) ?? {}, asObject(stored["spec"]) ?? {}];
  if (spec === old || deepEqual(fixed(spec, old), fixed(old, old))) return [];
  return [forbiddenField("spec", "pod updates may not change fields other than those that are mutable")];
}

/** A scheduler of the simulation writes the Node's name instead of a Binding. */
function fixed(spec: JsonObject, old: JsonObject): JsonObject {
  const made: Record<string, unknown> = { ...spec };
  for (const field of MUTABLE) delete made[field];
  if (old["nodeName"] === undefined) delete made["nodeName"];
  return made;
}
