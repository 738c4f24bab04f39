/** What may be sent about Jobs by one who knows this much of them and of their JobSet (spec 3.2, 3.3, 3.7, 3.8). */
import type { FeatureGates } from "../../../src/api/feature_gates.ts";
import type { Job } from "../../../src/api/job.ts";
import { type JobSet, terminalCondition } from "../../../src/api/job_set.ts";
import { asArray, asInteger, asObject, asString, at, type JsonObject } from "../../../src/base/json.ts";
import type { Sending } from "../types.ts";
import { readJobFacts } from "./job_facts.ts";
import { whyUntouchable } from "./known_job_set.ts";
import { isPreviousJob, jobRestarts, type KnownProgress } from "./known_progress.ts";

const POD_SPEC = "/spec/template/spec/";
const SCHEDULING = ["nodeSelector", "tolerations", "schedulingGates"];

export interface JobSending {
  readonly sending: Sending;
  readonly namespace: string;
  /** Of the Job; empty for a create. */
  readonly name: string;
  readonly isStatus: boolean;
  readonly gates: FeatureGates;
  readonly progress: KnownProgress;
  /** Whether the Job runs with a pod template that its JobSet was suspended to replace (R34). */
  readonly isOutdated: (job: Job) => boolean;
}

export function jobProblem(job: JobSending): string | undefined {
  switch (job.sending.method) {
    case "POST":
      return createProblem(job);
    case "DELETE":
      return deleteProblem(job);
    default:
      return patchProblem(job);
  }
}

function createProblem({ sending: { knowledge, body }, namespace, gates, progress }: JobSending): string | undefined {
  const job = readJobFacts(asObject(body) ?? {});
  const owner = asArray(at(body, "metadata", "ownerReferences"))[0];
  const jobSet = knowledge.jobSets.get(namespace, asString(at(owner, "name")) ?? "");
  const why = whyUntouchable(jobSet, job.ownerUid);
  if (why !== undefined || jobSet === undefined) return why;
  const { status, suspend } = jobSet;
  if (terminalCondition(status) !== undefined) return "the JobSet is finished";
  const place = jobSet.replicatedJobs.find(({ name }) => name === job.replicatedJob);
  const isPlace = place !== undefined && job.index < place.replicas &&
    job.name === `${jobSet.name}-${place.name}-${job.index}`;
  if (!isPlace) return `${job.name} has no place in the spec`;
  if (job.attempt !== status.restarts) return `${job.name} is of attempt ${job.attempt}, not ${status.restarts}`;
  const restarts = jobRestarts(jobSet, job.replicatedJob, job.name);
  if (gates.RestartJob && job.jobAttempt !== restarts) {
    return `${job.name} is of the Job's attempt ${job.jobAttempt}, not ${restarts}`;
  }
  if (job.suspend !== suspend) return `the JobSet has suspend: ${suspend}`;
  if (knowledge.jobs.get(namespace, job.name)?.ownerUid === jobSet.uid) return `${job.name} is there`;
  if (progress.isKnownToHaveSucceeded(knowledge, jobSet, job.name)) return `${job.name} has succeeded, and is gone`;
  const attempts = status.executionAttempts ?? (suspend ? undefined : status.restarts);
  if (gates.ExecutionAttemptsTracking && job.execution !== attempts) {
    return `the run is ${attempts}, not ${job.execution}`;
  }
  if (jobSet.failurePolicy?.restartStrategy === "BlockingRecreate") {
    for (const other of knowledge.jobs.byOwner(`${namespace}/${jobSet.name}`).values()) {
      // The restart of one Job holds up none but its own successor.
      if (other.ownerUid === jobSet.uid && (other.restartAttempt ?? 0) < status.restarts) {
        return `${other.name} is left`;
      }
    }
  }
  const missing = progress.missing(knowledge, jobSet, job.replicatedJob);
  if (missing !== undefined) return `${job.name} waits for ${missing}`;
  const template = asObject(at(body, "spec", "template", "spec")) ?? {};
  return schedulingProblem(at(place.template, "spec", "template", "spec"), template);
}

interface KnownJob {
  readonly job: Job;
  readonly jobSet: JobSet;
}

/** The Job meant, and its JobSet, or what is wrong with them. */
function find({ sending: { knowledge }, namespace, name }: JobSending, uid: string | undefined): KnownJob | string {
  const job = knowledge.jobs.get(namespace, name);
  if (uid === undefined) return "it does not say which Job it means";
  if (job === undefined) return "the Job is gone";
  if (job.uid !== uid) return `the Job of that name is ${job.uid}, not ${uid}`;
  if (job.isDeleting) return "the Job is being deleted";
  const jobSet = knowledge.jobSets.get(namespace, job.ownerKey.slice(namespace.length + 1));
  const why = whyUntouchable(jobSet, job.ownerUid);
  return why !== undefined || jobSet === undefined ? why ?? "" : { job, jobSet };
}

/** Spec 3.2, steps 2 and 3. */
function deleteProblem(sent: JobSending): string | undefined {
  const found = find(sent, asString(at(sent.sending.body, "preconditions", "uid")));
  if (typeof found === "string") return found;
  const { job, jobSet } = found;
  if (at(sent.sending.body, "propagationPolicy") !== "Foreground") return "its Pods would outlive it";
  if (isPreviousJob(jobSet, job, sent.gates)) return undefined;
  if (terminalCondition(jobSet.status) === undefined) return "the Job is of the current attempt";
  return isOpen(job) ? undefined : `the Job is ${job.phase.kind}`;
}

function isOpen({ phase: { kind } }: Job): boolean {
  return kind === "active" || kind === "succeeding";
}

function patchProblem(sent: JobSending): string | undefined {
  const { body } = sent.sending;
  const ops = Array.isArray(body) ? body : undefined;
  const test = ops?.find((op) => at(op, "op") === "test" && at(op, "path") === "/metadata/uid");
  const found = find(sent, asString(ops === undefined ? at(body, "metadata", "uid") : at(test, "value")));
  if (typeof found === "string") return found;
  const { job, jobSet } = found;
  if (isPreviousJob(jobSet, job, sent.gates)) return "the Job is of an old attempt";
  if (terminalCondition(jobSet.status) !== undefined) return "the JobSet is finished";
  if (ops !== undefined || sent.isStatus) return resumeProblem(sent, found, ops ?? []);
  if (at(body, "metadata", "labels") !== undefined) return undefined;
  if (!isOpen(job)) return `the Job is ${job.phase.kind}`;
  const size = asInteger(at(body, "spec", "parallelism"));
  if (size !== undefined) return sizeProblem(found, size);
  if (at(body, "spec", "suspend") !== true) return "it says nothing that it may";
  if (!jobSet.suspend && !sent.isOutdated(job)) return "the JobSet is not suspended";
  return job.suspend ? "the Job is suspended" : undefined;
}

/** Spec 3.8. */
function resumeProblem(
  { sending: { knowledge }, gates, progress }: JobSending,
  { job, jobSet }: KnownJob,
  ops: readonly unknown[],
): string | undefined {
  if (jobSet.suspend) return "the JobSet is suspended";
  if (!job.suspend) return "the Job runs";
  if (!isOpen(job)) return `the Job is ${job.phase.kind}`;
  const attempt = ops.find((op) =>
    at(op, "op") === "add" && asString(at(op, "path"))?.startsWith("/metadata/annotations/") === true
  );
  const { executionAttempts } = jobSet.status;
  if (gates.ExecutionAttemptsTracking && attempt !== undefined && Number(at(attempt, "value")) !== executionAttempts) {
    return `the run is ${executionAttempts}, not ${Number(at(attempt, "value"))}`;
  }
  const missing = progress.missing(knowledge, jobSet, job.replicatedJob ?? "");
  if (missing !== undefined) return `the Job waits for ${missing}`;
  const set = ops.flatMap((op): [string, unknown][] => {
    const path = asString(at(op, "path")) ?? "";
    return path.startsWith(POD_SPEC) ? [[path.slice(POD_SPEC.length), at(op, "value")]] : [];
  });
  const place = jobSet.replicatedJobs.find(({ name }) => name === job.replicatedJob);
  return schedulingProblem(
    at(place?.template, "spec", "template", "spec"),
    Object.fromEntries(set),
    set.map(([key]) => key),
  );
}

/** R34: where the Pods go is what the JobSet says, but for what exclusive placement adds. */
function schedulingProblem(
  wanted: unknown,
  sent: JsonObject,
  fields: readonly string[] = SCHEDULING,
): string | undefined {
  const field = fields.find((name) => SCHEDULING.includes(name) && textOf(sent[name]) !== textOf(at(wanted, name)));
  return field === undefined
    ? undefined
    : `the JobSet's ${field} are ${textOf(at(wanted, field))}, not ${textOf(sent[field])}`;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) {
    return value.filter((entry) => !isPlacement(at(entry, "key"))).map((entry) => JSON.stringify(entry)).join();
  }
  return Object.entries(asObject(value) ?? {}).filter(([key]) => !isPlacement(key)).map((entry) => entry.join("="))
    .sort().join();
}

function isPlacement(key: unknown): boolean {
  return typeof key === "string" && key.startsWith("alpha.jobset.sigs.k8s.io/");
}

function sizeProblem({ job, jobSet }: KnownJob, size: number): string | undefined {
  const place = jobSet.replicatedJobs.find(({ name }) => name === job.replicatedJob);
  const wanted = asInteger(at(place?.template, "spec", "parallelism")) ?? 1;
  return size === wanted ? undefined : `the JobSet asks for ${wanted}, not ${size}`;
}
