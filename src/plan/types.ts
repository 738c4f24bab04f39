/** What goes into a plan and what comes out of it (design: "The loop is the order of the folders"). Data only. */
import type { JsonObject } from "../base/json.ts";
import type { ContainerResources } from "../api/container_resources.ts";
import type { Job } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import type { FeatureGates } from "../api/feature_gates.ts";
import type { Pod } from "../api/pod.ts";
import type { Priorities } from "../api/priority.ts";
import type { Scheduling } from "../api/scheduling.ts";
import type { OldPodsCheck } from "./old_pods.ts";

export type Gates = FeatureGates;

/** What the bodies of child Jobs depend on beside the JobSet. */
export interface JobSurroundings {
  readonly gates: Gates;
  /** Undefined where they can't be read: the label `priority` is then left to the Pod webhook. */
  readonly priorities: Priorities | undefined;
}

/** Requests that were sent, or refused and not yet due again: a plan asks for none of them twice. */
export interface InFlight {
  /** Names of Jobs being created. */
  readonly creates: ReadonlySet<string>;
  /** Names of Jobs whose creation was refused and is not due again. */
  readonly refused: ReadonlySet<string>;
  /** Uids of Jobs being deleted. */
  readonly deletes: ReadonlySet<string>;
  /** Uids of Jobs being patched. */
  readonly patches: ReadonlySet<string>;
  /** Uids of Jobs resumed lately, or refused so: no resume of them is due, but any other patch may be. */
  readonly resumes: ReadonlySet<string>;
  /** Uids of Jobs scaled, or refused so, and not due again; with the size that they were to have. */
  readonly scales: ReadonlyMap<string, number>;
  readonly service: boolean;
  /** Names of claims being looked up or created. */
  readonly claims: ReadonlySet<string>;
  readonly jobSetDelete: boolean;
}

export interface PlanInput extends JobSurroundings {
  readonly jobSet: JobSet;
  /** The Jobs whose owner reference names the JobSet; those of another uid are passed over. */
  readonly jobs: Iterable<Job>;
  /** A Service of the JobSet's subdomain exists, whoever owns it. */
  readonly hasService: boolean;
  /** Names of claims known to exist, or to have existed once in this process. */
  readonly claims: ReadonlySet<string>;
  /** Jobs that were seen Complete and then gone: name → restart attempt (spec 3.7, finished and gone). */
  readonly succeededAndGone: ReadonlyMap<string, number>;
  readonly inFlight: InFlight;
  /** Names of Jobs that may run with a pod template which the JobSet was suspended to replace (R34). */
  readonly outdated: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Those with the JobSet's name as their label; undefined where they are not watched, or not yet known. */
  readonly pods: Iterable<Pod> | undefined;
}

export interface JobDelete {
  readonly name: string;
  readonly uid: string;
  /** Set where the Job is deleted for what was seen of it: if it has changed since, it is looked at again. */
  readonly resourceVersion?: string;
}

/** A Job to create; its body is made when it is sent, by `jobFactory`. */
export interface JobCreate {
  readonly name: string;
  /** Position of the replicatedJob in the spec. */
  readonly replicatedJobIndex: number;
  readonly jobIndex: number;
}

export type JobChange =
  /** `executionAttempt` is the annotation of the Job, where it is to change. */
  | {
    readonly kind: "suspend";
    readonly executionAttempt?: number;
    /** Only if its pod template is not what a resume would make of it: the view does not tell. */
    readonly ifOutdated?: true;
  }
  /** The label and annotation job-restart-attempt of a Job made while gate RestartJob was off. */
  | { readonly kind: "label"; readonly jobRestartAttempt: number }
  /** Gate ElasticJobSet. */
  | { readonly kind: "scale"; readonly size: number }
  | {
    readonly kind: "resume";
    readonly clearStartTime: boolean;
    /** Absent where these parts of the pod template would not change. */
    readonly scheduling?: Scheduling;
    /** Gate MutablePodResourcesForSuspendedJobSets: the containers that would change. */
    readonly resources?: readonly ContainerResources[];
    /** Gate ExecutionAttemptsTracking: the annotation of the Job. */
    readonly executionAttempt?: number;
    /** The Job has no annotations at all. */
    readonly isUnannotated?: true;
  };

export interface JobPatch {
  readonly name: string;
  readonly uid: string;
  readonly change: JobChange;
}

export interface ObjectCreate {
  readonly name: string;
  readonly body: JsonObject;
}

export interface EventDraft {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly note: string;
}

export interface StatusWrite {
  /** The fields of `status` that change, each as a whole: a merge patch. */
  readonly fields: JsonObject;
  /** Nothing but counters changes: such a write may wait. */
  readonly onlyCounters: boolean;
}

export interface Plan {
  readonly deletes: readonly JobDelete[];
  readonly service?: ObjectCreate;
  readonly claims: readonly ObjectCreate[];
  readonly creates: readonly JobCreate[];
  readonly patches: readonly JobPatch[];
  readonly deleteJobSet: boolean;
  /** Jobs that do not exist and count as succeeded, to be remembered in `succeededAndGone` with the current attempt. */
  readonly vanished?: readonly string[];
  readonly status?: StatusWrite;
  /** Emitted once the status write has succeeded, or at once where there is none. */
  readonly events: readonly EventDraft[];
  /** Warnings of what is wrong with the objects as they stand: each told once, until a plan comes without it. */
  readonly notices?: readonly EventDraft[];
  /** The Pods are between two attempts: each write of the status would wake an agent in every one of them. */
  readonly isRestartingInPlace?: boolean;
  /** Old Jobs whose Pods may have to be forced off dead nodes (spec 7.11). */
  readonly oldPods?: OldPodsCheck;
  /** The JobSet reaches this state with the status write. */
  readonly finished?: "completed" | "failed";
  /** Milliseconds since 1970. */
  readonly lookAgainAt?: number;
  /** One line each, for the log. */
  readonly problems: readonly string[];
  /** The plan can't be made as the object stands: tried again with back-off. */
  readonly error?: string;
}
