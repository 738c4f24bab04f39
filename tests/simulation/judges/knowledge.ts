/**
 * What a controller sends agrees with what it knows itself in that moment (spec 3, 3.2, 3.7, 3.8), however late that is. So these
 * invariants are as strict in runs with faults as in runs without.
 */
import { asArray, asString, at } from "../../../src/base/json.ts";
import type { Job } from "../../../src/api/job.ts";
import { type Condition, readConditions, trueCondition } from "../../../src/api/conditions.ts";
import { type JobSet, terminalCondition } from "../../../src/api/job_set.ts";
import { jobProblem, type JobSending } from "./known_jobs.ts";
import { KnownProgress } from "./known_progress.ts";
import { whyUntouchable } from "./known_job_set.ts";
import type { Knowledge } from "../types.ts";
import { isOutdatedJob } from "./templates.ts";
import type { Bench, Theme } from "./theme.ts";

/** The parts of a path such as /apis/batch/v1/namespaces/ns/jobs/js-a-0/status. */
const PATH = /\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?(?:\/(status))?$/;

export function knowledgeTheme(bench: Bench): Theme {
  const progress = new KnownProgress(bench.gates);
  const { gates, truth } = bench;
  const isOutdated = (job: Job) => isOutdatedJob(bench, job);
  return {
    onLearn({ knowledge, resource, change }) {
      if (resource === "services") return;
      const { namespace, name } = change.kind === "delete" ? change.before : change.after;
      if (resource === "jobsets") {
        return change.kind === "delete" ? undefined : progress.follow(knowledge, namespace, name);
      }
      const job = change.kind === "delete" ? change.before : change.after;
      if (change.kind === "delete") {
        if (job.phase.kind === "complete" && knowledge.mayWrite()) progress.noteGone(knowledge, job);
      } else if (isSameProgress(change.before, change.after)) {
        return;
      }
      progress.follow(knowledge, namespace, job.ownerKey.slice(namespace.length + 1));
    },
    onSend(sending) {
      const { knowledge, method, path } = sending;
      const [, namespace = "", resource = "", name = "", subresource] = PATH.exec(path) ?? [];
      if (resource === "leases") return;
      const say = (invariant: string, problem: string) => {
        bench.report(invariant, `${knowledge.process} sends ${method} ${path}, but ${problem}`);
      };
      if (!knowledge.mayWrite()) say("writes of the leader", "it does not lead");
      // What has happened is told, even if the JobSet is gone meanwhile; what is not ours, another theme sees.
      if (resource === "events") return;
      const parts = { sending, namespace, name, isStatus: subresource !== undefined };
      const problem = resource === "jobs"
        ? jobProblem({ ...parts, progress, gates, isOutdated })
        : otherProblem(parts, resource);
      const uid = problem === undefined ? undefined : uidOf(parts, resource);
      const isReshaped = uid !== undefined && truth.jobSets.get(uid)?.isReshaped === true;
      if (problem !== undefined && !isReshaped) say(`knowledge: ${method} ${resource}`, problem);
    },
  };
}

/** Whether nothing changed that the progress of a replicatedJob is told by. */
function isSameProgress(before: Job | undefined, after: Job): boolean {
  if (before?.parallelism !== after.parallelism || before?.completions !== after.completions) return false;
  if (before?.jobRestartAttempt !== after.jobRestartAttempt) return false;
  return before?.phase.kind === after.phase.kind && before.ready === after.ready &&
    before.succeeded === after.succeeded;
}

type Parts = Pick<JobSending, "sending" | "namespace" | "name" | "isStatus">;

/** Of the JobSet that it is sent for. */
function uidOf({ sending, namespace, name }: Parts, resource: string): string | undefined {
  if (resource === "jobsets") return sending.knowledge.jobSets.get(namespace, name)?.uid;
  if (resource === "jobs" && name !== "") return sending.knowledge.jobs.get(namespace, name)?.ownerUid;
  return asString(at(asArray(at(sending.body, "metadata", "ownerReferences"))[0], "uid"));
}

function otherProblem(parts: Parts, resource: string): string | undefined {
  const { sending } = parts;
  switch (resource) {
    case "jobsets":
      return sending.method === "DELETE" ? deletionProblem(parts) : statusProblem(parts);
    case "services":
    case "persistentvolumeclaims":
      return foundationProblem(parts, resource);
    default:
      return "that is none of its business";
  }
}

/** Decided on what is known, and on nothing older: all else ends in a conflict. */
function statusProblem({ sending: { knowledge, body }, namespace, name, isStatus }: Parts): string | undefined {
  if (!isStatus) return "it may only write the status";
  const jobSet = knowledge.jobSets.get(namespace, name);
  const why = whyUntouchable(jobSet, asString(at(body, "metadata", "uid")));
  if (why !== undefined) return why;
  const version = asString(at(body, "metadata", "resourceVersion"));
  if (jobSet === undefined || version !== jobSet.resourceVersion) {
    return `that was decided on version ${version}, and it knows ${jobSet?.resourceVersion}`;
  }
  const isSuspended = conditionIn(readConditions(at(body, "status", "conditions")), "Suspended");
  return isSuspended && !conditionIn(jobSet.status.conditions, "Suspended")
    ? runningProblem(knowledge, jobSet)
    : undefined;
}

/** Spec 3.8: the condition follows once every Job is seen suspended. */
function runningProblem({ jobs }: Knowledge, { namespace, name, uid, status }: JobSet): string | undefined {
  for (const job of jobs.byOwner(`${namespace}/${name}`).values()) {
    const isCurrent = job.ownerUid === uid && (job.restartAttempt ?? 0) >= status.restarts;
    if (isCurrent && job.phase.kind === "active" && !job.suspend && !job.isDeleting) {
      return `it knows that ${job.name} runs`;
    }
  }
  return undefined;
}

function conditionIn(conditions: readonly Condition[], type: string): boolean {
  return trueCondition(conditions, type) !== undefined;
}

/** Spec 3.8. */
function deletionProblem({ sending: { knowledge, body }, namespace, name }: Parts): string | undefined {
  const jobSet = knowledge.jobSets.get(namespace, name);
  const why = whyUntouchable(jobSet, asString(at(body, "preconditions", "uid")));
  if (why !== undefined || jobSet === undefined) return why;
  const terminal = terminalCondition(jobSet.status);
  if (terminal === undefined) return "the JobSet is not finished";
  if (jobSet.ttlSecondsAfterFinished === undefined) return "the JobSet has no end";
  const leftMs = Date.parse(terminal.lastTransitionTime) + jobSet.ttlSecondsAfterFinished * 1000 - knowledge.now();
  return leftMs > 0 ? `the JobSet has ${leftMs} ms to live` : undefined;
}

/** Spec 3.5, 3.6: the Service and the claims. Claims that are kept have no owner. */
function foundationProblem({ sending: { knowledge, body, method }, namespace }: Parts, resource: string) {
  if (method !== "POST") return "it may only create them";
  const owner = asArray(at(body, "metadata", "ownerReferences"))[0];
  const jobSetName = asString(at(body, "metadata", "labels", "jobset.sigs.k8s.io/jobset-name")) ?? "";
  const jobSet = knowledge.jobSets.get(namespace, jobSetName);
  const why = whyUntouchable(jobSet, owner === undefined ? jobSet?.uid : asString(at(owner, "uid")));
  if (why !== undefined || jobSet === undefined) return why;
  if (terminalCondition(jobSet.status) !== undefined) return "the JobSet is finished";
  const isThere = resource === "services" &&
    knowledge.services.get(namespace, asString(at(body, "metadata", "name")) ?? "") !== undefined;
  return isThere ? "the Service is there" : undefined;
}
