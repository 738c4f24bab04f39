/**
 * A JobSet on its way in, as the rules of a create read it. Unlike a stored one it may lack its defaults and have fields of any
 * type: what is absent or null counts as its default, what is of a wrong type as `undefined`, and no rule looks at it: that is for
 * the schema to refuse.
 */
import { readPlacement } from "../api/job_set.ts";
import { EXCLUSIVE_TOPOLOGY, NODE_SELECTOR } from "../api/keys.ts";
import { asArray, asObject, asString, asStringMap, at, type JsonObject } from "../base/json.ts";
import { MAX_SUBDOMAIN_LENGTH } from "./name_rules.ts";

const GENERATED_LENGTH = 5;
const MAX_GENERATE_NAME_LENGTH = 63 - GENERATED_LENGTH;

export interface NewJobSet {
  readonly metadata: JsonObject;
  readonly namespace: string;
  /** As it will be, or stands for it (spec 2.2); undefined where there is none, or one too long to go on with. */
  readonly name: string | undefined;
  /** The name is not made up from generateName. */
  readonly isNameFinal: boolean;
  readonly spec: JsonObject;
  readonly replicatedJobs: readonly NewReplicatedJob[];
  /** The Service's name, once `name` is known. */
  readonly subdomain: string | undefined;
}

export interface NewReplicatedJob {
  /** `spec.replicatedJobs[0]` */
  readonly path: string;
  readonly name: string | undefined;
  readonly groupName: string | undefined;
  readonly replicas: number | undefined;
  readonly dependsOn: readonly unknown[] | undefined;
  readonly jobSpec: JsonObject;
  readonly podSpec: JsonObject;
  readonly completionMode: string | undefined;
  readonly completions: Count;
  readonly parallelism: Count;
  /** Its Pods get an annotation for exclusive placement by affinity (spec 4). */
  readonly isExclusiveByAffinity: boolean;
  /** Its Pods get a node selector of their Job's own (spec 3.7). */
  readonly isExclusiveBySelector: boolean;
}

/** An optional number: null where it is not set, undefined where it is no integer. */
export type Count = number | null | undefined;

/** The view of any JSON; undefined for what is no object. */
export function readNewJobSet(value: unknown): NewJobSet | undefined {
  const object = asObject(value);
  if (object === undefined) return undefined;
  const metadata = asObject(object["metadata"]) ?? {};
  const spec = asObject(object["spec"]) ?? {};
  const name = futureName(metadata);
  const subdomain = orDefault(at(spec, "network", "subdomain"), asString, "");
  return {
    metadata,
    namespace: asString(metadata["namespace"]) ?? "",
    name,
    isNameFinal: asString(metadata["name"]) === name,
    spec,
    replicatedJobs: readReplicatedJobs(object, spec),
    subdomain: subdomain === "" ? name : subdomain,
  };
}

/** The value, or a default where it is absent or null, or undefined where it is of another type. */
export function orDefault<T>(
  value: unknown,
  read: (value: unknown) => T | undefined,
  byDefault: T,
): T | undefined {
  return value === undefined || value === null ? byDefault : read(value);
}

/** Any whole number, however big: a product of two must not be passed over because it is no safe integer. */
export function asWholeNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) ? value : undefined;
}

/** The strings of a list with their places; others are left to the schema. */
export function* stringEntries(list: unknown): Generator<readonly [number, string]> {
  for (const [index, entry] of asArray(list).entries()) {
    if (typeof entry === "string") yield [index, entry];
  }
}

/** The API server cuts generateName to 58 characters and puts five behind it. */
function futureName(metadata: JsonObject): string | undefined {
  const name = asString(metadata["name"]) ?? "";
  if (name !== "") return name.length > MAX_SUBDOMAIN_LENGTH ? undefined : name;
  const prefix = asString(metadata["generateName"]) ?? "";
  if (prefix === "") return undefined;
  return prefix.slice(0, MAX_GENERATE_NAME_LENGTH) + "x".repeat(GENERATED_LENGTH);
}

function readReplicatedJobs(object: JsonObject, spec: JsonObject): readonly NewReplicatedJob[] {
  const ofJobSet = readPlacement(at(object, "metadata", "annotations"));
  return asArray(spec["replicatedJobs"]).map((value, index) => {
    const template = at(value, "template");
    const jobSpec = asObject(at(template, "spec")) ?? {};
    const dependsOn = at(value, "dependsOn");
    const ofTemplate = at(template, "metadata", "annotations");
    const placement = { ...ofJobSet, ...readPlacement(ofTemplate) };
    // As the Job's Pods will carry them (spec 1.3), for the Pod webhooks decide by these.
    const ofPods = { ...asStringMap(at(jobSpec, "template", "metadata", "annotations")), ...placement };
    const ofJob = { ...asStringMap(ofTemplate), ...placement };
    return {
      path: `spec.replicatedJobs[${index}]`,
      name: asString(at(value, "name")),
      groupName: orDefault(at(value, "groupName"), asString, "default"),
      replicas: orDefault(at(value, "replicas"), asWholeNumber, 1),
      dependsOn: Array.isArray(dependsOn) ? dependsOn : undefined,
      jobSpec,
      podSpec: asObject(at(jobSpec, "template", "spec")) ?? {},
      completionMode: orDefault(jobSpec["completionMode"], asString, "Indexed"),
      completions: orDefault<Count>(jobSpec["completions"], asWholeNumber, null),
      parallelism: orDefault<Count>(jobSpec["parallelism"], asWholeNumber, null),
      isExclusiveByAffinity: Object.hasOwn(ofPods, EXCLUSIVE_TOPOLOGY) && !Object.hasOwn(ofPods, NODE_SELECTOR),
      isExclusiveBySelector: Object.hasOwn(ofJob, EXCLUSIVE_TOPOLOGY) && Object.hasOwn(ofJob, NODE_SELECTOR),
    };
  });
}
