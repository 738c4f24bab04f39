/** The rules of each replicatedJob of a new JobSet (spec 2.2: 2, 5, 6, 11). */
import { EXCLUSIVE_TOPOLOGY, NAMESPACED_JOB, REPLICATED_JOB_NAME } from "../api/keys.ts";
import { childJobName } from "../api/names.ts";
import { asString, at } from "../base/json.ts";
import { type FieldError, invalid } from "./field_error.ts";
import { MAX_DEPENDENCIES } from "./limits.ts";
import { labelValueProblems } from "./name_rules.ts";
import { asWholeNumber, type NewJobSet, type NewReplicatedJob, orDefault } from "./new_job_set.ts";
import { label1035Problems } from "./spec_rules.ts";

const MAX_INT32 = 2147483647;
/** Stands for what the Job controller puts behind a Pod's name. */
const POD_SUFFIX = "-xxxxx";
const GROUP_NAME_TOO_LONG = ".spec.replicatedJob[].groupName is too long, must be less than 63 characters";

/** Rule 2: what a replicatedJob waits for stands before it. */
export function* dependsOnErrors({ replicatedJobs }: NewJobSet): Generator<FieldError> {
  const earlier = new Set<string>();
  for (const [index, { path, name, dependsOn }] of replicatedJobs.entries()) {
    const dependencies = dependsOn?.slice(0, MAX_DEPENDENCIES).map((entry) => asString(at(entry, "name")));
    if (dependencies !== undefined && index === 0) {
      const value = dependencies.map((dependency) => dependency ?? "");
      yield invalid(`${path}.dependsOn`, value, "DependsOn can't be set for the first ReplicatedJob");
    } else {
      for (const [place, dependency] of (dependencies ?? []).entries()) {
        if (dependency === undefined || earlier.has(dependency)) continue;
        const why = `replicatedJob: ${name ?? ""} cannot depend on replicatedJob: ${dependency}`;
        yield invalid(`${path}.dependsOn[${place}].name`, dependency, why);
      }
    }
    if (name !== undefined) earlier.add(name);
  }
}

/** Rule 5: numbers that fit, and names that the Jobs and Pods can have. */
export function* sizeAndNameErrors(jobSet: NewJobSet): Generator<FieldError> {
  for (const replicatedJob of jobSet.replicatedJobs) {
    const { path, groupName } = replicatedJob;
    yield* sizeErrors(replicatedJob);
    for (const problem of groupName === undefined ? [] : label1035Problems(groupName, GROUP_NAME_TOO_LONG)) {
      yield invalid(`${path}.groupName`, groupName, problem);
    }
    if (jobSet.name === undefined) continue;
    const nameErrors = [...childNameErrors(jobSet.name, replicatedJob)];
    yield* nameErrors.length > 0 ? nameErrors : labelErrors({ ...jobSet, name: jobSet.name }, replicatedJob);
  }
}

function* sizeErrors({ path, name, replicas, parallelism }: NewReplicatedJob): Generator<FieldError> {
  if (replicas === undefined) return;
  const field = `${path}.replicas`;
  if (replicas < 0) yield invalid(field, replicas, "must be greater than or equal to 0");
  if (parallelism === undefined || replicas * (parallelism ?? 1) <= MAX_INT32) return;
  const why = "the product of replicas and parallelism must not exceed 2147483647 for replicatedJob";
  yield invalid(field, replicas, `${why} '${name ?? ""}'`);
}

/** Those of the last Job and its last Pod are the longest; without replicas, those of the first stand for them. */
function* childNameErrors(jobSetName: string, replicatedJob: NewReplicatedJob): Generator<FieldError> {
  const { path, name, replicas, completionMode, completions } = replicatedJob;
  if (name === undefined || replicas === undefined) return;
  const field = `${path}.name`;
  const jobName = childJobName(jobSetName, name, Math.max(replicas - 1, 0));
  const jobProblems = label1035Problems(jobName, tooLong("job"));
  for (const problem of jobProblems) yield invalid(field, jobName, problem);
  if (completionMode !== "Indexed" || typeof completions !== "number") return;
  const podName = `${jobName}-${Math.max(completions - 1, 0)}${POD_SUFFIX}`;
  for (const problem of label1035Problems(podName, tooLong("pod"))) {
    if (!jobProblems.includes(problem)) yield invalid(field, podName, problem);
  }
}

/** Ours: a Job or Pod with such a label or node selector would be refused again and again. Without replicas there is none. */
function* labelErrors(
  jobSet: { readonly name: string; readonly namespace: string },
  { path, name, replicas, isExclusiveBySelector }: NewReplicatedJob,
): Generator<FieldError> {
  if (name === undefined || replicas === undefined || replicas < 1) return;
  const field = `${path}.name`;
  for (const problem of labelValueProblems(name)) {
    yield invalid(field, name, `is no value for label "${REPLICATED_JOB_NAME}": ${problem}`);
  }
  // A file that is checked without a cluster may leave its namespace open.
  if (!isExclusiveBySelector || jobSet.namespace === "") return;
  const holder = `${jobSet.namespace}_${childJobName(jobSet.name, name, replicas - 1)}`;
  for (const problem of labelValueProblems(holder)) {
    const why = `spec will lead to invalid label value "${holder}" for node selector "${NAMESPACED_JOB}" ` +
      `(long namespace / JobSet / ReplicatedJob name?): ${problem}`;
    yield invalid(field, name, why);
  }
}

function tooLong(what: "job" | "pod"): string {
  return `JobSet name is too long, ${what} names generated for this JobSet will exceed 63 characters`;
}

/** Rule 6: what restarting in place asks of every Job; the caller knows that it is wanted. */
export function* inPlaceRestartErrors({ replicatedJobs }: NewJobSet): Generator<FieldError> {
  for (const { path, name, jobSpec, completions, parallelism } of replicatedJobs) {
    const subject = `replicatedJob ${name ?? ""}`;
    const why = "when in-place restart is enabled";
    const backoffLimit = orDefault<number | null>(jobSpec["backoffLimit"], asWholeNumber, null);
    if (backoffLimit !== undefined && backoffLimit !== MAX_INT32) {
      const text = `${subject}: must be set to 2147483647 (MaxInt32) ${why}`;
      yield invalid(`${path}.template.spec.backoffLimit`, backoffLimit, text);
    }
    const policy = orDefault<string | null>(jobSpec["podReplacementPolicy"], asString, null);
    if (policy !== undefined && policy !== "Failed") {
      yield invalid(`${path}.template.spec.podReplacementPolicy`, policy, `${subject}: must be set to Failed ${why}`);
    }
    if (completions === undefined || parallelism === undefined) continue;
    if (completions === null || completions !== parallelism) {
      const text = `${subject}: completions and parallelism must be set and equal to each other ${why}`;
      yield invalid(`${path}.template.spec.completions`, completions, text);
    }
  }
}

/** Rule 11 (R51): the leader that the others follow is the Pod of completion index 0. */
export function* placementErrors({ replicatedJobs }: NewJobSet): Generator<FieldError> {
  for (const { path, completionMode, isExclusiveByAffinity } of replicatedJobs) {
    if (completionMode !== "NonIndexed" || !isExclusiveByAffinity) continue;
    const why = `must be Indexed for exclusive placement (annotation ${EXCLUSIVE_TOPOLOGY}): ` +
      "without completion indexes no pod can be the leader that the others follow";
    yield invalid(`${path}.template.spec.completionMode`, completionMode, why);
  }
}
