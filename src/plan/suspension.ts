/** Suspends and resumes the Jobs (spec 3.8). */
import { asObject, at } from "../base/json.ts";
import type { Job } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import { hashOf, readScheduling, type Scheduling } from "../api/scheduling.ts";
import { createOf, jobFactory } from "./job_factory.ts";
import type { StatusDraft } from "./status_draft.ts";
import type { InFlight, JobPatch } from "./types.ts";

/** Suspends every active Job; the condition follows once every one of them is seen suspended. */
export function suspendJobs(
  { active, inFlight, draft }: { active: readonly Job[]; inFlight: InFlight; draft: StatusDraft },
): JobPatch[] {
  const running = active.filter((job) => !job.suspend);
  if (running.length === 0 && inFlight.creates.size === 0) {
    const message = "jobset is suspended";
    draft.setCondition({ type: "Suspended", status: "True", reason: "SuspendedJobs", message });
    draft.setCondition({ type: "RestartingJobSet", status: "False", reason: "JobSetSuspended", message });
  }
  return running
    .filter((job) => !inFlight.patches.has(job.uid) && !job.isDeleting)
    .map((job) => ({ name: job.name, uid: job.uid, change: { kind: "suspend" } }));
}

/** Resumes the suspended Jobs of the replicatedJobs that may start, each with its scheduling rebuilt (K16, R34). */
export function resumeJobs(
  { jobSet, active, startable, inFlight, isStartupDone, draft }: {
    jobSet: JobSet;
    active: readonly Job[];
    startable: ReadonlySet<number>;
    inFlight: InFlight;
    isStartupDone: boolean;
    draft: StatusDraft;
  },
): JobPatch[] {
  const positions = new Map(jobSet.replicatedJobs.map(({ name }, position) => [name, position]));
  const suspended = active.filter((job) => job.suspend && startable.has(positions.get(job.replicatedJob ?? "") ?? -1));
  if (suspended.length === 0 && isStartupDone) {
    draft.setCondition({ type: "Suspended", status: "False", reason: "ResumeJobs", message: "jobset is resumed" });
  }
  if (suspended.length === 0) return [];
  const build = jobFactory(jobSet);
  return suspended
    .filter((job) => !inFlight.patches.has(job.uid) && !job.isDeleting)
    .flatMap((job) => {
      const position = positions.get(job.replicatedJob ?? "") ?? -1;
      const body = build(createOf(jobSet, position, job.jobIndex ?? 0));
      const patch = resumeJob(job, at(body, "spec"));
      return patch === undefined ? [] : [patch];
    });
}

/**
 * The patch that resumes one Job; undefined while the API server would refuse its new template: it takes one only once
 * the Job controller has seen the suspension and the last Pod is gone (the Job's next event brings us back).
 */
function resumeJob(job: Job, spec: unknown): JobPatch | undefined {
  const wanted = withControllerLabels(job, spec);
  const clearStartTime = job.hasStarted;
  if (hashOf(wanted) === job.schedulingHash) {
    return { name: job.name, uid: job.uid, change: { kind: "resume", clearStartTime } };
  }
  if (job.active > 0 || (job.hasStarted && !job.isSuspended)) return undefined;
  return { name: job.name, uid: job.uid, change: { kind: "resume", clearStartTime, scheduling: wanted } };
}

/** What the Job controller put into the template follows from the Job's uid and name (R85). */
function withControllerLabels(job: Job, spec: unknown): Scheduling {
  const scheduling = readScheduling(at(spec, "template"));
  if (asObject(spec)?.["manualSelector"] === true) return scheduling;
  return {
    ...scheduling,
    labels: {
      ...scheduling.labels,
      "batch.kubernetes.io/controller-uid": job.uid,
      "batch.kubernetes.io/job-name": job.name,
      "controller-uid": job.uid,
      "job-name": job.name,
    },
  };
}
