import type { JsonObject } from "../../src/base/json.ts";
import { API_VERSION, KIND } from "../../src/api/keys.ts";

export const REPLICATED_JOB = "workers";

export interface BenchJobSet {
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  readonly managedBy?: string;
}

/** A JobSet of so many Jobs, each as plain as a training job is: one container, some settings, no volumes. */
export function benchJobSet({ namespace, name, replicas, managedBy }: BenchJobSet): JsonObject {
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { namespace, name },
    spec: {
      ...(managedBy === undefined ? {} : { managedBy }),
      failurePolicy: { maxRestarts: 100 },
      replicatedJobs: [{
        name: REPLICATED_JOB,
        replicas,
        template: {
          spec: {
            backoffLimit: 0,
            completions: 2,
            parallelism: 2,
            template: {
              metadata: { labels: { app: "bench" } },
              spec: {
                restartPolicy: "Never",
                containers: [{
                  name: "worker",
                  image: "registry.example/worker:1",
                  command: ["python", "-m", "train"],
                  env: [{ name: "EPOCHS", value: "3" }, { name: "LEARNING_RATE", value: "0.001" }],
                  ports: [{ containerPort: 3389 }],
                  resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "2Gi" } },
                }],
              },
            },
          },
        },
      }],
    },
  };
}

/** The status of a Job that failed, as the Job controller would leave it: a strategic patch for its status. */
export function failedStatus(now: Date): JsonObject {
  const time = `${now.toISOString().slice(0, 19)}Z`;
  const condition = (type: string) => ({
    type,
    status: "True",
    reason: "BackoffLimitExceeded",
    message: "Job has reached the specified backoff limit",
    lastProbeTime: time,
    lastTransitionTime: time,
  });
  return { status: { startTime: time, failed: 1, conditions: [condition("FailureTarget"), condition("Failed")] } };
}
