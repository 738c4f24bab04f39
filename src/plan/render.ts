/** What the controller would make of a manifest (spec 7.2), by the functions that it uses itself. */
import { asObject, asString, type JsonObject } from "../base/json.ts";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import { headlessService, volumeClaims } from "./children.ts";
import { createOf, jobFactory } from "./job_factory.ts";
import type { JobSurroundings } from "./types.ts";

/** What a manifest does not say, all of it optional. */
export interface RenderOptions extends Partial<JobSurroundings> {
  /** Of a manifest that names none; `default` if left out. */
  readonly namespace?: string;
  /** The uid that the API server would give; zeros if left out and the manifest has none. */
  readonly uid?: string;
}

/** Each is an object of its own in memory; a JobSet may have 2,147,483,647. */
export const MAX_RENDERED_JOBS = 100_000;

const NO_UID = "00000000-0000-0000-0000-000000000000";
/** What stands for the five characters that the API server puts behind generateName, which it cuts to 58. */
const GENERATED = "xxxxx";
const MAX_GENERATE_NAME_LENGTH = 58;

/**
 * The headless Service, the PersistentVolumeClaims and the Jobs that the controller would create for a new JobSet, in the order in
 * which it would begin with them: the Jobs of all replicatedJobs, also of those that wait for others (`dependsOn`, startup order).
 * Their bodies are those of the first attempt, as they are sent to the API server; a status in the manifest is passed over, as the API
 * server does.
 *
 * `jobSet` is a manifest as JSON, with the defaults of the webhook and the CRD or without them: what is absent counts as its default.
 * What no schema would let through counts as absent too, and is never an error: check it with `validateCreate` first. There is
 * nothing to create for an object with neither name nor generateName, nor for one that another controller manages.
 *
 * They are for looking at: each is owned by a JobSet of the uid that is given, and the garbage collector deletes what is applied with one
 * that nobody has.
 *
 * @throws {RangeError} for more than 100,000 Jobs
 *
 * ```ts
 * import { render } from "@jobset-lite/jobset";
 *
 * for (const object of render(JSON.parse(text))) console.log(JSON.stringify(object));
 * ```
 */
export function render(jobSet: JsonObject, options: RenderOptions = {}): readonly JsonObject[] {
  const view = readJobSet(asCreated(jobSet, options));
  if (view === undefined || !view.isManagedHere) return [];
  return [
    ...(view.network.enableDNSHostnames ? [headlessService(view).body] : []),
    ...volumeClaims(view).map(({ body }) => body),
    ...jobs(view, { gates: options.gates ?? DEFAULT_FEATURE_GATES, priorities: options.priorities }),
  ];
}

function jobs(jobSet: JobSet, surroundings: JobSurroundings): readonly JsonObject[] {
  const count = jobSet.replicatedJobs.reduce((sum, { replicas }) => sum + replicas, 0);
  if (count > MAX_RENDERED_JOBS) throw new RangeError(`render: ${count} Jobs, ${MAX_RENDERED_JOBS} at most`);
  const build = jobFactory(jobSet, surroundings);
  return jobSet.replicatedJobs.flatMap(({ replicas }, position) =>
    Array.from({ length: replicas }, (_, jobIndex) => build(createOf(jobSet, position, jobIndex)))
  );
}

/** As the API server would store it: with names of its own, and without a status. */
function asCreated(jobSet: JsonObject, options: RenderOptions): JsonObject {
  const metadata = asObject(jobSet["metadata"]) ?? {};
  return {
    metadata: {
      annotations: metadata["annotations"],
      name: nameOf(metadata),
      namespace: asString(metadata["namespace"]) || (options.namespace ?? "default"),
      uid: options.uid ?? (asString(metadata["uid"]) || NO_UID),
    },
    spec: jobSet["spec"],
  };
}

function nameOf(metadata: JsonObject): string | undefined {
  const prefix = asString(metadata["generateName"]) || undefined;
  return asString(metadata["name"]) || (prefix && `${prefix.slice(0, MAX_GENERATE_NAME_LENGTH)}${GENERATED}`);
}
