/** JobSets and Jobs of odd shapes: what no schema would let through, and what hands and other tools leave behind. */
import fc from "fast-check";
import { asString, type JsonObject } from "../../src/base/json.ts";

const PREFIX = "jobset.sigs.k8s.io/";
const CONDITION_TYPES = ["Completed", "Failed", "Suspended", "RestartingJobSet", "StartupPolicyInProgress", "Complete"];
const ACTIONS = [
  "FailJobSet",
  "RestartJobSet",
  "RestartJobSetAndIgnoreMaxRestarts",
  "RestartJob",
  "RestartJobAndIgnoreMaxRestarts",
];
const JOB_CONDITIONS = ["Complete", "Failed", "FailureTarget", "SuccessCriteriaMet", "Suspended"];

/** Anything that JSON can hold, preferred values among it. */
function oddly(...preferred: readonly fc.Arbitrary<unknown>[]): fc.Arbitrary<unknown> {
  const odd = fc.oneof(
    fc.constantFrom<unknown>(null, "", "x", true, 0, -1, 1.5, 1e300, 2 ** 31 - 1, [], {}, [null], [[]], { name: null }),
    fc.jsonValue({ maxDepth: 2 }),
  );
  return preferred.length === 0
    ? odd
    : fc.oneof({ weight: 6, arbitrary: fc.oneof(...preferred) }, { weight: 1, arbitrary: odd });
}

const name = fc.constantFrom("a", "b", "w-0");
const count = fc.constantFrom<unknown>(0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 2 ** 31 - 1, -5, Number.MAX_SAFE_INTEGER);
const time = fc.constantFrom<unknown>("2026-01-01T00:00:00Z", "2026-01-01T11:00:00Z", "yesterday", "");
const text = fc.constantFrom<unknown>("", "x", "BackoffLimitExceeded", "(", "100 %s");
const texts = fc.array(oddly(text), { maxLength: 2 });

function record(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<JsonObject> {
  return fc.record(fields, { requiredKeys: [] });
}

function conditions(types: readonly string[]): fc.Arbitrary<unknown> {
  const condition = record({
    type: oddly(fc.constantFrom(...types)),
    status: oddly(fc.constantFrom("True", "False", "Unknown")),
    reason: oddly(text),
    message: oddly(text),
    lastTransitionTime: oddly(time),
  });
  // The API server keeps the types unique.
  return fc.uniqueArray(condition, { maxLength: 3, selector: (entry) => JSON.stringify(entry["type"]) });
}

/** As it is read: the API server keeps names unique, and takes no second entry without one. */
function nameOf(entry: JsonObject): string {
  return asString(entry["name"]) ?? "";
}

const podTemplate = record({
  metadata: oddly(
    record({ labels: oddly(fc.dictionary(fc.string(), oddly(text), { maxKeys: 2 })), annotations: oddly() }),
  ),
  spec: oddly(record({
    containers: oddly(fc.array(oddly(record({ volumeMounts: oddly(fc.array(oddly(record({ name: oddly(name) })))) })))),
    nodeSelector: oddly(fc.constant({ a: "b" })),
    priorityClassName: oddly(fc.constantFrom("high", "unknown")),
    tolerations: oddly(fc.array(oddly())),
    volumes: oddly(fc.array(oddly())),
  })),
});

const replicatedJob = record({
  name: oddly(name),
  groupName: oddly(name),
  replicas: oddly(count),
  template: oddly(record({
    metadata: oddly(
      record({ annotations: oddly(fc.constant({ "alpha.jobset.sigs.k8s.io/exclusive-topology": "t" })) }),
    ),
    spec: oddly(
      record({
        template: oddly(podTemplate),
        suspend: oddly(),
        parallelism: oddly(count),
        completions: oddly(count),
      }),
    ),
  })),
  dependsOn: oddly(fc.array(oddly(record({ name: oddly(name), status: oddly(fc.constantFrom("Ready", "Complete")) })))),
});

const rule = record({
  name: oddly(name),
  action: oddly(fc.constantFrom(...ACTIONS)),
  onJobFailureReasons: oddly(texts),
  onJobFailureMessagePatterns: oddly(texts),
  targetReplicatedJobs: oddly(fc.array(oddly(name))),
});

const spec = record({
  replicatedJobs: oddly(
    fc.uniqueArray(replicatedJob, { maxLength: 3, selector: nameOf }),
  ),
  network: oddly(record({ enableDNSHostnames: oddly(fc.boolean()), subdomain: oddly(name) })),
  successPolicy: oddly(record({ operator: oddly(fc.constantFrom("All", "Any")), targetReplicatedJobs: oddly(texts) })),
  failurePolicy: oddly(record({
    maxRestarts: oddly(count),
    restartStrategy: oddly(fc.constantFrom("Recreate", "BlockingRecreate", "InPlaceRestart")),
    rules: oddly(fc.array(oddly(rule), { maxLength: 2 })),
  })),
  startupPolicy: oddly(fc.constantFrom({ startupPolicyOrder: "InOrder" }, { startupPolicyOrder: "AnyOrder" })),
  suspend: oddly(fc.boolean()),
  coordinator: oddly(record({ replicatedJob: oddly(name), jobIndex: oddly(count), podIndex: oddly(count) })),
  ttlSecondsAfterFinished: oddly(count),
  volumeClaimPolicies: oddly(fc.array(oddly(record({
    templates: oddly(fc.array(oddly(record({ metadata: oddly(record({ name: oddly(name) })) })))),
    retentionPolicy: oddly(),
  })))),
});

const counters = record({
  name: oddly(name),
  ready: oddly(count),
  succeeded: oddly(count),
  failed: oddly(count),
  active: oddly(count),
  suspended: oddly(count),
  jobRestarts: oddly(fc.array(oddly(count), { maxLength: 4 })),
  jobRestartsCountTowardsMax: oddly(fc.array(oddly(count), { maxLength: 4 })),
});

/** A stored JobSet; only its metadata is as an API server always makes it. */
export const oddJobSet: fc.Arbitrary<JsonObject> = fc.record({
  metadata: fc.constant({ name: "js", namespace: "ns", uid: "u", resourceVersion: "1" }),
  spec: oddly(spec),
  status: oddly(record({
    restarts: fc.constantFrom<unknown>(0, 1, 2, null, "x"),
    restartsCountTowardsMax: oddly(count),
    conditions: oddly(conditions(CONDITION_TYPES)),
    replicatedJobsStatus: oddly(
      fc.uniqueArray(counters, { maxLength: 3, selector: nameOf }),
    ),
  })),
});

const job = fc.record({
  jobName: fc.tuple(name, fc.integer({ min: 0, max: 3 })).map(([replicatedJob, index]) =>
    `js-${replicatedJob}-${index}`
  ),
  labels: record({
    [`${PREFIX}replicatedjob-name`]: oddly(name),
    [`${PREFIX}restart-attempt`]: fc.constantFrom<unknown>("0", "1", "x", null, 1),
    [`${PREFIX}job-restart-attempt`]: fc.constantFrom<unknown>("0", "1", "x", null, 1, undefined),
    [`${PREFIX}job-index`]: oddly(fc.constantFrom("0", "1")),
  }),
  spec: oddly(
    record({
      suspend: oddly(fc.boolean()),
      parallelism: oddly(count),
      completions: oddly(count),
      template: oddly(podTemplate),
    }),
  ),
  status: oddly(record({
    active: oddly(count),
    ready: oddly(count),
    succeeded: oddly(count),
    startTime: oddly(time),
    conditions: oddly(conditions(JOB_CONDITIONS)),
  })),
});

/** Stored Jobs of that JobSet, of unique names. */
export const oddJobs: fc.Arbitrary<readonly JsonObject[]> = fc.uniqueArray(job, {
  maxLength: 6,
  selector: ({ jobName }) => jobName,
}).map((jobs) =>
  jobs.map(({ jobName, labels, spec, status }) => ({
    metadata: {
      name: jobName,
      namespace: "ns",
      uid: `uid of ${jobName}`,
      labels,
      ownerReferences: [{
        apiVersion: "jobset.x-k8s.io/v1alpha2",
        kind: "JobSet",
        name: "js",
        uid: "u",
        controller: true,
      }],
    },
    spec,
    status,
  }))
);
