/** The requests that a plan's entries become (spec 6.6). */
import type { JsonObject } from "../base/json.ts";
import type { Job } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import { API_VERSION, EXECUTION_ATTEMPT, JOB_RESTART_ATTEMPT, JOBSET_NAME } from "../api/keys.ts";
import type { JobChange, JobDelete, JobPatch } from "../plan/types.ts";
import type { KubeRequest } from "../client/kube_client.ts";
import { resumeOps } from "./resume_ops.ts";

const MERGE_PATCH = "application/merge-patch+json";
const JSON_PATCH = "application/json-patch+json";
const METADATA_ONLY = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";

export function jobsPath(namespace: string): string {
  return `/apis/batch/v1/namespaces/${namespace}/jobs`;
}

export function jobSetPath({ namespace, name }: { namespace: string; name: string }): string {
  return `/apis/${API_VERSION}/namespaces/${namespace}/jobsets/${name}`;
}

export function createJob(namespace: string, body: JsonObject): KubeRequest {
  return { method: "POST", path: jobsPath(namespace), body };
}

export function getJob(namespace: string, name: string): KubeRequest {
  return { method: "GET", path: `${jobsPath(namespace)}/${name}` };
}

/** Foreground, and only this very Job: by name alone a stale view would kill its successor (R83). */
export function deleteJob(namespace: string, { name, ...preconditions }: JobDelete): KubeRequest {
  return { method: "DELETE", path: `${jobsPath(namespace)}/${name}`, body: foregroundDeletion(preconditions) };
}

export function deleteJobSet(jobSet: JobSet): KubeRequest {
  return { method: "DELETE", path: jobSetPath(jobSet), body: foregroundDeletion({ uid: jobSet.uid }) };
}

function foregroundDeletion(preconditions: Omit<JobDelete, "name">): JsonObject {
  return { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Foreground", preconditions };
}

/** Conflicts where the object has changed since it was read: a stale decision never overwrites (spec 6.6). */
export function patchStatus(jobSet: JobSet, fields: JsonObject): KubeRequest {
  return {
    method: "PATCH",
    path: `${jobSetPath(jobSet)}/status`,
    contentType: MERGE_PATCH,
    body: { metadata: { uid: jobSet.uid, resourceVersion: jobSet.resourceVersion }, status: fields },
  };
}

export function getJobSet(jobSet: JobSet): KubeRequest {
  return { method: "GET", path: jobSetPath(jobSet) };
}

/** The requests of one Job's patch, to be sent one after the other; `seen`: the Job as it is known. */
export function patchJob(
  namespace: string,
  { name, uid, change }: JobPatch,
  seen: Job | undefined,
): readonly KubeRequest[] {
  const path = `${jobsPath(namespace)}/${name}`;
  if (change.kind !== "resume") {
    return [{ method: "PATCH", path, contentType: MERGE_PATCH, body: simpleChange(uid, change) }];
  }
  const resume: KubeRequest = {
    method: "PATCH",
    path,
    contentType: JSON_PATCH,
    body: resumeOps(uid, change, seen?.executionAttempt),
  };
  if (!change.clearStartTime) return [resume];
  const clear = { metadata: { uid }, status: { startTime: null } };
  return [{ method: "PATCH", path: `${path}/status`, contentType: MERGE_PATCH, body: clear }, resume];
}

function simpleChange(uid: string, change: Exclude<JobChange, { kind: "resume" }>): JsonObject {
  switch (change.kind) {
    case "suspend":
      return { metadata: { uid, ...attemptMark(change.executionAttempt) }, spec: { suspend: true } };
    case "scale":
      return { metadata: { uid }, spec: { parallelism: change.size, completions: change.size } };
    case "label": {
      const mark = { [JOB_RESTART_ATTEMPT]: String(change.jobRestartAttempt) };
      return { metadata: { uid, labels: mark, annotations: mark } };
    }
  }
}

function attemptMark(attempt: number | undefined): JsonObject {
  return attempt === undefined ? {} : { annotations: { [EXECUTION_ATTEMPT]: String(attempt) } };
}

export function createService(namespace: string, body: JsonObject): KubeRequest {
  return { method: "POST", path: `/api/v1/namespaces/${namespace}/services`, body };
}

export function getService(namespace: string, name: string): KubeRequest {
  return { method: "GET", path: `/api/v1/namespaces/${namespace}/services/${name}`, accept: METADATA_ONLY };
}

export function getClaim(namespace: string, name: string): KubeRequest {
  return {
    method: "GET",
    path: `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`,
    accept: METADATA_ONLY,
  };
}

export function createClaim(namespace: string, body: JsonObject): KubeRequest {
  return { method: "POST", path: `/api/v1/namespaces/${namespace}/persistentvolumeclaims`, body };
}

interface Page {
  /** Its name. */
  readonly jobSet: string;
  /** What the page before ended with. */
  readonly page: string | undefined;
}

/** One page of the JobSet's Pods. */
export function listPods(namespace: string, page: Page): KubeRequest {
  return { method: "GET", path: `/api/v1/namespaces/${namespace}/pods`, query: pageQuery(page) };
}

/** One page of the JobSet's Jobs, as the API server has them now. */
export function listJobs(namespace: string, page: Page): KubeRequest {
  return { method: "GET", path: jobsPath(namespace), query: pageQuery(page) };
}

function pageQuery({ jobSet, page }: Page): Record<string, string> {
  const query = { labelSelector: `${JOBSET_NAME}=${jobSet}`, limit: "500" };
  return page === undefined ? query : { ...query, continue: page };
}

export function getNode(name: string): KubeRequest {
  return { method: "GET", path: `/api/v1/nodes/${name}` };
}

/** Without waiting for a kubelet to say that its containers have ended; only this very Pod. */
export function forceDeletePod(namespace: string, { name, uid }: { name: string; uid: string }): KubeRequest {
  return {
    method: "DELETE",
    path: `/api/v1/namespaces/${namespace}/pods/${name}`,
    body: { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0, preconditions: { uid } },
  };
}
