import type { Schema, ValidationRule } from "./schema.ts";

const IMMUTABLE: readonly ValidationRule[] = [{ message: "Value is immutable", rule: "self == oldSelf" }];

/** Several clients own one list of names together only as a whole: it is atomic. */
function names(description: string): Schema {
  return { description, type: "array", items: { type: "string" }, "x-kubernetes-list-type": "atomic" };
}

const dependsOn: Schema = {
  description: "ReplicatedJobs that have to reach a state before the Jobs of this one are created. " +
    "Each must stand earlier in the list; the first replicatedJob can wait for none. " +
    "Cannot be combined with the startup policy InOrder.",
  type: "array",
  maxItems: 5,
  items: {
    description: "One replicatedJob to wait for, and the state to wait for.",
    type: "object",
    required: ["name", "status"],
    properties: {
      name: { description: "The name of a replicatedJob that stands earlier in the list.", type: "string" },
      status: {
        description: "Ready: all its Jobs are ready, succeeded or failed. Complete: all its Jobs have succeeded.",
        type: "string",
        enum: ["Ready", "Complete"],
      },
    },
  },
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["name"],
  "x-kubernetes-validations": IMMUTABLE,
};

function replicatedJobs(jobTemplate: Schema): Schema {
  return {
    description: "The groups of Jobs. The order counts for the global job index, for dependsOn and for the startup " +
      "policy. Immutable but for what a queue has to set in the Pod templates of a suspended JobSet.",
    type: "array",
    items: {
      description: "A number of equal Jobs made from one template.",
      type: "object",
      required: ["name", "template"],
      properties: {
        name: {
          description: "The name of the group, unique in the JobSet. Its Jobs are called <jobset>-<name>-<index>.",
          type: "string",
        },
        groupName: {
          description: "ReplicatedJobs of equal groupName share the group-replicas and job-group-index labels.",
          type: "string",
          default: "default",
        },
        template: {
          ...jobTemplate,
          description: "The Job to create: a template of batch/v1, with labels and annotations. " +
            "completionMode is Indexed unless it says otherwise, restartPolicy of its Pods OnFailure.",
        },
        replicas: {
          description: "How many Jobs to create from the template.",
          type: "integer",
          format: "int32",
          minimum: 0,
          default: 1,
        },
        dependsOn,
      },
    },
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
  };
}

const network: Schema = {
  description: "How the Pods of the JobSet find each other by name.",
  type: "object",
  properties: {
    enableDNSHostnames: {
      description: "Give each Pod a stable DNS name, <jobset>-<replicatedJob>-<jobIndex>-<podIndex>.<subdomain>, by " +
        "means of a headless Service. True unless set to false.",
      type: "boolean",
    },
    subdomain: {
      description: "The subdomain of those names and the name of the Service. The JobSet's name unless set.",
      type: "string",
    },
    publishNotReadyAddresses: {
      description: "Publish the addresses of Pods that are not ready yet. True unless set to false.",
      type: "boolean",
    },
  },
  "x-kubernetes-validations": IMMUTABLE,
};

const successPolicy: Schema = {
  description: "When the JobSet counts as completed. Without it: once all Jobs have succeeded.",
  type: "object",
  required: ["operator"],
  properties: {
    operator: {
      description: "All: every Job of the target replicatedJobs has to succeed. Any: one of them is enough.",
      type: "string",
      enum: ["All", "Any"],
    },
    targetReplicatedJobs: names("The replicatedJobs whose Jobs count. Empty: all of them."),
  },
  "x-kubernetes-validations": IMMUTABLE,
};

const failureRule: Schema = {
  description: "What to do about a failed Job that matches. A rule without conditions matches every failed Job.",
  type: "object",
  required: ["name", "action"],
  properties: {
    name: {
      description: "The name of the rule, unique in the policy; it appears in the reason of the condition " +
        "RestartingJobSet. failurePolicyRule<index> unless set.",
      type: "string",
    },
    action: {
      description: "FailJobSet: the JobSet fails at once. RestartJobSet: all Jobs are recreated, and the restart " +
        "counts towards maxRestarts. RestartJobSetAndIgnoreMaxRestarts: the same, uncounted. RestartJob and " +
        "RestartJobAndIgnoreMaxRestarts: only the failed Job is recreated (feature gate RestartJob).",
      type: "string",
      enum: [
        "FailJobSet",
        "RestartJobSet",
        "RestartJobSetAndIgnoreMaxRestarts",
        "RestartJob",
        "RestartJobAndIgnoreMaxRestarts",
      ],
    },
    onJobFailureReasons: {
      description: "The rule matches only Jobs that failed for one of these reasons: BackoffLimitExceeded, " +
        "DeadlineExceeded, FailedIndexes, MaxFailedIndexesExceeded, PodFailurePolicy. Empty: any reason.",
      type: "array",
      items: { type: "string" },
    },
    onJobFailureMessagePatterns: {
      description: "The rule matches only Jobs with a failure message in which one of these RE2 regular " +
        "expressions is found. Empty: any message.",
      type: "array",
      items: { type: "string" },
    },
    targetReplicatedJobs: names("The rule matches only Jobs of these replicatedJobs. Empty: all of them."),
  },
};

const failurePolicy: Schema = {
  description: "What happens when a Job fails. Without it the JobSet fails with its first failed Job.",
  type: "object",
  properties: {
    maxRestarts: {
      description: "How many counted restarts are made before the JobSet fails. 0 unless set.",
      type: "integer",
      format: "int32",
    },
    restartStrategy: {
      description:
        "Recreate: each Job is recreated as soon as its predecessor is gone. BlockingRecreate: none before " +
        "all predecessors are gone. InPlaceRestart: containers restart in their Pods (feature gate InPlaceRestart).",
      type: "string",
      enum: ["Recreate", "BlockingRecreate", "InPlaceRestart"],
      default: "Recreate",
    },
    rules: {
      description: "Tried in order; the first rule that matches a failed Job decides. " +
        "Where none matches, the JobSet is restarted and the restart counted.",
      type: "array",
      items: failureRule,
    },
  },
  "x-kubernetes-validations": IMMUTABLE,
};

const startupPolicy: Schema = {
  description: "Deprecated: dependsOn of a replicatedJob says the same more exactly. In which order groups start.",
  type: "object",
  required: ["startupPolicyOrder"],
  properties: {
    startupPolicyOrder: {
      description: "AnyOrder: all at once. InOrder: each replicatedJob once all before it have started.",
      type: "string",
      enum: ["AnyOrder", "InOrder"],
    },
  },
  "x-kubernetes-validations": IMMUTABLE,
};

const coordinator: Schema = {
  description: "The Pod that leads the run. Its stable address is given to every Job and Pod as the label and the " +
    "annotation jobset.sigs.k8s.io/coordinator.",
  type: "object",
  required: ["replicatedJob"],
  properties: {
    replicatedJob: { description: "The replicatedJob that the coordinating Pod belongs to.", type: "string" },
    jobIndex: { description: "The index of its Job within the replicatedJob.", type: "integer" },
    podIndex: { description: "The completion index of the Pod within the Job.", type: "integer" },
  },
};

function volumeClaimPolicies(volumeClaim: Schema): Schema {
  return {
    description: "Volume claims that live with the JobSet: made once, mounted by every Pod whose container mounts a " +
      "volume of the template's name, kept over restarts.",
    type: "array",
    maxItems: 50,
    items: {
      description: "Templates of volume claims that share one retention policy.",
      type: "object",
      properties: {
        templates: {
          description: "The claims to make; each is called <template>-<jobset>.",
          type: "array",
          maxItems: 50,
          items: volumeClaim,
          "x-kubernetes-list-type": "atomic",
        },
        retentionPolicy: {
          description: "What becomes of the claims when the JobSet goes.",
          type: "object",
          default: { whenDeleted: "Delete" },
          properties: {
            whenDeleted: {
              description: "Delete: the claims are deleted with the JobSet. Retain: they stay for a later one.",
              type: "string",
              enum: ["Delete", "Retain"],
              default: "Delete",
            },
          },
        },
      },
      "x-kubernetes-validations": [{
        message: "namespace cannot be set for VolumeClaimPolicies templates",
        rule: "self.templates.all(t, !has(t.metadata.namespace) || size(t.metadata.namespace) == 0)",
      }],
    },
    "x-kubernetes-list-type": "atomic",
    "x-kubernetes-validations": IMMUTABLE,
  };
}

/** The desired state (spec 1.1). */
export function spec(embedded: { readonly jobTemplate: Schema; readonly volumeClaim: Schema }): Schema {
  return {
    description: "What is to run, and by which rules it starts, restarts and ends.",
    type: "object",
    properties: {
      replicatedJobs: replicatedJobs(embedded.jobTemplate),
      network,
      successPolicy,
      failurePolicy,
      startupPolicy,
      suspend: {
        description: "True: no Pod runs; Jobs are created suspended, running ones are stopped. False resumes them.",
        type: "boolean",
      },
      coordinator,
      managedBy: {
        description: "The controller that looks after this JobSet, as a domain-prefixed path of at most 63 " +
          "characters. Unset or jobset.sigs.k8s.io/jobset-controller: this one. Immutable.",
        type: "string",
      },
      ttlSecondsAfterFinished: {
        description: "The JobSet is deleted, its Jobs with it, this many seconds after it has finished. 0: at once. " +
          "Unset: it stays.",
        type: "integer",
        format: "int32",
        minimum: 0,
      },
      volumeClaimPolicies: volumeClaimPolicies(embedded.volumeClaim),
    },
    // Guarded against absent lists, which the rule would otherwise report as an error of its own (R25).
    "x-kubernetes-validations": [{
      message: "StartupPolicy and DependsOn APIs are mutually exclusive",
      rule: "!(has(self.startupPolicy) && self.startupPolicy.startupPolicyOrder == 'InOrder' && " +
        "has(self.replicatedJobs) && self.replicatedJobs.exists(x, has(x.dependsOn)))",
    }],
  };
}
