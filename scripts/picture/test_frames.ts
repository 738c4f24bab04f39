/** Frames of a record for the tests of this folder. */
import type { JsonObject } from "../../src/base/json.ts";
import type { Frame, RecordedKind } from "./recorder.ts";

export function frame(atMs: number, kind: RecordedKind, object: JsonObject, type: Frame["type"] = "MODIFIED"): Frame {
  return { atMs, kind, type, object };
}

export interface PodState {
  readonly node?: string;
  readonly isReady?: boolean;
  readonly isDeleting?: boolean;
  readonly container?: JsonObject;
}

/** Pod `p` of Job `train-w-0`, as a kubelet and a scheduler write it. */
export function pod({ node, isReady = false, isDeleting = false, container }: PodState = {}): JsonObject {
  return {
    metadata: {
      uid: "p",
      name: "train-w-0-3-abcde",
      labels: {
        "batch.kubernetes.io/job-name": "train-w-0",
        "batch.kubernetes.io/controller-uid": "j",
        "batch.kubernetes.io/job-completion-index": "3",
        "jobset.sigs.k8s.io/restart-attempt": "1",
      },
      ...(isDeleting ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
    spec: node === undefined ? {} : { nodeName: node },
    status: {
      conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
      ...(container === undefined ? {} : { containerStatuses: [container] }),
    },
  };
}

export const RUNNING = { running: {} };
export const WAITING = { waiting: { reason: "CrashLoopBackOff" } };

export function ended(exitCode: number): JsonObject {
  return { terminated: { exitCode } };
}
