/** The rules that a changed JobSet must keep (spec 2.3). A deletion comes by no webhook, so it's never refused. */
import { asObject, asString, at, type JsonObject } from "../base/json.ts";
import type { FeatureGates } from "../api/feature_gates.ts";
import { elasticErrors, elasticNames } from "./elastic_rules.ts";
import { equalJson, equalReplicatedJobs } from "./equal.ts";
import { type FieldError, invalid } from "./field_error.ts";

/** What Kueue sets while it admits and restores while it evicts, below a replicatedJob (K10). */
const POD_TEMPLATE = ["template", "spec", "template"];
const MUTABLE_POD_METADATA = ["labels", "annotations"];
const MUTABLE_POD_SPEC = ["nodeSelector", "tolerations", "schedulingGates"];
const MUTABLE_RESOURCES = ["requests", "limits"];
const CONTAINER_LISTS = ["containers", "initContainers"];
const ELASTIC_FIELDS = ["parallelism", "completions"];

export interface Update {
  readonly object: unknown;
  readonly oldObject: unknown;
  readonly gates: FeatureGates;
}

/**
 * Every mistake of an update; none where it may be made. What may change freely is not looked at: metadata, so that finalizers
 * of an object being deleted can go, suspend, ttlSecondsAfterFinished, and what the schema's own rules guard.
 */
export function validateUpdate(update: Update): readonly FieldError[] {
  const elastic = update.gates.ElasticJobSet ? elasticErrors(update) : [];
  return [...elastic, ...replicatedJobsErrors(update), ...managedByErrors(update)];
}

function replicatedJobsErrors(update: Update): readonly FieldError[] {
  const { object, oldObject } = update;
  const value = at(object, "spec", "replicatedJobs");
  const strip = exceptions(update);
  if (equalReplicatedJobs(strip(value), strip(at(oldObject, "spec", "replicatedJobs")))) return [];
  return [invalid("spec.replicatedJobs", value, "field is immutable")];
}

/** Optional in the types, so that an empty one, were it ever stored, would not be an absent one. */
function managedByErrors({ object, oldObject }: Update): readonly FieldError[] {
  const value = at(object, "spec", "managedBy");
  if (equalJson(value, at(oldObject, "spec", "managedBy"))) return [];
  return [invalid("spec.managedBy", value, "field is immutable")];
}

/** Leaves out of a list of replicatedJobs what this update may change; what stays is compared in its order. */
function exceptions(update: Update): (replicatedJobs: unknown) => unknown {
  const { object, oldObject, gates } = update;
  const isSuspended = [object, oldObject].some((jobSet) => at(jobSet, "spec", "suspend") === true);
  const elastic: ReadonlySet<string> = gates.ElasticJobSet ? elasticNames(object) : new Set();
  const withResources = gates.MutablePodResourcesForSuspendedJobSets;
  const strip = (job: unknown): unknown => {
    const isElastic = elastic.has(asString(at(job, "name")) ?? "");
    const fixed = isElastic ? without(job, ["template", "spec"], ELASTIC_FIELDS) : job;
    return isSuspended ? withoutPlacement(fixed, withResources) : fixed;
  };
  return (replicatedJobs) => Array.isArray(replicatedJobs) ? replicatedJobs.map(strip) : replicatedJobs;
}

function withoutPlacement(job: unknown, withResources: boolean): unknown {
  const podSpec = [...POD_TEMPLATE, "spec"];
  let rest = without(job, [...POD_TEMPLATE, "metadata"], MUTABLE_POD_METADATA);
  rest = without(rest, podSpec, MUTABLE_POD_SPEC);
  if (!withResources) return rest;
  for (const list of CONTAINER_LISTS) {
    // Names and order of the containers stay, so each is compared with the one of its name.
    rest = changed(
      rest,
      [...podSpec, list],
      (containers) =>
        Array.isArray(containers)
          ? containers.map((container) => without(container, ["resources"], MUTABLE_RESOURCES))
          : containers,
    );
  }
  return rest;
}

/** The value without these fields of the object at the path. */
function without(value: unknown, path: readonly string[], fields: readonly string[]): unknown {
  return changed(value, path, (found) => {
    const object = asObject(found);
    if (object === undefined) return found;
    return Object.fromEntries(Object.entries(object).filter(([field]) => !fields.includes(field)));
  });
}

/** The value with what stands at the path replaced; where the path breaks off, the value itself. */
function changed(value: unknown, path: readonly string[], change: (found: unknown) => unknown): unknown {
  const [field, ...rest] = path;
  if (field === undefined) return change(value);
  const object: JsonObject | undefined = asObject(value);
  if (object === undefined || !Object.hasOwn(object, field)) return value;
  return { ...object, [field]: changed(object[field], rest, change) };
}
