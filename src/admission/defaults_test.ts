import { expect, test } from "bun:test";
import { defaultJobSet } from "./defaults.ts";
import { applyPatch } from "./json_patch.ts";
import { group, newJobSet } from "./test_job_set.ts";

/** The JobSet's spec with its defaults. */
function defaulted(spec: unknown): unknown {
  const object = { metadata: { name: "js" }, spec };
  const result = applyPatch(object, defaultJobSet(object));
  return (result as typeof object).spec;
}

const POLICIES = {
  successPolicy: { operator: "All" },
  startupPolicy: { startupPolicyOrder: "AnyOrder" },
  network: { enableDNSHostnames: true, publishNotReadyAddresses: true },
};

test("a JobSet without anything gets its policies and network (spec 2.1)", () => {
  for (const object of [{}, { spec: null }, { spec: {} }, newJobSet({})]) {
    expect(applyPatch(object, defaultJobSet(object))).toEqual({ ...object, spec: POLICIES });
  }
});

test("explicit nulls count as absent (C4)", () => {
  const nothing = { successPolicy: null, startupPolicy: null, network: null, failurePolicy: null };
  expect(defaulted(nothing)).toEqual({ ...POLICIES, failurePolicy: null });
});

test("a network keeps an explicit false and its subdomain", () => {
  const network = { subdomain: "s", enableDNSHostnames: false };
  expect(defaulted({ ...POLICIES, network })).toEqual({
    ...POLICIES,
    network: { ...network, publishNotReadyAddresses: true },
  });
  const patch = defaultJobSet(newJobSet({ ...POLICIES, network: { publishNotReadyAddresses: false } }));
  expect(patch).toEqual([{ op: "add", path: "/spec/network/enableDNSHostnames", value: true }]);
});

test("every template gets a completion mode and a restart policy, with the parents that they need", () => {
  const replicatedJobs = [
    { name: "none" },
    { name: "empty", template: {} },
    { name: "job", template: { spec: { parallelism: 2 } } },
    { name: "pod", template: { spec: { template: { spec: { restartPolicy: "" } } } } },
    { name: "both", template: { spec: { completionMode: null, template: { spec: null } } } },
  ];
  const spec = { completionMode: "Indexed", template: { spec: { restartPolicy: "OnFailure" } } };
  expect(defaulted({ ...POLICIES, replicatedJobs })).toEqual({
    ...POLICIES,
    replicatedJobs: replicatedJobs.map(({ name }) => ({
      name,
      template: { spec: { ...spec, ...(name === "job" ? { parallelism: 2 } : {}) } },
    })),
  });
});

test("what a template says stays", () => {
  const job = group("a", { job: { completionMode: "NonIndexed" }, pod: { restartPolicy: "Never" } });
  expect(defaultJobSet(newJobSet({ ...POLICIES, replicatedJobs: [job] }))).toEqual([]);
});

test("a rule without a name gets one of its place (C10)", () => {
  const rules = [{ name: "mine" }, {}, { name: "" }, { name: null }];
  expect(defaulted({ ...POLICIES, failurePolicy: { rules } })).toEqual({
    ...POLICIES,
    failurePolicy: {
      rules: [
        { name: "mine" },
        { name: "failurePolicyRule1" },
        { name: "failurePolicyRule2" },
        { name: "failurePolicyRule3" },
      ],
    },
  });
});

test("a claim policy without a retention policy gets Delete; one without whenDeleted has the schema's (R72)", () => {
  const volumeClaimPolicies = [{}, { retentionPolicy: {} }, { retentionPolicy: { whenDeleted: "Retain" } }];
  expect(defaulted({ ...POLICIES, volumeClaimPolicies })).toEqual({
    ...POLICIES,
    volumeClaimPolicies: [{ retentionPolicy: { whenDeleted: "Delete" } }, ...volumeClaimPolicies.slice(1)],
  });
});

test("unknown and zero-valued fields, suspend and managedBy survive untouched (K12, K35, K36)", () => {
  const spec = {
    replicatedJobs: [{ ...group("a", { replicas: 0, futureField: [0, "", null] }), groupName: "" }],
    future: { deep: [{}] },
  };
  const patch = defaultJobSet(newJobSet(spec));
  expect(patch.map(({ path }) => path)).toEqual([
    "/spec/successPolicy",
    "/spec/startupPolicy",
    "/spec/network",
    "/spec/replicatedJobs/0/template/spec/completionMode",
    "/spec/replicatedJobs/0/template/spec/template/spec/restartPolicy",
  ]);
  expect(defaulted(spec)).toMatchObject({ future: spec.future, replicatedJobs: [{ replicas: 0, groupName: "" }] });
  for (const own of [{ suspend: true }, { suspend: false }, { managedBy: "kueue.x-k8s.io/multikueue" }]) {
    expect(defaultJobSet(newJobSet({ ...spec, ...own }))).toEqual(patch);
  }
});

test("a JobSet that has its defaults is left alone (K32)", () => {
  const spec = {
    ...POLICIES,
    failurePolicy: { maxRestarts: 1, restartStrategy: "Recreate", rules: [{ name: "failurePolicyRule0" }] },
    replicatedJobs: [
      group("a", { groupName: "default", job: { completionMode: "Indexed" }, pod: { restartPolicy: "OnFailure" } }),
    ],
    volumeClaimPolicies: [{ retentionPolicy: { whenDeleted: "Delete" } }],
  };
  expect(defaultJobSet(newJobSet(spec))).toEqual([]);
});

test("a part of a wrong type is left to the schema", () => {
  const wrong = [
    null,
    7,
    [],
    "JobSet",
    { spec: [] },
    { spec: "x" },
    newJobSet({
      successPolicy: "All",
      startupPolicy: [],
      network: true,
      failurePolicy: { rules: ["x", { name: 7 }] },
      volumeClaimPolicies: [null, { retentionPolicy: "Delete" }],
      replicatedJobs: [null, "a", { template: [] }, { template: { spec: "x" } }, {
        template: { spec: { completionMode: 7, template: { spec: { restartPolicy: 7 } } } },
      }],
    }),
  ];
  for (const object of wrong) expect(defaultJobSet(object)).toEqual([]);
});

test("lists of more than can be stored are left alone, for they will be refused", () => {
  const list = (length: number) => Array.from({ length }, () => ({}));
  const of = (replicatedJobs: number, rules: number, claims: number) =>
    defaultJobSet(newJobSet({
      ...POLICIES,
      replicatedJobs: list(replicatedJobs),
      failurePolicy: { rules: list(rules) },
      volumeClaimPolicies: list(claims),
    }));
  expect(of(10_000, 10_000, 50)).toHaveLength(20_050);
  expect(of(10_001, 10_001, 51)).toEqual([]);
});
