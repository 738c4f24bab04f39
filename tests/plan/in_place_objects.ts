/** The objects of the small world of restarts in place, as the API server has them. */
import type { JsonObject } from "../../src/base/json.ts";
import { API_VERSION, IN_PLACE_RESTART_ATTEMPT, JOBSET_NAME, JOBSET_UID, RESTART_ATTEMPT } from "../../src/api/keys.ts";
import { type Pod, readPod } from "../../src/api/pod.ts";

export function plainJob(
  { name, restartAttempt, isFailed, isDeleting }: {
    name: string;
    restartAttempt: number;
    isFailed: boolean;
    isDeleting: boolean;
  },
): JsonObject {
  return {
    metadata: {
      namespace: "ns",
      name,
      uid: `${name}#${restartAttempt}`,
      labels: { [RESTART_ATTEMPT]: String(restartAttempt) },
      ownerReferences: [{ apiVersion: API_VERSION, kind: "JobSet", name: "js", uid: "uid-js", controller: true }],
      ...(isDeleting ? { deletionTimestamp: "2030-01-01T00:00:00Z" } : {}),
    },
    status: { active: 1, conditions: isFailed ? [{ type: "Failed", status: "True" }] : [] },
  };
}

export function plainPod(
  { name, attempt, phase, restartCount, isDeleting }: {
    name: string;
    attempt: string | undefined;
    phase: string;
    restartCount: number;
    isDeleting: boolean;
  },
): Pod {
  const pod = readPod({
    metadata: {
      namespace: "ns",
      name,
      uid: name,
      labels: { [JOBSET_NAME]: "js", [JOBSET_UID]: "uid-js" },
      annotations: attempt === undefined ? {} : { [IN_PLACE_RESTART_ATTEMPT]: attempt },
      ...(isDeleting ? { deletionTimestamp: "2030-01-01T00:00:00Z" } : {}),
    },
    status: { phase, containerStatuses: [{ restartCount }] },
  });
  if (pod === undefined) throw new Error(`Pod "${name}" is not readable`);
  return pod;
}
