import type { Schema } from "./schema.ts";

/** Kubernetes' limits for every condition: a type may have a domain before a slash, a reason is one CamelCase word. */
const DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const CONDITION_TYPE = String.raw`^(${DNS_LABEL}(\.${DNS_LABEL})*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$`;
const CONDITION_REASON = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";

const condition: Schema = {
  description: "One aspect of the JobSet's state.",
  type: "object",
  required: ["lastTransitionTime", "message", "reason", "status", "type"],
  properties: {
    type: {
      description: "Completed, Failed, Suspended, RestartingJobSet, StartupPolicyInProgress or StartupPolicyCompleted.",
      type: "string",
      maxLength: 316,
      pattern: CONDITION_TYPE,
    },
    status: { description: "Whether the condition holds.", type: "string", enum: ["True", "False", "Unknown"] },
    reason: {
      description: "Why, in one word, for programs.",
      type: "string",
      minLength: 1,
      maxLength: 1024,
      pattern: CONDITION_REASON,
    },
    message: { description: "Why, in a sentence, for people.", type: "string", maxLength: 32768 },
    lastTransitionTime: { description: "When the status last changed.", type: "string", format: "date-time" },
    observedGeneration: {
      description: "The metadata.generation that the condition was set for.",
      type: "integer",
      format: "int64",
      minimum: 0,
    },
  },
};

function count(description: string): Schema {
  return { description, type: "integer", format: "int32" };
}

/** One number per job index; never longer than the replicas that may be restarted one by one (spec 2.2, 8). */
function countPerJob(description: string): Schema {
  return {
    description,
    type: "array",
    maxItems: 1024,
    items: { type: "integer", format: "int32" },
    "x-kubernetes-list-type": "atomic",
  };
}

const replicatedJobStatus: Schema = {
  description: "How the Jobs of one replicatedJob fare in the current attempt.",
  type: "object",
  required: ["name", "ready", "succeeded", "failed", "active", "suspended"],
  properties: {
    name: { description: "The name of the replicatedJob.", type: "string" },
    ready: count("Unfinished Jobs all of whose Pods are ready or have succeeded."),
    succeeded: count("Jobs that have completed."),
    failed: count("Jobs that have failed."),
    active: count("Unfinished Jobs with a Pod that is pending or running."),
    suspended: count("Unfinished Jobs that are suspended."),
    jobRestarts: countPerJob("How often each single Job was restarted, by job index (feature gate RestartJob)."),
    jobRestartsCountTowardsMax: countPerJob("Those of jobRestarts that count towards maxRestarts."),
  },
};

/** The observed state (spec 1.2). */
export const status: Schema = {
  description: "What the controller has seen and done.",
  type: "object",
  properties: {
    conditions: {
      description: "The state of the JobSet, one entry per aspect.",
      type: "array",
      items: condition,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
    },
    restarts: count("How often the whole JobSet was restarted."),
    restartsCountTowardsMax: count("Those of the restarts that count towards maxRestarts."),
    terminalState: { description: "Completed or Failed once the JobSet has finished, absent before.", type: "string" },
    replicatedJobsStatus: {
      description: "One entry per replicatedJob.",
      type: "array",
      items: replicatedJobStatus,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
    },
    previousInPlaceRestartAttempt: {
      ...count("Pods of this attempt or an older one are to restart in place (feature gate InPlaceRestart)."),
      minimum: 0,
    },
    currentInPlaceRestartAttempt: {
      ...count("The attempt that all Pods have reached (feature gate InPlaceRestart)."),
      minimum: 0,
    },
    executionAttempts: {
      ...count("Runs begun after the first: restarts and resumes (feature gate ExecutionAttemptsTracking)."),
      minimum: 0,
    },
  },
};
