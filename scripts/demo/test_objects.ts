/** Objects as the API server stores them, for the tests of the demo. */
import type { JsonObject } from "../../src/base/json.ts";
import { type JobSetView, type JobView, type PodView, readJobSetView, readJobView, readPodView } from "./views.ts";

export function condition(type: string, status: string, reason: string): JsonObject {
  return { type, status, reason, message: `because of ${reason}`, lastTransitionTime: "2026-01-01T00:00:00Z" };
}

/** A JobSet `run` of a driver and of workers that wait for it. */
export function jobSet(status: JsonObject = {}): JobSetView {
  return readJobSetView({
    metadata: { namespace: "default", name: "run", uid: "uid-run" },
    spec: {
      failurePolicy: { maxRestarts: 3 },
      replicatedJobs: [
        { name: "driver", replicas: 1 },
        { name: "workers", replicas: 2, dependsOn: [{ name: "driver", status: "Ready" }] },
      ],
    },
    status,
  });
}

export interface JobOptions {
  readonly group: string;
  readonly index?: number;
  readonly attempt?: number;
  readonly status?: JsonObject;
  readonly isDeleting?: boolean;
}

/** A Job of `run`; its uid tells name and attempt. */
export function job({ group, index = 0, attempt = 0, status = {}, isDeleting = false }: JobOptions): JobView {
  const name = `run-${group}-${index}`;
  return readJobView({
    metadata: {
      name,
      uid: `uid-${name}-${attempt}`,
      ownerReferences: [{ uid: "uid-run", controller: true }],
      labels: {
        "jobset.sigs.k8s.io/replicatedjob-name": group,
        "jobset.sigs.k8s.io/job-index": String(index),
        "jobset.sigs.k8s.io/restart-attempt": String(attempt),
      },
      ...(isDeleting ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
    spec: { parallelism: 2, completions: 2 },
    status,
  });
}

/** A Pod of a Job, on `node-0`. */
export function pod(owner: JobView, suffix: string, status: JsonObject = {}): PodView {
  const name = `${owner.name}-${suffix}`;
  return readPodView({
    metadata: { name, uid: `uid-${name}`, ownerReferences: [{ uid: owner.uid, controller: true }] },
    spec: { nodeName: "node-0" },
    status,
  });
}

export const READY = { phase: "Running", conditions: [condition("Ready", "True", "")] };
export const EXITED_3 = { phase: "Failed", containerStatuses: [{ state: { terminated: { exitCode: 3 } } }] };
