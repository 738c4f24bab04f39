import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../base/json.ts";
import { equalReplicatedJobs, equalStructs } from "./equal.ts";

/** One replicatedJob around a pod spec. */
function jobs(podSpec: unknown): unknown {
  return [{ name: "a", template: { spec: { template: { spec: podSpec } } } }];
}

function container(fields: JsonObject): JsonObject {
  return { containers: [{ name: "main", ...fields }] };
}

function probe(fields: JsonObject): JsonObject {
  return container({ livenessProbe: fields });
}

function volume(fields: JsonObject): JsonObject {
  return { volumes: [{ name: "v", ...fields }] };
}

function claim(spec: JsonObject): JsonObject {
  return volume({ ephemeral: { volumeClaimTemplate: { spec } } });
}

const divisor = (value: JsonObject) => container({ env: [{ name: "E", valueFrom: { resourceFieldRef: value } }] });
const affinity = (term: JsonObject) => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "zone", ...term }] } },
});

const EQUAL: readonly (readonly [string, JsonObject, JsonObject])[] = [
  ["a flag that is plain", { hostNetwork: false, hostPID: false }, {}],
  ["tty, stdin and image of a container", container({ tty: false, stdin: false, image: "" }), container({})],
  ["a mount's readOnly", container({ volumeMounts: [{ readOnly: false }] }), container({ volumeMounts: [{}] })],
  ["hostPort", container({ ports: [{ containerPort: 1, hostPort: 0 }] }), container({ ports: [{ containerPort: 1 }] })],
  ["a probe's numbers", probe({ periodSeconds: 0, failureThreshold: 0 }), probe({})],
  ["resources of nothing", container({ resources: {} }), container({})],
  ["resources of empty maps", container({ resources: { limits: {}, requests: null } }), container({})],
  ["empty lists and null", { tolerations: [], volumes: null, nodeSelector: {} }, {}],
  ["the order of a map", { nodeSelector: { a: "1", b: "2" } }, { nodeSelector: { b: "2", a: "1" } }],
  [
    "a request",
    container({ resources: { requests: { cpu: "1000m" } } }),
    container({ resources: { requests: { cpu: 1 } } }),
  ],
  ["overhead", { overhead: { memory: "1Gi" } }, { overhead: { memory: "1024Mi" } }],
  ["an emptyDir's limit", volume({ emptyDir: { sizeLimit: "1Gi" } }), volume({ emptyDir: { sizeLimit: "1024Mi" } })],
  [
    "a divisor that Go clients add",
    divisor({ resource: "limits.cpu", divisor: "0" }),
    divisor({ resource: "limits.cpu" }),
  ],
  ["a divisor's value", divisor({ divisor: "1000m" }), divisor({ divisor: "1" })],
  [
    "a claim template's request",
    claim({ resources: { requests: { storage: "1Gi" } } }),
    claim({ resources: { requests: { storage: "1024Mi" } } }),
  ],
  ["a claim template's empty resources", claim({ resources: {} }), claim({})],
];

const DIFFERENT: readonly (readonly [string, JsonObject, JsonObject])[] = [
  ["enableServiceLinks", { enableServiceLinks: false }, {}],
  ["automountServiceAccountToken", { automountServiceAccountToken: false }, {}],
  ["hostUsers", { hostUsers: false }, {}],
  ["terminationGracePeriodSeconds", { terminationGracePeriodSeconds: 0 }, {}],
  ["runAsUser", { securityContext: { runAsUser: 0 } }, {}],
  [
    "allowPrivilegeEscalation",
    container({ securityContext: { allowPrivilegeEscalation: false } }),
    container({ securityContext: {} }),
  ],
  ["a probe's terminationGracePeriodSeconds", probe({ terminationGracePeriodSeconds: 0 }), probe({})],
  ["a selector of everything", affinity({ labelSelector: {} }), affinity({})],
  ["an emptyDir beside another source", volume({ emptyDir: {}, secret: {} }), volume({ secret: {} })],
  ["an emptyDir's limit of 0", volume({ emptyDir: { sizeLimit: "0" } }), volume({ emptyDir: {} })],
  ["a claim without dynamic provisioning", claim({ storageClassName: "" }), claim({})],
  ["a request of 0", container({ resources: { requests: { cpu: "0" } } }), container({})],
  ["a port's number and its name", probe({ httpGet: { port: 80 } }), probe({ httpGet: { port: "80" } })],
  ["the order of a list", container({ args: ["a", "b"] }), container({ args: ["b", "a"] })],
  ["a label of no value", { nodeSelector: { a: "" } }, {}],
  ["a field that no type has", { unheardOf: "" }, {}],
];

describe("equal as the Go types see it:", () => {
  for (const [what, a, b] of EQUAL) {
    test(what, () => {
      expect(equalReplicatedJobs(jobs(a), jobs(b))).toBe(true);
      expect(equalReplicatedJobs(jobs(b), jobs(a))).toBe(true);
    });
  }

  test("metadata that Go clients write into every template", () => {
    const metadata = { creationTimestamp: null };
    const written = [{ name: "a", template: { metadata, spec: { template: { metadata, spec: {} } } } }];
    expect(equalReplicatedJobs(written, [{ name: "a", template: { spec: { template: {} } } }])).toBe(true);
    expect(equalReplicatedJobs(written, [{ name: "a", template: { spec: null } }])).toBe(true);
  });

  test("what the schema defaults, given or not", () => {
    const template = { spec: {} };
    expect(equalReplicatedJobs([{ name: "a", template, replicas: 1, groupName: "default", dependsOn: [] }], [
      { name: "a", template },
    ])).toBe(true);
  });

  test("no replicatedJobs at all", () => {
    expect(equalReplicatedJobs(undefined, [])).toBe(true);
    expect(equalReplicatedJobs(null, undefined)).toBe(true);
  });
});

describe("different:", () => {
  for (const [what, a, b] of DIFFERENT) {
    test(what, () => {
      expect(equalReplicatedJobs(jobs(a), jobs(b))).toBe(false);
      expect(equalReplicatedJobs(jobs(b), jobs(a))).toBe(false);
    });
  }

  test("numbers of a Job that mean something at 0", () => {
    for (
      const field of ["backoffLimit", "parallelism", "completions", "ttlSecondsAfterFinished", "activeDeadlineSeconds"]
    ) {
      expect(equalStructs("JobSpec", { [field]: 0 }, {})).toBe(false);
    }
    expect(equalStructs("JobSpec", { completionMode: "" }, {})).toBe(false);
  });

  test("no replicas and those by default", () => {
    expect(equalReplicatedJobs([{ name: "a", replicas: 0 }], [{ name: "a" }])).toBe(false);
  });

  test("other names, another order, another number", () => {
    const [a, b] = [{ name: "a" }, { name: "b" }];
    expect(equalReplicatedJobs([a], [b])).toBe(false);
    expect(equalReplicatedJobs([a, b], [b, a])).toBe(false);
    expect(equalReplicatedJobs([a], [a, b])).toBe(false);
    expect(equalReplicatedJobs([a], undefined)).toBe(false);
  });
});
