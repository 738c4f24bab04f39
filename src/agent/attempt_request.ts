import { IN_PLACE_RESTART_ATTEMPT } from "../api/keys.ts";
import type { KubeRequest } from "../client/kube_client.ts";

/** Of spec 5.2: the reference's, so that an agent of ours takes over the annotation from one of theirs. */
const FIELD_MANAGER = "in-place-restart-agent";
/** The answer is the whole Pod otherwise. */
const METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json";
const TIMEOUT_MS = 10_000;

/** Writes the attempt into the Pod's annotation, and nothing else: the Role and admission policies may let nothing else pass. */
export function attemptRequest(
  pod: { readonly namespace: string; readonly name: string },
  attempt: number,
): KubeRequest {
  return {
    method: "PATCH",
    path: `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`,
    query: { fieldManager: FIELD_MANAGER, force: "true" },
    contentType: "application/apply-patch+yaml",
    accept: METADATA,
    body: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: pod.name, annotations: { [IN_PLACE_RESTART_ATTEMPT]: String(attempt) } },
    },
    timeoutMs: TIMEOUT_MS,
    // The state machine says when it is tried again.
    retry: false,
  };
}
