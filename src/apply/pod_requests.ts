/** The requests of the Pod controller (spec 4.2). */
import type { Pod } from "../api/pod.ts";
import type { KubeRequest } from "../client/kube_client.ts";

const STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json";

/** Users' alerts and Job failure policies go by these. */
const VIOLATION = {
  type: "DisruptionTarget",
  status: "True",
  reason: "ExclusivePlacementViolation",
  message: "Pod violated JobSet exclusive placement policy",
} as const;

function podsPath({ namespace }: Pod): string {
  return `/api/v1/namespaces/${namespace}/pods`;
}

function podPath(pod: Pod): string {
  return `${podsPath(pod)}/${pod.name}`;
}

/** A list of the one Pod of this name, or of none: our role may list Pods, and need not get them. */
export function listPod(pod: Pod): KubeRequest {
  return { method: "GET", path: podsPath(pod), query: { fieldSelector: `metadata.name=${pod.name}` } };
}

/** Merged by type, in the API server: what a kubelet or scheduler writes at the same time stays, and so do other conditions. */
export function markViolation(pod: Pod, nowMs: number): KubeRequest {
  const lastTransitionTime = new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z");
  return {
    method: "PATCH",
    path: `${podPath(pod)}/status`,
    contentType: STRATEGIC_MERGE_PATCH,
    body: { metadata: { uid: pod.uid }, status: { conditions: [{ ...VIOLATION, lastTransitionTime }] } },
  };
}

/** Only this very Pod: by name alone a stale view would kill its successor. */
export function deletePod(pod: Pod): KubeRequest {
  const body = {
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy: "Background",
    preconditions: { uid: pod.uid },
  };
  return { method: "DELETE", path: podPath(pod), body };
}
