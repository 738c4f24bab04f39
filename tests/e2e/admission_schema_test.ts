/** What the schema refuses, it refuses with the webhooks and without them, in the same words (spec 1.1, 2.2, 2.3). */
import { expect } from "bun:test";
import type { JsonObject } from "../../src/base/json.ts";
import { group, newJobSet } from "../../src/admission/test_job_set.ts";
import { nameOf } from "./cluster.ts";
import { defaulted, dryCreate, dryPatch, verdicts } from "./verdicts.ts";

const e2e = verdicts();

const ready = (name: string) => ({ name, status: "Ready" });
const of = (spec: JsonObject, name = "js") => newJobSet(spec, { name });
const claims = (metadata: JsonObject, more: JsonObject = {}) => ({
  volumeClaimPolicies: [{
    templates: [{ metadata, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } }],
    ...more,
  }],
});
const MOUNTING = group("a", {
  pod: { containers: [{ name: "main", image: "busybox:1.36", volumeMounts: [{ name: "data", mountPath: "/data" }] }] },
});

const CREATES: readonly (readonly [string, JsonObject, string])[] = [
  [
    "InOrder together with dependsOn",
    of({
      startupPolicy: { startupPolicyOrder: "InOrder" },
      replicatedJobs: [group("a"), group("b", { dependsOn: [ready("a")] })],
    }),
    "StartupPolicy and DependsOn APIs are mutually exclusive",
  ],
  [
    "a namespace in a claim template",
    of({ ...claims({ name: "data", namespace: "x" }), replicatedJobs: [MOUNTING] }),
    "namespace cannot be set for VolumeClaimPolicies templates",
  ],
  ["replicas of -1 (R26)", of({ replicatedJobs: [group("a", { replicas: -1 })] }), "greater than or equal to 0"],
  ["more than an int32 of replicas (R26)", of({ replicatedJobs: [group("a", { replicas: 2 ** 31 })] }), "replicas"],
  ["two replicatedJobs of one name", of({ replicatedJobs: [group("a"), group("a")] }), "Duplicate value"],
  [
    "more than five dependencies",
    of({
      replicatedJobs: [..."abcdef", "g"].map((name, index, all) => {
        return index < 6 ? group(name) : group(name, { dependsOn: all.slice(0, 6).map(ready) });
      }),
    }),
    "must have at most 5 items",
  ],
  ["an unknown strategy", of({ failurePolicy: { restartStrategy: "Never" } }), "Unsupported value"],
  [
    "a name with an underscore (R19)",
    of({}, "a_b"),
    'metadata.name: Invalid value: "a_b": a lowercase RFC 1123 subdomain',
  ],
  ["a name with % and a line break (R62)", of({}, "a%d\nb"), 'metadata.name: Invalid value: "a%d\\nb": a lowercase'],
  ["a part of a wrong type", of({ network: "x" }), "network"],
];
for (const [what, object, message] of CREATES) {
  e2e.test(`the schema refuses ${what}`, async (judged, bypassed) => {
    const [guarded, bare] = await Promise.all([dryCreate(judged, object), dryCreate(bypassed, defaulted(object))]);
    expect(bare.code).toBeGreaterThanOrEqual(400);
    expect(bare.body["message"]).toContain(message);
    expect(guarded).toEqual(bare);
  });
}

const STORED = {
  network: { subdomain: "one" },
  successPolicy: { operator: "All" },
  failurePolicy: { maxRestarts: 1 },
  startupPolicy: { startupPolicyOrder: "AnyOrder" },
  ...claims({ name: "data" }),
  suspend: true,
  replicatedJobs: [MOUNTING, group("b", { dependsOn: [ready("a")] })],
};
const UPDATES: Readonly<Record<string, JsonObject>> = {
  network: { network: { subdomain: "two" } },
  successPolicy: { successPolicy: { operator: "Any" } },
  failurePolicy: { failurePolicy: { maxRestarts: 2 } },
  startupPolicy: { startupPolicy: { startupPolicyOrder: "InOrder" }, replicatedJobs: [MOUNTING, group("b")] },
  volumeClaimPolicies: claims({ name: "data" }, { retentionPolicy: { whenDeleted: "Retain" } }),
  dependsOn: { replicatedJobs: [MOUNTING, group("b", { dependsOn: [{ name: "a", status: "Complete" }] })] },
};
for (const [field, spec] of Object.entries(UPDATES)) {
  e2e.test(`the schema keeps ${field} as it is`, async (judged, bypassed) => {
    const name = `stored-${field.toLowerCase()}`;
    const object = of(STORED, name);
    await Promise.all([judged.create("jobsets", object), bypassed.create("jobsets", defaulted(object))]);
    const [guarded, bare] = await Promise.all([judged, bypassed].map((cluster) => dryPatch(cluster, name, { spec })));
    expect(bare?.code).toBe(422);
    expect(bare?.body["message"]).toContain("Value is immutable");
    expect(guarded).toEqual(bare);
  });
}

e2e.test("without the webhooks the schema lets through what only they refuse", async (_, bypassed) => {
  const object = of({ managedBy: "x", replicatedJobs: [group("a", { dependsOn: [] })] }, "not-judged");
  expect(nameOf((await dryCreate(bypassed, object)).body)).toBe("not-judged");
});
