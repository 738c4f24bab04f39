/** The JobSet's own API: what our CRD's schema defaults, prunes and refuses, and what may change. */
import { expect } from "bun:test";
import { asArray, asObject, at, type JsonObject } from "../../src/base/json.ts";
import { type Contract, refusal, refused } from "./api_contract.ts";
import { condition, CONTAINER, group, jobSet } from "./api_contract_objects.ts";

const UNCHECKED =
  "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; " +
  "correct the existing errors to complete validation";
const COUNTERS = { ready: 0, succeeded: 0, failed: 0, active: 0, suspended: 0 };

export function jobSetsContract(contract: Contract): void {
  contract("the schema defaults and prunes a JobSet", async (api) => {
    const metadata = { name: "n", labels: { a: "b" }, generateName: "gone", ownerReferences: [] };
    const containers = [{ name: "main", ports: [{ containerPort: 80 }], zzz: 1 }];
    const template = { metadata, spec: { template: { metadata, spec: { containers } } } };
    const claim = { metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } };
    const made = await api.create(
      "jobsets",
      jobSet("a", {
        unknown: 1,
        replicatedJobs: [{ name: "x", template, zzz: 1 }, group("y", { replicas: 0, groupName: "g" })],
        failurePolicy: { maxRestarts: 2 },
        network: null,
        volumeClaimPolicies: [{ templates: [claim] }, { templates: [claim], retentionPolicy: {} }],
      }),
    );
    const kept = { name: "n", labels: { a: "b" } };
    const main = { name: "main", ports: [{ containerPort: 80, protocol: "TCP" }] };
    expect(made["spec"]).toEqual({
      managedBy: "example.com/nobody",
      replicatedJobs: [
        {
          name: "x",
          groupName: "default",
          replicas: 1,
          template: { metadata: kept, spec: { template: { metadata: kept, spec: { containers: [main] } } } },
        },
        {
          name: "y",
          groupName: "g",
          replicas: 0,
          template: { spec: { template: { spec: { containers: [CONTAINER] } } } },
        },
      ],
      failurePolicy: { maxRestarts: 2, restartStrategy: "Recreate" },
      volumeClaimPolicies: [
        { templates: [claim], retentionPolicy: { whenDeleted: "Delete" } },
        { templates: [claim], retentionPolicy: { whenDeleted: "Delete" } },
      ],
    });
  });

  const refusals: readonly (readonly [string, JsonObject, string])[] = [
    [
      "a negative ttl",
      { ttlSecondsAfterFinished: -1 },
      "spec.ttlSecondsAfterFinished: Invalid value: -1: spec.ttlSecondsAfterFinished in body should be greater than or " +
      "equal to 0",
    ],
    [
      "two replicatedJobs of one name",
      { replicatedJobs: [group("x"), group("x")] },
      'spec.replicatedJobs[1]: Duplicate value: {"name":"x"}',
    ],
    [
      "an unknown operator",
      { successPolicy: { operator: "Most" } },
      `[spec.successPolicy.operator: Unsupported value: "Most": supported values: "All", "Any", ${UNCHECKED}]`,
    ],
    [
      "a replicatedJob without a template",
      { replicatedJobs: [{ name: "x" }] },
      `[spec.replicatedJobs[0].template: Required value, ${UNCHECKED}]`,
    ],
    [
      "a value of a wrong type",
      { suspend: "yes" },
      '[spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string", ' + UNCHECKED +
      "]",
    ],
    [
      "more than five dependencies",
      {
        replicatedJobs: [
          group("x"),
          group("y", { dependsOn: [..."abcdef"].map((name) => ({ name, status: "Ready" })) }),
        ],
      },
      `[spec.replicatedJobs[1].dependsOn: Too many: 6: must have at most 5 items, ${UNCHECKED}]`,
    ],
    [
      "InOrder together with dependsOn",
      {
        startupPolicy: { startupPolicyOrder: "InOrder" },
        replicatedJobs: [group("x"), group("y", { dependsOn: [{ name: "x", status: "Ready" }] })],
      },
      "spec: Invalid value: StartupPolicy and DependsOn APIs are mutually exclusive",
    ],
    [
      "a namespace in a claim template",
      { volumeClaimPolicies: [{ templates: [{ metadata: { name: "d", namespace: "elsewhere" } }] }] },
      "spec.volumeClaimPolicies[0]: Invalid value: namespace cannot be set for VolumeClaimPolicies templates",
    ],
  ];
  for (const [what, spec, why] of refusals) {
    contract(`the schema refuses ${what}`, async (api) => {
      const error = await refused(api.create("jobsets", jobSet("a", spec)));
      expect(error?.message).toBe(`JobSet.jobset.x-k8s.io "a" is invalid: ${why}`);
      expect([error?.status, error?.reason]).toEqual([422, "Invalid"]);
    });
  }

  const dependsOn = [{ name: "x", status: "Ready" }];
  const claims = (whenDeleted: string) => [{ templates: [], retentionPolicy: { whenDeleted } }];
  const first: JsonObject = {
    network: { subdomain: "one" },
    successPolicy: { operator: "All" },
    failurePolicy: { maxRestarts: 1 },
    startupPolicy: { startupPolicyOrder: "AnyOrder" },
    volumeClaimPolicies: claims("Delete"),
    replicatedJobs: [group("x"), group("y", { dependsOn })],
  };
  const changes: readonly (readonly [string, JsonObject])[] = [
    ["spec.network", { network: { subdomain: "two" } }],
    ["spec.successPolicy", { successPolicy: { operator: "Any" } }],
    ["spec.failurePolicy", { failurePolicy: { maxRestarts: 2 } }],
    ["spec.startupPolicy", { startupPolicy: { startupPolicyOrder: "InOrder" }, replicatedJobs: [group("x")] }],
    ["spec.volumeClaimPolicies", { volumeClaimPolicies: claims("Retain") }],
    ["spec.replicatedJobs[0].dependsOn", {
      replicatedJobs: [group("y", { dependsOn: [{ name: "x", status: "Complete" }] }), group("x")],
    }],
  ];
  for (const [field, change] of changes) {
    contract(`${field} is immutable once it is set`, async (api) => {
      await api.create("jobsets", jobSet("a", first));
      expect(await refusal(api.patch("jobsets", "a", { spec: change }))).toEqual({
        status: 422,
        reason: "Invalid",
        message: `JobSet.jobset.x-k8s.io "a" is invalid: ${field}: Invalid value: Value is immutable`,
        details: {
          name: "a",
          group: "jobset.x-k8s.io",
          kind: "JobSet",
          causes: [{ reason: "FieldValueInvalid", message: "Invalid value: Value is immutable", field }],
        },
      });
    });
  }

  contract("a policy comes and goes as a whole; suspend, ttl and templates change", async (api) => {
    await api.create("jobsets", jobSet("a", first));
    await api.patch("jobsets", "a", { spec: { network: null, failurePolicy: null } });
    await api.patch("jobsets", "a", { spec: { failurePolicy: { maxRestarts: 3 } } });
    const replicatedJobs = [group("x", { replicas: 3 }), group("y", { dependsOn }), group("z")];
    const changed = await api.patch("jobsets", "a", {
      spec: { suspend: true, ttlSecondsAfterFinished: 5, replicatedJobs },
    });
    expect(changed["spec"]).toMatchObject({ suspend: true, ttlSecondsAfterFinished: 5 });
    expect(asArray(at(changed, "spec", "replicatedJobs")).length).toBe(3);
  });

  contract("the status is pruned and checked as well", async (api) => {
    await api.create("jobsets", jobSet("a"));
    const status = {
      restarts: 1,
      conditions: [condition("Failed")],
      replicatedJobsStatus: [{ name: "x", ...COUNTERS, jobRestarts: [0, 2] }],
    };
    const written = await api.patch("jobsets", "a/status", { status: { ...status, zzz: 1 } });
    expect(written["status"]).toEqual(status);
    const twice = [{ name: "x", ...COUNTERS }, { name: "x", ...COUNTERS }];
    expect((await refused(api.patch("jobsets", "a/status", { status: { replicatedJobsStatus: twice } })))?.message)
      .toBe(
        'JobSet.jobset.x-k8s.io "a" is invalid: status.replicatedJobsStatus[1]: Duplicate value: {"name":"x"}',
      );
    const bad = { status: { conditions: [{ ...condition("Failed"), status: "Maybe" }] } };
    expect((await refused(api.patch("jobsets", "a/status", bad)))?.message).toBe(
      'JobSet.jobset.x-k8s.io "a" is invalid: [status.conditions[0].status: Unsupported value: "Maybe": ' +
        `supported values: "True", "False", "Unknown", ${UNCHECKED}]`,
    );
    const { active: _, ...rest } = { name: "x", ...COUNTERS };
    const lacking = { status: { replicatedJobsStatus: [rest] } };
    expect((await refused(api.patch("jobsets", "a/status", lacking)))?.message).toBe(
      'JobSet.jobset.x-k8s.io "a" is invalid: ' +
        `[status.replicatedJobsStatus[0].active: Required value, ${UNCHECKED}]`,
    );
    expect((await refused(api.patch("jobsets", "a/status", { status: { executionAttempts: -1 } })))?.message).toBe(
      'JobSet.jobset.x-k8s.io "a" is invalid: status.executionAttempts: Invalid value: -1: executionAttempts in body ' +
        "should be greater than or equal to 0",
    );
  });

  contract("a strategic merge patch is nothing for a JobSet", async (api) => {
    await api.create("jobsets", jobSet("a"));
    expect(await refusal(api.patch("jobsets", "a", { spec: {} }, "strategic"))).toMatchObject({
      status: 415,
      reason: "UnsupportedMediaType",
    });
  });

  contract("another kind is refused", async (api) => {
    const other = { ...asObject(jobSet("a")), kind: "Job" };
    expect((await refused(api.create("jobsets", other)))?.message)
      .toBe('Job.jobset.x-k8s.io "a" is invalid: kind: Invalid value: "Job": must be JobSet');
  });
}
