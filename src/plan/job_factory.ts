/** Builds child Jobs (spec 1.3, 3.7). */
import { asArray, asObject, asString, asStringMap, at, type JsonObject } from "../base/json.ts";
import { type JobSet, metadataMap, readPlacement, type ReplicatedJob } from "../api/job_set.ts";
import * as keys from "../api/keys.ts";
import { childJobName, jobKey, volumeClaimName } from "../api/names.ts";
import { type Priorities, priorityLabel } from "../api/priority.ts";
import { executionAttempt } from "./execution_attempts.ts";
import { jobRestartsOf } from "./job_restarts.ts";
import type { JobCreate, JobSurroundings } from "./types.ts";

/** What all Jobs of one replicatedJob share. */
interface ReplicatedJobContext {
  readonly replicatedJob: ReplicatedJob;
  /** The exclusive placement annotations (spec 1.3). */
  readonly placement: Readonly<Record<string, string>>;
  /** Labels of the pod template alone. */
  readonly podLabels: Readonly<Record<string, string>>;
  readonly globalOffset: number;
  readonly groupOffset: number;
  readonly groupReplicas: number;
}

/** Makes the body of any child Job of this JobSet; the shared parts are worked out once. */
export function jobFactory(jobSet: JobSet, surroundings: JobSurroundings): (create: JobCreate) => JsonObject {
  const globalReplicas = jobSet.replicatedJobs.reduce((sum, { replicas }) => sum + replicas, 0);
  const contexts = replicatedJobContexts(jobSet, surroundings);
  const jobRestarts = surroundings.gates.RestartJob ? jobRestartsOf(jobSet) : undefined;
  const attempt = executionAttempt(jobSet, surroundings.gates);
  const execution = attempt === undefined ? {} : { [keys.EXECUTION_ATTEMPT]: String(attempt) };
  return (create) => {
    const context = contexts[create.replicatedJobIndex];
    if (context === undefined) throw new RangeError(`no replicatedJob at position ${create.replicatedJobIndex}`);
    const own = ownKeys({ jobSet, context, create, globalReplicas, jobRestarts: jobRestarts?.(create.name) });
    const { podLabels } = context;
    const { template } = context.replicatedJob;
    const marks: Marks = { labels: own, annotations: { ...own, ...context.placement, ...execution } };
    const metadata = markMetadata(template, marks);
    return {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        name: create.name,
        namespace: jobSet.namespace,
        ...metadata,
        ownerReferences: [ownerReference(jobSet)],
      },
      spec: jobSpec({ jobSet, create, template, marks, podLabels, annotations: metadata.annotations }),
    };
  };
}

/** The controller owner reference that every child carries. */
export function ownerReference(jobSet: JobSet): JsonObject {
  return {
    apiVersion: keys.API_VERSION,
    kind: keys.KIND,
    name: jobSet.name,
    uid: jobSet.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

interface Marks {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The template's labels and annotations; our keys win. */
function markMetadata(template: unknown, marks: Marks): { labels: JsonObject; annotations: JsonObject } {
  return {
    labels: { ...metadataMap(template, "labels"), ...marks.labels },
    annotations: { ...metadataMap(template, "annotations"), ...marks.annotations },
  };
}

function jobSpec(
  { jobSet, create, template, marks, podLabels, annotations }: {
    jobSet: JobSet;
    create: JobCreate;
    template: JsonObject;
    marks: Marks;
    podLabels: Readonly<Record<string, string>>;
    /** Those of the Job. */
    annotations: JsonObject;
  },
): JsonObject {
  const spec = asObject(template["spec"]) ?? {};
  const podTemplate = asObject(spec["template"]) ?? {};
  const podMarks: Marks = { ...marks, labels: { ...marks.labels, ...podLabels } };
  return {
    completionMode: "Indexed",
    ...withoutNulls(spec),
    suspend: jobSet.suspend,
    template: {
      ...podTemplate,
      metadata: { ...asObject(podTemplate["metadata"]), ...markMetadata(podTemplate, podMarks) },
      spec: podSpec({ jobSet, create, pod: asObject(podTemplate["spec"]) ?? {}, annotations }),
    },
  };
}

function podSpec(
  { jobSet, create, pod, annotations }: {
    jobSet: JobSet;
    create: JobCreate;
    pod: JsonObject;
    annotations: JsonObject;
  },
): JsonObject {
  const volumes = claimVolumes(jobSet, pod);
  // Some clients write an absent string as "": the webhook takes it for absent too.
  const hasNoPolicy = (pod["restartPolicy"] ?? "") === "";
  return {
    ...withoutNulls(pod),
    ...(hasNoPolicy ? { restartPolicy: "OnFailure" } : {}),
    ...(jobSet.network.enableDNSHostnames ? { subdomain: jobSet.network.subdomain } : {}),
    ...(volumes.length > 0 ? { volumes: [...asArray(pod["volumes"]), ...volumes] } : {}),
    ...nodeSelectorPlacement({ jobSet, create, pod, annotations }),
  };
}

/** Spec 3.7: node selector placement asks for the nodes labelled beforehand for this very Job. */
function nodeSelectorPlacement(
  { jobSet, create, pod, annotations }: {
    jobSet: JobSet;
    create: JobCreate;
    pod: JsonObject;
    annotations: JsonObject;
  },
): JsonObject {
  if (annotations[keys.EXCLUSIVE_TOPOLOGY] === undefined || annotations[keys.NODE_SELECTOR] === undefined) return {};
  return {
    nodeSelector: {
      ...asStringMap(pod["nodeSelector"]),
      [keys.NAMESPACED_JOB]: `${jobSet.namespace}_${create.name}`,
    },
    tolerations: [
      ...asArray(pod["tolerations"]),
      { key: keys.NO_SCHEDULE, operator: "Exists", effect: "NoSchedule" },
    ],
  };
}

/** Spec 3.6: a volume for every claim template that some container or init container mounts by name. */
function claimVolumes(jobSet: JobSet, pod: JsonObject): readonly JsonObject[] {
  if (jobSet.volumeClaimPolicies.length === 0) return [];
  const mounted = new Set<string>();
  for (const container of [...asArray(pod["initContainers"]), ...asArray(pod["containers"])]) {
    for (const mount of asArray(at(container, "volumeMounts"))) {
      const name = asString(at(mount, "name"));
      if (name !== undefined) mounted.add(name);
    }
  }
  return jobSet.volumeClaimPolicies
    .flatMap(({ templates }) => templates)
    .map((template) => asString(at(template, "metadata", "name")) ?? "")
    .filter((name) => mounted.has(name))
    .map((name) => ({ name, persistentVolumeClaim: { claimName: volumeClaimName(name, jobSet.name) } }));
}

/** The keys of spec 1.3 that stand both as labels and as annotations. */
function ownKeys(
  { jobSet, context, create, globalReplicas, jobRestarts }: {
    jobSet: JobSet;
    context: ReplicatedJobContext;
    create: JobCreate;
    globalReplicas: number;
    /** Undefined with gate RestartJob off. */
    jobRestarts: number | undefined;
  },
): Readonly<Record<string, string>> {
  const { replicatedJob } = context;
  return {
    [keys.JOBSET_NAME]: jobSet.name,
    [keys.JOBSET_UID]: jobSet.uid,
    [keys.REPLICATED_JOB_NAME]: replicatedJob.name,
    [keys.REPLICATED_JOB_REPLICAS]: String(replicatedJob.replicas),
    [keys.RESTART_ATTEMPT]: String(jobSet.status.restarts),
    ...(jobRestarts === undefined ? {} : { [keys.JOB_RESTART_ATTEMPT]: String(jobRestarts) }),
    [keys.GLOBAL_REPLICAS]: String(globalReplicas),
    [keys.JOB_INDEX]: String(create.jobIndex),
    [keys.JOB_GLOBAL_INDEX]: String(context.globalOffset + create.jobIndex),
    [keys.JOB_KEY]: jobKey(jobSet.namespace, create.name),
    [keys.GROUP_NAME]: replicatedJob.groupName,
    [keys.GROUP_REPLICAS]: String(context.groupReplicas),
    [keys.JOB_GROUP_INDEX]: String(context.groupOffset + create.jobIndex),
    ...(jobSet.coordinator === undefined
      ? {}
      : { [keys.COORDINATOR]: coordinatorEndpoint(jobSet, jobSet.coordinator) }),
  };
}

function coordinatorEndpoint(jobSet: JobSet, coordinator: NonNullable<JobSet["coordinator"]>): string {
  const job = childJobName(jobSet.name, coordinator.replicatedJob, coordinator.jobIndex);
  return `${job}-${coordinator.podIndex}.${jobSet.network.subdomain}`;
}

function replicatedJobContexts(
  jobSet: JobSet,
  { priorities }: JobSurroundings,
): readonly ReplicatedJobContext[] {
  const { replicatedJobs } = jobSet;
  const groupTotals = new Map<string, number>();
  for (const { groupName, replicas } of replicatedJobs) {
    groupTotals.set(groupName, (groupTotals.get(groupName) ?? 0) + replicas);
  }
  const groupOffsets = new Map<string, number>();
  let globalOffset = 0;
  return replicatedJobs.map((replicatedJob) => {
    const { groupName, replicas, template } = replicatedJob;
    const groupOffset = groupOffsets.get(groupName) ?? 0;
    const placement = { ...jobSet.placement, ...readPlacement(at(template, "metadata", "annotations")) };
    const context = {
      replicatedJob,
      placement,
      podLabels: podLabels({ template, placement, priorities }),
      globalOffset,
      groupOffset,
      groupReplicas: groupTotals.get(groupName) ?? 0,
    };
    groupOffsets.set(groupName, groupOffset + replicas);
    globalOffset += replicas;
    return context;
  });
}

/**
 * Spec 4.1: the priority that the API server will give the Pods, so that no webhook need label them. Where it can't be known
 * the label is left to the webhook, and where nodes are selected by hand there is none.
 */
function podLabels(
  { template, placement, priorities }: {
    template: JsonObject;
    placement: Readonly<Record<string, string>>;
    priorities: Priorities | undefined;
  },
): Readonly<Record<string, string>> {
  if (priorities === undefined) return {};
  const pod = at(template, "spec", "template");
  if (keys.NODE_SELECTOR in { ...metadataMap(pod, "annotations"), ...placement }) return {};
  const className = asString(at(pod, "spec", "priorityClassName")) ?? "";
  const priority = className === "" ? priorities.globalDefault : priorities.byClass.get(className);
  return priority === undefined ? {} : { [keys.PRIORITY]: priorityLabel(priority) };
}

/** The name of the Job at an index, as `childJobName` gives it. */
export function createOf(jobSet: JobSet, replicatedJobIndex: number, jobIndex: number): JobCreate {
  const replicatedJobName = jobSet.replicatedJobs[replicatedJobIndex]?.name ?? "";
  return { name: childJobName(jobSet.name, replicatedJobName, jobIndex), replicatedJobIndex, jobIndex };
}

/** A field that is null counts as absent, so that it does not hide a default. */
function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}
