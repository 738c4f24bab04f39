/** The defaults of spec 2.1, as a patch that touches nothing else. */
import { asArray, asObject, at, type JsonObject } from "../base/json.ts";
import { type JsonPatchOperation, jsonPointer } from "./json_patch.ts";
import { MAX_CLAIM_POLICIES, MAX_FAILURE_POLICY_RULES, MAX_REPLICATED_JOBS } from "./limits.ts";

/** Defaults of an object's fields: of a field as a whole, or of the fields of the object that it holds. */
interface Defaults {
  readonly [field: string]: WholeDefault | { readonly fields: Defaults };
}

interface WholeDefault {
  readonly value: unknown;
  /** A plain string of the Go type, whose empty value is written as `""` by some clients. */
  readonly isEmptyAbsent?: true;
}

const SPEC_DEFAULTS: Defaults = {
  // A policy is there as a whole or not: one without its operator or order is for the schema to refuse.
  successPolicy: { value: { operator: "All" } },
  startupPolicy: { value: { startupPolicyOrder: "AnyOrder" } },
  network: { fields: { enableDNSHostnames: { value: true }, publishNotReadyAddresses: { value: true } } },
};

const POD_DEFAULTS: Defaults = {
  spec: { fields: { restartPolicy: { value: "OnFailure", isEmptyAbsent: true } } },
};

const REPLICATED_JOB_DEFAULTS: Defaults = {
  template: {
    fields: { spec: { fields: { completionMode: { value: "Indexed" }, template: { fields: POD_DEFAULTS } } } },
  },
};

const CLAIM_POLICY_DEFAULTS: Defaults = { retentionPolicy: { value: { whenDeleted: "Delete" } } };

/**
 * The patch that gives a JobSet its defaults: none for what is there already, and none for a part of a wrong type, which is left to
 * the schema. A null counts as absent. Applied twice, the second patch is empty.
 */
export function defaultJobSet(object: unknown): readonly JsonPatchOperation[] {
  const jobSet = asObject(object);
  if (jobSet === undefined) return [];
  const spec = jobSet["spec"];
  return [
    ...fill(jobSet, { spec: { fields: SPEC_DEFAULTS } }, ""),
    ...fillItems(at(spec, "replicatedJobs"), {
      path: "/spec/replicatedJobs",
      max: MAX_REPLICATED_JOBS,
      defaultsOf: () => REPLICATED_JOB_DEFAULTS,
    }),
    ...fillItems(at(spec, "failurePolicy", "rules"), {
      path: "/spec/failurePolicy/rules",
      max: MAX_FAILURE_POLICY_RULES,
      defaultsOf: ruleDefaults,
    }),
    ...fillItems(at(spec, "volumeClaimPolicies"), {
      path: "/spec/volumeClaimPolicies",
      max: MAX_CLAIM_POLICIES,
      defaultsOf: () => CLAIM_POLICY_DEFAULTS,
    }),
  ];
}

function ruleDefaults(index: number): Defaults {
  return { name: { value: `failurePolicyRule${index}`, isEmptyAbsent: true } };
}

/** A list of more than `max` items is left alone: it will be refused. */
function fillItems(
  list: unknown,
  { path, max, defaultsOf }: {
    readonly path: string;
    readonly max: number;
    readonly defaultsOf: (index: number) => Defaults;
  },
): readonly JsonPatchOperation[] {
  const items = asArray(list);
  if (items.length > max) return [];
  return items.flatMap((item, index) => {
    const object = asObject(item);
    return object === undefined ? [] : fill(object, defaultsOf(index), `${path}${jsonPointer(index)}`);
  });
}

function fill(object: JsonObject, defaults: Defaults, path: string): readonly JsonPatchOperation[] {
  return Object.entries(defaults).flatMap(([field, wanted]): readonly JsonPatchOperation[] => {
    const here = object[field];
    const fieldPath = `${path}${jsonPointer(field)}`;
    if (isAbsent(here, wanted)) return [{ op: "add", path: fieldPath, value: wholeValue(wanted) }];
    const inner = asObject(here);
    return inner === undefined || !("fields" in wanted) ? [] : fill(inner, wanted.fields, fieldPath);
  });
}

function isAbsent(value: unknown, wanted: Defaults[string]): boolean {
  return value === undefined || value === null || (value === "" && "isEmptyAbsent" in wanted);
}

/** What a field holds that was absent altogether. */
function wholeValue(wanted: Defaults[string]): unknown {
  if (!("fields" in wanted)) return wanted.value;
  return Object.fromEntries(Object.entries(wanted.fields).map(([field, inner]) => [field, wholeValue(inner)]));
}
