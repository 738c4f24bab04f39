/** The rules of a new JobSet's coordinator and volume claims (spec 2.2: 9, 10). */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import { group, newJobSet } from "../../src/admission/test_job_set.ts";
import { startFaultProxy } from "../../scripts/fault_proxy.ts";
import { OwnWebhooks } from "./own_webhooks.ts";
import { dryCreate, verdicts } from "./verdicts.ts";

const e2e = verdicts();

const REPLICATED_JOBS = [
  group("few", { job: { completions: 1 } }),
  group("many", { replicas: 4, job: { completions: 3 } }),
  group("loose", { job: { completionMode: "NonIndexed", completions: 3 } }),
  group("open"),
  group("none", { replicas: 0, job: { completions: 1 } }),
];
const led = (coordinator: JsonObject, spec: JsonObject = {}, metadata: JsonObject = { name: "js" }) =>
  newJobSet({ coordinator, replicatedJobs: REPLICATED_JOBS, ...spec }, metadata);
const badJobIndex = (replicatedJob: string, jobIndex: number) => [
  `spec.coordinator.jobIndex: Invalid value: ${jobIndex}: ` +
  `coordinator job index ${jobIndex} is invalid for replicatedJob ${replicatedJob}`,
];
const badPodIndex = (podIndex: number) => [
  `spec.coordinator.podIndex: Invalid value: ${podIndex}: ` +
  `coordinator pod index ${podIndex} is invalid for replicatedJob many job index 2`,
];
const notIndexed = (replicatedJob: string) => [
  `spec.coordinator.replicatedJob: Invalid value: "${replicatedJob}": ` +
  "job for coordinator pod must be indexed completion mode, and completions number must be set",
];
const badEndpoint = (endpoint: string) => [
  `spec.coordinator: Invalid value: "${endpoint}": spec will lead to invalid label value "${endpoint}" for coordinator label ` +
  '"jobset.sigs.k8s.io/coordinator" (long JobSet / ReplicatedJob / SubDomain name?): must be no more than 63 bytes',
];

e2e.creates("rule 9", [
  ["the first Pod of the first replicatedJob", led({ replicatedJob: "few" }), []],
  ["the last Pod of the second replicatedJob (R24)", led({ replicatedJob: "many", jobIndex: 3, podIndex: 2 }), []],
  ["a replicatedJob that does not exist", led({ replicatedJob: "other", jobIndex: 9 }), [
    'spec.coordinator.replicatedJob: Invalid value: "other": coordinator replicatedJob other does not exist',
  ]],
  ["a job index beyond the replicas (R24)", led({ replicatedJob: "few", jobIndex: 1 }), badJobIndex("few", 1)],
  ["a negative job index", led({ replicatedJob: "many", jobIndex: -1 }), badJobIndex("many", -1)],
  ["a Job of no replicas", led({ replicatedJob: "none" }), badJobIndex("none", 0)],
  ["a NonIndexed Job", led({ replicatedJob: "loose" }), notIndexed("loose")],
  ["a Job without completions (R23)", led({ replicatedJob: "open", podIndex: 9 }), notIndexed("open")],
  [
    "a pod index beyond the completions",
    led({ replicatedJob: "many", jobIndex: 2, podIndex: 3 }),
    badPodIndex(3),
  ],
  ["a negative pod index", led({ replicatedJob: "many", jobIndex: 2, podIndex: -1 }), badPodIndex(-1)],
]);

e2e.creates("rule 9, the address", [
  ["63 characters", led({ replicatedJob: "few" }, { network: { subdomain: "s".repeat(52) } }), []],
  [
    "64 characters (R22)",
    led({ replicatedJob: "few" }, { network: { subdomain: "s".repeat(53) } }),
    badEndpoint(`js-few-0-0.${"s".repeat(53)}`),
  ],
  ["63 characters by the JobSet's name", led({ replicatedJob: "few" }, {}, { name: "j".repeat(27) }), []],
  [
    "65 characters by the JobSet's name (R22)",
    led({ replicatedJob: "few" }, {}, { name: "j".repeat(28) }),
    badEndpoint(`${"j".repeat(28)}-few-0-0.${"j".repeat(28)}`),
  ],
  ["63 characters by generateName (R21)", led({ replicatedJob: "few" }, {}, { generateName: "j".repeat(22) }), []],
  [
    "65 characters by generateName (R21)",
    led({ replicatedJob: "few" }, {}, { generateName: "j".repeat(23) }),
    badEndpoint(`${"j".repeat(23)}xxxxx-few-0-0.${"j".repeat(23)}xxxxx`),
  ],
]);

const SPEC = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const PATH = "spec.volumeClaimPolicies[0].template[0]";
const SUBDOMAIN_1123 =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

function policy(names: readonly string[], retentionPolicy?: JsonObject): JsonObject {
  const templates = names.map((name) => ({ metadata: { name }, spec: SPEC }));
  return { templates, ...(retentionPolicy === undefined ? {} : { retentionPolicy }) };
}

/** A replicatedJob whose container mounts these. */
function mounting(...names: readonly string[]): JsonObject {
  const volumeMounts = names.map((name, index) => ({ name, mountPath: `/${index}` }));
  return group("a", { pod: { containers: [{ name: "main", image: "busybox:1.36", volumeMounts }] } });
}

function withClaims(
  volumeClaimPolicies: readonly JsonObject[],
  replicatedJobs: readonly JsonObject[],
  metadata: JsonObject = { name: "js" },
): JsonObject {
  return newJobSet({ volumeClaimPolicies, replicatedJobs }, metadata);
}

const claimCalled = (name: string) => withClaims([policy([name])], [mounting(name)]);
const init = group("b", {
  pod: {
    initContainers: [{ name: "i", image: "busybox:1.36", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
  },
});
const volume = (name: string) => group("b", { pod: { volumes: [{ name, emptyDir: {} }] } });
const tooLong = (name: string) => [`${PATH}: Invalid value: "${name}": VolumeClaimPolicies template name is too long`];

e2e.creates("rule 10", [
  ["a template that a container mounts", claimCalled("data"), []],
  ["a template that an init container mounts", withClaims([policy(["data"])], [group("a"), init]), []],
  ["a template that nothing mounts", withClaims([policy(["data"])], [mounting("other")]), [
    `${PATH}: Invalid value: "data": replicatedJob containers don't have a matching volumeMount: data from VolumeClaimPolicies`,
  ]],
  ["two policies", withClaims([policy(["a"]), policy(["b"])], [mounting("a", "b")]), []],
  ["a name in two policies", withClaims([policy(["a"]), policy(["b", "a"])], [mounting("a", "b")]), [
    'spec.volumeClaimPolicies[1].template[1]: Invalid value: "a": names must be unique for VolumeClaimPolicies template',
  ]],
  ["a name in capitals", claimCalled("A%d\n"), [`${PATH}: Invalid value: "A%d\\n": ${SUBDOMAIN_1123}`]],
  ["a name with a dot, as it names a volume too", claimCalled("1.a"), [
    `${PATH}: Invalid value: "1.a": must not contain dots`,
  ]],
  ["a claim's name of 63 characters", claimCalled("d".repeat(60)), []],
  ["a claim's name of 64 characters", claimCalled("d".repeat(61)), tooLong("d".repeat(61))],
  [
    "a claim's name of 63 characters by generateName (R21)",
    withClaims([policy(["d".repeat(55)])], [mounting("d".repeat(55))], { generateName: "js" }),
    [],
  ],
  [
    "a claim's name of 64 characters by generateName (R21)",
    withClaims([policy(["d".repeat(56)])], [mounting("d".repeat(56))], { generateName: "js" }),
    tooLong("d".repeat(56)),
  ],
  ["another volume's name", withClaims([policy(["data"])], [mounting("data"), volume("other")]), []],
  ["a volume of the template's name", withClaims([policy(["data"])], [mounting("data"), volume("data")]), [
    `${PATH}: Invalid value: "data": volume name conflicts with VolumeClaimPolicy template name: data`,
  ]],
]);

const BY_POLICY = `${PATH}: Invalid value: "data": retentionPolicy must be retain when PVC exists`;
const RETAIN = { whenDeleted: "Retain" };
const claimOf = (jobSet: string, spec: JsonObject = SPEC) => ({ metadata: { name: `data-${jobSet}` }, spec });
const reusing = (name: string, retentionPolicy?: JsonObject) =>
  withClaims([policy(["data"], retentionPolicy)], [mounting("data")], { name });
const larger = { ...SPEC, resources: { requests: { storage: "2Gi" } } };
const taken = {
  ...SPEC,
  volumeMode: "Filesystem",
  storageClassName: "fast",
  volumeName: "pv-1",
  resources: { requests: { storage: "1024Mi" } },
};

e2e.creates("rule 10, a claim of an earlier run (R71)", [
  ["as the API server filled it in", reusing("again", RETAIN), [], claimOf("again")],
  ["bound, of the cluster's class, and with another unit", reusing("bound", RETAIN), [], claimOf("bound", taken)],
  ["of another size", reusing("larger", RETAIN), [
    `${PATH}: Invalid value: "data": spec does not match existing PVC data-larger in namespace NAMESPACE`,
  ], claimOf("larger", larger)],
  ["with policy Delete", reusing("delete", { whenDeleted: "Delete" }), [BY_POLICY], claimOf("delete")],
  ["with no policy", reusing("none"), [BY_POLICY], claimOf("none")],
  ["with a policy that does not say (R72)", reusing("unsaid", {}), [BY_POLICY], claimOf("unsaid")],
  ["of another size, with policy Delete", reusing("both", { whenDeleted: "Delete" }), [
    `${PATH}: Invalid value: "data": spec does not match existing PVC data-both in namespace NAMESPACE`,
    BY_POLICY,
  ], claimOf("both", larger)],
  ["under generateName, whose claims can't be there", {
    ...reusing("js"),
    metadata: { generateName: "js-" },
  }, []],
]);

e2e.test("rule 10: a claim that can't be looked up refuses the JobSet, with the API server's words", async ({ environment }) => {
  const { url, caFile } = environment.description;
  const caKeyPem = readFileSync(join(dirname(caFile), "ca.key"), "utf8");
  const proxy = await startFaultProxy({ url, caPem: readFileSync(caFile, "utf8"), caKeyPem });
  try {
    const message = '100% of %d are "gone"';
    proxy.rule({
      match: (method, path) => method === "GET" && path.endsWith("/persistentvolumeclaims/data-lost"),
      answer: { code: 403, body: { kind: "Status", status: "Failure", reason: "Forbidden", code: 403, message } },
    });
    const own = await OwnWebhooks.start(environment, { url: proxy.url });
    try {
      expect((await dryCreate(own.cluster, reusing("found"))).code).toBe(201);
      const { code, body } = await dryCreate(own.cluster, reusing("lost", RETAIN));
      expect(code).toBe(422);
      const [cause] = asArray(at(body, "details", "causes"));
      expect(cause).toEqual({
        reason: "InternalError",
        field: PATH,
        message: expect.stringContaining("Internal error: failed to check for existing PVC data-lost: "),
      });
      expect(asString(at(cause, "message"))).toEndWith(message);
    } finally {
      await own.stop();
    }
  } finally {
    await proxy.stop();
  }
});
