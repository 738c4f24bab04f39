/** Suspends and resumes the Jobs (spec 3.8). */
import { asObject, asString, at, type JsonObject } from "../base/json.ts";
import { changedResources, resourcesDigest } from "../api/container_resources.ts";
import { type Job, takesTemplate } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import { EXECUTION_ATTEMPT, isOwnKey } from "../api/keys.ts";
import { splitChildJobName } from "../api/names.ts";
import { hashOf, readScheduling, type Scheduling, schedulingHash } from "../api/scheduling.ts";
import { type Buckets, positionOf, type Positions, positionsOf } from "./buckets.ts";
import { endedAttempt } from "./execution_attempts.ts";
import { createOf, jobFactory } from "./job_factory.ts";
import type { StatusDraft } from "./status_draft.ts";
import type { Gates, InFlight, JobChange, JobCreate, JobPatch, JobSurroundings } from "./types.ts";

/**
 * No plan resumes more Jobs than this: their bodies are built to be compared, and the next plan goes on. It is some
 * times what may be under way for one JobSet at once (spec 3.2).
 */
const MAX_RESUMES = 250;

/**
 * Suspends every active Job; the condition follows once every one of them is seen suspended, and no create or resume
 * under way can set one running.
 */
export function suspendJobs(
  { jobSet, gates, active, inFlight, draft }: {
    jobSet: JobSet;
    gates: Gates;
    active: readonly Job[];
    inFlight: InFlight;
    draft: StatusDraft;
  },
): JobPatch[] {
  const attempt = endedAttempt(jobSet, gates);
  const running = active.filter((job) => !job.suspend);
  const isSettled = inFlight.creates.size === 0 && !active.some((job) => inFlight.patches.has(job.uid));
  if (running.length === 0 && isSettled) {
    const message = "jobset is suspended";
    draft.setCondition({ type: "Suspended", status: "True", reason: "SuspendedJobs", message });
    draft.setCondition({ type: "RestartingJobSet", status: "False", reason: "JobSetSuspended", message });
  }
  return running
    .filter((job) => !inFlight.patches.has(job.uid) && !job.isDeleting)
    .map((job) => ({ name: job.name, uid: job.uid, change: suspension(job, attempt) }));
}

/** A Job in a later run than the JobSet has, as it is known, was resumed by one who knew better. */
function suspension(job: Job, attempt: number | undefined): Extract<JobChange, { readonly kind: "suspend" }> {
  if (attempt === undefined || attempt <= (job.executionAttempt ?? -1)) return { kind: "suspend" };
  return { kind: "suspend", executionAttempt: attempt };
}

/**
 * Suspends the Jobs of a running JobSet that go on with a template which it was suspended to replace (R34): once that is seen,
 * they are resumed as any other. The run in which each took part last stands in its annotation, and does not change as the next one
 * is counted; one that has none (the gate was off) gets it before the first of them is suspended.
 */
export function suspendOutdated(
  { jobSet, gates, active, inFlight, outdated }: {
    jobSet: JobSet;
    gates: Gates;
    active: readonly Job[];
    inFlight: InFlight;
    outdated: ReadonlySet<string>;
  },
): JobPatch[] {
  if (outdated.size === 0) return [];
  const attempt = active.some((job) => job.suspend) ? undefined : endedAttempt(jobSet, gates);
  const changeOf = (job: Job) => suspension(job, job.executionAttempt === undefined ? attempt : undefined);
  return active
    .filter((job) => outdated.has(job.name) && !job.suspend && !job.isDeleting && !inFlight.patches.has(job.uid))
    .map((job) => ({ name: job.name, uid: job.uid, change: { ...changeOf(job), ifOutdated: true } }));
}

/**
 * Whether the Job with this body has another pod template than the JobSet asks for, in what a resume sets. Our own marks tell nothing:
 * they also differ where a gate or a default has changed since.
 */
export function isOutdated(jobSet: JobSet, body: JsonObject, surroundings: JobSurroundings): boolean {
  const create = createNamed(jobSet, positionsOf(jobSet), asString(at(body, "metadata", "name")) ?? "");
  if (create === undefined) return false;
  const wanted = at(jobFactory(jobSet, surroundings)(create), "spec", "template");
  const stored = at(body, "spec", "template");
  if (hashOf(withoutMarks(readScheduling(stored))) !== hashOf(withoutMarks(readScheduling(wanted)))) return true;
  return surroundings.gates.MutablePodResourcesForSuspendedJobSets &&
    changedResources(wanted, resourcesDigest(stored)).length > 0;
}

const CONTROLLER_LABELS = controllerLabels({ uid: "", name: "" });

/** Without what we, or the Job controller, put there ourselves. */
function withoutMarks(scheduling: Scheduling): Scheduling {
  const isMark = (key: string) => isOwnKey(key) || key in CONTROLLER_LABELS;
  const rest = (map: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(map).filter(([key]) => !isMark(key)));
  return { ...scheduling, labels: rest(scheduling.labels), annotations: rest(scheduling.annotations) };
}

/** For each replicatedJob what is equal as long as its pod template is in all that can only change while the JobSet is suspended. */
export function templateKeys({ replicatedJobs }: JobSet, gates: Gates): readonly string[] {
  return replicatedJobs.map(({ name, template }) => {
    const podTemplate = at(template, "spec", "template");
    const resources = gates.MutablePodResourcesForSuspendedJobSets ? resourcesDigest(podTemplate) : "";
    return `${name} ${schedulingHash(podTemplate)} ${resources}`;
  });
}

/** Resumes the suspended Jobs of the replicatedJobs that may start, each with its scheduling rebuilt (K16, R34). */
export function resumeJobs(
  { jobSet, surroundings, buckets, startable, inFlight, isStartupDone, draft, isHeld }: {
    jobSet: JobSet;
    surroundings: JobSurroundings;
    buckets: Buckets;
    startable: ReadonlySet<number>;
    inFlight: InFlight;
    isStartupDone: boolean;
    draft: StatusDraft;
    /** Something must be written before the first of them is resumed. */
    isHeld: boolean;
  },
): JobPatch[] {
  const suspended = buckets.active.filter((job) => {
    return job.suspend && startable.has(positionOf(jobSet, buckets.positions, job.name) ?? -1);
  });
  if (suspended.length === 0 && isStartupDone) {
    draft.setCondition({ type: "Suspended", status: "False", reason: "ResumeJobs", message: "jobset is resumed" });
  }
  if (suspended.length === 0 || isHeld) return [];
  const build = jobFactory(jobSet, surroundings);
  const patches: JobPatch[] = [];
  for (const job of suspended) {
    if (patches.length >= MAX_RESUMES) break;
    if (inFlight.patches.has(job.uid) || inFlight.resumes.has(job.uid) || job.isDeleting) continue;
    const create = createNamed(jobSet, buckets.positions, job.name);
    const patch = create === undefined ? undefined : resumeJob(job, build(create), surroundings.gates);
    if (patch !== undefined) patches.push(patch);
  }
  return patches;
}

/** The Job of that name as it would be created: labels may have been changed by hand, a name can't be. */
function createNamed(jobSet: JobSet, positions: Positions, name: string): JobCreate | undefined {
  const position = positionOf(jobSet, positions, name);
  const jobIndex = splitChildJobName(name)?.jobIndex;
  return position === undefined || jobIndex === undefined ? undefined : createOf(jobSet, position, jobIndex);
}

/**
 * The patch that resumes one Job; undefined while the API server would refuse its new template: it takes one only once
 * the Job controller has seen the suspension and the last Pod is gone (the Job's next event brings us back).
 */
function resumeJob(job: Job, built: JsonObject, gates: Gates): JobPatch | undefined {
  const template = at(built, "spec", "template");
  const wanted = withKeptAttempt(job, withControllerLabels(job, at(built, "spec")), gates);
  const isSameScheduling = hashOf(wanted) === job.schedulingHash;
  const resources = gates.MutablePodResourcesForSuspendedJobSets ? changedResources(template, job.resourcesDigest) : [];
  const isSame = isSameScheduling && resources.length === 0;
  if (!isSame && !takesTemplate(job)) return undefined;
  const attempt = gates.ExecutionAttemptsTracking
    ? asString(at(built, "metadata", "annotations", EXECUTION_ATTEMPT))
    : undefined;
  return {
    name: job.name,
    uid: job.uid,
    change: {
      kind: "resume",
      clearStartTime: job.hasStarted,
      ...(isSameScheduling ? {} : { scheduling: wanted }),
      ...(resources.length === 0 ? {} : { resources }),
      ...(attempt === undefined || Number(attempt) === job.executionAttempt
        ? {}
        : { executionAttempt: Number(attempt), ...(job.hasAnnotations ? {} : { isUnannotated: true }) }),
    },
  };
}

/** Spec 3.12: with the gate off what stands there stays. */
function withKeptAttempt(job: Job, scheduling: Scheduling, gates: Gates): Scheduling {
  const { templateExecutionAttempt: kept } = job;
  if (gates.ExecutionAttemptsTracking || kept === undefined) return scheduling;
  return { ...scheduling, annotations: { ...scheduling.annotations, [EXECUTION_ATTEMPT]: kept } };
}

function controllerLabels({ uid, name }: { readonly uid: string; readonly name: string }): Record<string, string> {
  return {
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
}

/** What the Job controller put into the template follows from the Job's uid and name (R85). */
function withControllerLabels(job: Job, spec: unknown): Scheduling {
  const scheduling = readScheduling(at(spec, "template"));
  if (asObject(spec)?.["manualSelector"] === true) return scheduling;
  return {
    ...scheduling,
    labels: { ...scheduling.labels, ...controllerLabels(job) },
  };
}
