/** JobSets as users write them: valid ones. */
import fc from "fast-check";
import type { JsonObject } from "../../src/base/json.ts";
import { FEATURE_GATE_NAMES, type FeatureGates } from "../../src/api/feature_gates.ts";

/** Which way one replicatedJob waits for others, if any. */
type Order = "none" | "inOrder" | "dependsOn";

export const anyGates: fc.Arbitrary<FeatureGates> = fc.record(
  {
    ElasticJobSet: fc.boolean(),
    ExecutionAttemptsTracking: fc.boolean(),
    InPlaceRestart: fc.boolean(),
    MutablePodResourcesForSuspendedJobSets: fc.boolean(),
    RestartJob: fc.boolean(),
    TLSOptions: fc.constant(true),
  } satisfies Record<(typeof FEATURE_GATE_NAMES)[number], fc.Arbitrary<boolean>>,
);

const NAMES = ["driver", "workers", "ps"];
const TOPOLOGY = "alpha.jobset.sigs.k8s.io/exclusive-topology";
const NODE_SELECTOR = "alpha.jobset.sigs.k8s.io/node-selector";

/** Fields that may each be absent. */
function some(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<JsonObject> {
  return fc.record(fields, { requiredKeys: [] });
}

const placement = fc.constantFrom<JsonObject>({}, { [TOPOLOGY]: "cloud/rack" }, {
  [TOPOLOGY]: "cloud/rack",
  [NODE_SELECTOR]: "true",
}, { [NODE_SELECTOR]: "true" });
const labels = fc.constantFrom<JsonObject>({}, { team: "blue" }, { "jobset.sigs.k8s.io/jobset-name": "forged" });
const metadata = some({ labels, annotations: placement });

const container = fc.record({
  name: fc.constantFrom("main", "second"),
  image: fc.constant("busybox:1.36"),
  resources: fc.constantFrom({}, { requests: { cpu: "500m" }, limits: { "example.com/gpu": 8 } }),
  volumeMounts: fc.constantFrom([], [{ name: "data", mountPath: "/data" }], [{ name: "own", mountPath: "/own" }]),
});

const podSpec = fc.record({
  containers: fc.uniqueArray(container, { minLength: 1, maxLength: 2, selector: ({ name }) => name }),
  initContainers: fc.constantFrom([], [{
    name: "init",
    image: "i",
    volumeMounts: [{ name: "data", mountPath: "/d" }],
  }]),
  restartPolicy: fc.constantFrom("OnFailure", "Never", "", null),
  nodeSelector: fc.constantFrom({}, { pool: "gpu" }),
  tolerations: fc.constantFrom([], [{ key: "gpu", operator: "Exists" }]),
  subdomain: fc.constantFrom("elsewhere", null),
  volumes: fc.constantFrom([], [{ name: "own", emptyDir: {} }], null),
  priorityClassName: fc.constantFrom("", "high"),
}, { requiredKeys: ["containers"] });

const jobSpec = fc.record({
  size: fc.constantFrom<JsonObject>({}, { parallelism: 2 }, { parallelism: 2, completions: 2 }, {
    parallelism: 1,
    completions: 4,
  }),
  more: some({
    completionMode: fc.constantFrom("Indexed", null),
    backoffLimit: fc.constantFrom(0, 2147483647, null),
    podReplacementPolicy: fc.constantFrom("Failed"),
    suspend: fc.boolean(),
  }),
  template: fc.record({ metadata, spec: podSpec }, { requiredKeys: ["spec"] }),
}).map(({ size, more, template }) => ({ ...more, ...size, template }));

const replicatedJob = fc.record({
  replicas: fc.constantFrom<unknown>(0, 1, 1, 2, 3, null),
  groupName: fc.constantFrom<unknown>("default", "b", null),
  template: fc.record({ metadata, spec: jobSpec }, { requiredKeys: ["spec"] }),
}, { requiredKeys: ["template"] });

const rule = fc.record({
  name: fc.constantFrom("first", ""),
  action: fc.constantFrom("FailJobSet", "RestartJobSet", "RestartJobSetAndIgnoreMaxRestarts"),
  onJobFailureReasons: fc.constantFrom([], ["PodFailurePolicy"]),
  onJobFailureMessagePatterns: fc.constantFrom([], ["a.*b"]),
}, { requiredKeys: ["action"] });

const policies = some({
  failurePolicy: some({
    maxRestarts: fc.nat(3),
    restartStrategy: fc.constantFrom("Recreate", "BlockingRecreate"),
    rules: fc.array(rule, { maxLength: 1 }),
  }),
  network: fc.constantFrom<unknown>(
    null,
    {},
    { enableDNSHostnames: false },
    { subdomain: "net", publishNotReadyAddresses: false },
    { enableDNSHostnames: null },
  ),
  suspend: fc.constantFrom(true, false, null),
  managedBy: fc.constantFrom("jobset.sigs.k8s.io/jobset-controller", "kueue.x-k8s.io/multikueue", null),
  ttlSecondsAfterFinished: fc.nat(100),
});

const CLAIMS = [
  undefined,
  [{ templates: [{ metadata: { name: "data", labels: { a: "b" } }, spec: { accessModes: ["ReadWriteOnce"] } }] }],
  [{
    retentionPolicy: { whenDeleted: "Retain" },
    templates: [{ metadata: { name: "data" }, spec: { resources: { requests: { storage: "1Gi" } } } }],
  }],
];

interface Parts {
  readonly metadata: JsonObject;
  readonly replicatedJobs: readonly JsonObject[];
  readonly policies: JsonObject;
  readonly order: Order;
  readonly status: "Ready" | "Complete";
  readonly hasCoordinator: boolean;
  readonly claims: (typeof CLAIMS)[number];
}

/**
 * A manifest that the webhooks accept with all gates off, in namespace `ns`. While Jobs complete for others that wait for them, no success
 * policy ends the JobSet.
 */
export const validJobSet: fc.Arbitrary<JsonObject> = fc.record({
  metadata: fc.record({ annotations: placement, labels }, { requiredKeys: [] }),
  replicatedJobs: fc.array(replicatedJob, { maxLength: NAMES.length }),
  policies,
  order: fc.constantFrom<Order>("none", "inOrder", "dependsOn"),
  status: fc.constantFrom<Parts["status"]>("Ready", "Complete"),
  hasCoordinator: fc.boolean(),
  claims: fc.constantFrom(...CLAIMS),
}).map(assemble);

function assemble({ metadata, replicatedJobs, policies, order, status, hasCoordinator, claims }: Parts): JsonObject {
  const named = replicatedJobs.map((replicatedJob, index): JsonObject => ({
    name: NAMES[index] ?? "",
    ...replicatedJob,
    ...(order === "dependsOn" && index > 0 ? { dependsOn: [{ name: NAMES[index - 1], status }] } : {}),
  }));
  const text = JSON.stringify(named);
  const isMounted = text.includes('"volumeMounts":[{"name":"data"');
  const [first] = named;
  const canCoordinate = hasCoordinator && first?.["replicas"] !== 0 &&
    JSON.stringify(first ?? {}).includes('"completions"');
  return {
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    metadata: { name: "js", namespace: "ns", ...metadata },
    spec: {
      ...policies,
      replicatedJobs: named,
      ...(order === "inOrder" ? { startupPolicy: { startupPolicyOrder: "InOrder" } } : {}),
      ...(order === "dependsOn" ? {} : { successPolicy: { operator: "Any" } }),
      ...(canCoordinate ? { coordinator: { replicatedJob: NAMES[0], podIndex: 1 } } : {}),
      ...(claims !== undefined && isMounted ? { volumeClaimPolicies: claims } : {}),
    },
  };
}
