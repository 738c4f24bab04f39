import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import type { ApiAnswer } from "../../scripts/control_plane/api.ts";
import { DEFINITIONS_FILE, fetchDefinitions } from "../../scripts/fetch_definitions.ts";
import { installCrd, type SharedServer, sharedServer, TestNamespace } from "./shared_server.ts";

const CRD_FILE = new URL("../../crds/jobset.x-k8s.io_jobsets.yaml", import.meta.url).pathname;

let server: SharedServer;
let space: TestNamespace;

beforeAll(async () => {
  server = await sharedServer();
  await installCrd(server);
  space = new TestNamespace(server.api);
  await space.create();
});

afterAll(() => space.remove());

/** A replicatedJob with one container, and whatever a test adds. */
function group(name: string, extra: JsonObject = {}, podSpec: JsonObject = {}): JsonObject {
  const container = { name: "main", image: "busybox:1.36" };
  return { name, template: { spec: { template: { spec: { containers: [container], ...podSpec } } } }, ...extra };
}

function claimPolicy(template: JsonObject, extra: JsonObject = {}): JsonObject {
  const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  return { templates: [{ metadata: { name: "data" }, spec, ...template }], ...extra };
}

function first(list: unknown): unknown {
  return asArray(list)[0];
}

function replicatedJob(jobSet: unknown): unknown {
  return first(at(jobSet, "spec", "replicatedJobs"));
}

function expectRefused(answer: ApiAnswer, message: string): void {
  expect(asString(answer.body["message"]) ?? "").toContain(message);
  expect(answer.code).toBe(422);
}

describe("the CRD", () => {
  test("is taken by plain kubectl apply too, annotation and all (spec 6.5)", async () => {
    const { code, text } = await server.kubectl("apply", "--dry-run=server", "-f", CRD_FILE);
    expect(text).toContain("jobsets.jobset.x-k8s.io");
    expect(code).toBe(0);
  });

  test("embeds the definitions that the pinned API server publishes", async () => {
    const committed: unknown = await Bun.file(DEFINITIONS_FILE).json();
    const fetched: unknown = await fetchDefinitions(server.api);
    expect(fetched).toEqual(committed);
  });

  test("prints the columns that scripts read, in order (C12)", async () => {
    const { name } = await space.store({ suspend: true, replicatedJobs: [group("a")] });
    const { text } = await server.kubectl("-n", space.name, "get", "jobset", name);
    const [header = "", row = ""] = text.trim().split("\n");
    expect(header.split(/\s+/)).toEqual(["NAME", "TERMINALSTATE", "RESTARTS", "COMPLETED", "SUSPENDED", "AGE"]);
    expect(row).toContain("true");
  });
});

describe("defaults of the schema", () => {
  test("are replicas 1, groupName default and restartStrategy Recreate (K6)", async () => {
    const { stored } = await space.store({ replicatedJobs: [group("a")], failurePolicy: { maxRestarts: 2 } });
    expect(at(replicatedJob(stored), "replicas")).toBe(1);
    expect(at(replicatedJob(stored), "groupName")).toBe("default");
    expect(at(stored, "spec", "failurePolicy", "restartStrategy")).toBe("Recreate");
  });

  test("leave a zero as it is: no replicas, no parallelism (K6)", async () => {
    const template = { spec: { parallelism: 0, template: { spec: { containers: [{ name: "main" }] } } } };
    const { stored } = await space.store({ replicatedJobs: [{ name: "a", replicas: 0, template }] });
    expect(at(replicatedJob(stored), "replicas")).toBe(0);
    expect(at(replicatedJob(stored), "template", "spec", "parallelism")).toBe(0);
  });

  test("add what Kueue's Workload adds to a pod spec and nothing more (K5)", async () => {
    const containers = [{
      name: "main",
      ports: [{ containerPort: 80 }],
      envFrom: [{ configMapRef: {} }],
      livenessProbe: { grpc: { port: 80 } },
    }];
    const { stored } = await space.store({ replicatedJobs: [group("a", {}, { containers })] });
    expect(at(replicatedJob(stored), "template", "spec", "template", "spec")).toEqual({
      containers: [{
        name: "main",
        ports: [{ containerPort: 80, protocol: "TCP" }],
        envFrom: [{ configMapRef: { name: "" } }],
        livenessProbe: { grpc: { port: 80, service: "" } },
      }],
    });
  });

  test("give a claim policy its retention policy (T3)", async () => {
    const volumeClaimPolicies = [claimPolicy({}), claimPolicy({}, { retentionPolicy: {} })];
    const { stored } = await space.store({ replicatedJobs: [], volumeClaimPolicies });
    for (const policy of asArray(at(stored, "spec", "volumeClaimPolicies"))) {
      expect(at(policy, "retentionPolicy")).toEqual({ whenDeleted: "Delete" });
    }
  });
});

describe("the schema lets through", () => {
  test("a JobSet without replicatedJobs, whatever its startup policy (R25)", async () => {
    expect((await space.post({})).code).toBe(201);
    expect((await space.post({ replicatedJobs: [] })).code).toBe(201);
    expect((await space.post({ startupPolicy: { startupPolicyOrder: "InOrder" } })).code).toBe(201);
  });

  test("explicit nulls, as some clients send them (C4)", async () => {
    const nothing = { successPolicy: null, failurePolicy: null, network: null, startupPolicy: null, suspend: null };
    const { name, body } = space.jobSet({ ...nothing, replicatedJobs: [group("a", { replicas: null })] });
    const stored = await server.api.create(`${space.path()}?fieldValidation=Strict`, { ...body, status: null });
    expect(at(stored, "metadata", "name")).toBe(name);
    expect(at(stored, "spec", "network")).toBeUndefined();
    expect(at(replicatedJob(stored), "replicas")).toBe(1);
  });

  test("an empty status and a null creationTimestamp in a claim template, as Go clients send them", async () => {
    const metadata = { name: "data", creationTimestamp: null };
    const answer = await server.api.request(
      "POST",
      space.path(),
      space.jobSet({ volumeClaimPolicies: [claimPolicy({ metadata, status: {} })] }).body,
    );
    expect(answer.code).toBe(201);
  });

  test("the five fields of metadata that a template may carry, and prunes others", async () => {
    const kept = {
      name: "data",
      namespace: "elsewhere",
      labels: { a: "b" },
      annotations: { c: "d" },
      finalizers: ["e/f"],
    };
    const metadata = { ...kept, generateName: "gone", ownerReferences: [] };
    const containers = [{ name: "main" }];
    const template = { metadata, spec: { template: { metadata, spec: { containers } } } };
    const { namespace: _, ...keptByClaim } = kept;
    const { body } = space.jobSet({
      replicatedJobs: [{ name: "a", template }],
      volumeClaimPolicies: [claimPolicy({ metadata: { ...metadata, namespace: "" } })],
    });
    const stored = await server.api.create(space.path(), body);
    expect(at(replicatedJob(stored), "template", "metadata")).toEqual(kept);
    expect(at(replicatedJob(stored), "template", "spec", "template", "metadata")).toEqual(kept);
    const claim = first(at(first(at(stored, "spec", "volumeClaimPolicies")), "templates"));
    expect(at(claim, "metadata")).toEqual({ ...keptByClaim, namespace: "" });
  });
});

describe("the schema refuses", () => {
  const refusals: readonly (readonly [string, JsonObject, string])[] = [
    ["negative replicas", { replicatedJobs: [group("a", { replicas: -1 })] }, "greater than or equal to 0"],
    ["a negative ttl", { ttlSecondsAfterFinished: -1 }, "greater than or equal to 0"],
    ["two replicatedJobs of one name", { replicatedJobs: [group("a"), group("a")] }, "Duplicate value"],
    ["a replicatedJob without a template", { replicatedJobs: [{ name: "a" }] }, "template: Required value"],
    ["a replicatedJob without a name", { replicatedJobs: [{ template: {} }] }, "name: Required value"],
    ["an unknown operator", { successPolicy: { operator: "Most" } }, 'supported values: "All", "Any"'],
    ["an unknown strategy", { failurePolicy: { restartStrategy: "Never" } }, "Unsupported value"],
    ["a rule without a name (C10)", { failurePolicy: { rules: [{ action: "FailJobSet" }] } }, "name: Required value"],
    ["a rule without an action", { failurePolicy: { rules: [{ name: "r" }] } }, "action: Required value"],
    [
      "more than five dependencies",
      { replicatedJobs: [group("a", { dependsOn: [..."bcdefg"].map((name) => ({ name, status: "Ready" })) })] },
      "must have at most 5 items",
    ],
    [
      "InOrder together with dependsOn",
      {
        startupPolicy: { startupPolicyOrder: "InOrder" },
        replicatedJobs: [group("a"), group("b", { dependsOn: [{ name: "a", status: "Ready" }] })],
      },
      "StartupPolicy and DependsOn APIs are mutually exclusive",
    ],
    [
      "a namespace in a claim template",
      { volumeClaimPolicies: [claimPolicy({ metadata: { name: "data", namespace: "elsewhere" } })] },
      "namespace cannot be set for VolumeClaimPolicies templates",
    ],
  ];
  for (const [what, spec, message] of refusals) {
    test(what, async () => expectRefused(await space.post(spec), message));
  }
});

describe("immutability by the schema", () => {
  const dependsOn = [{ name: "a", status: "Ready" }];
  const spec = {
    network: { subdomain: "one" },
    successPolicy: { operator: "All" },
    failurePolicy: { maxRestarts: 1 },
    startupPolicy: { startupPolicyOrder: "AnyOrder" },
    volumeClaimPolicies: [claimPolicy({})],
    replicatedJobs: [group("a"), group("b", { dependsOn })],
  };
  const changes: readonly (readonly [string, JsonObject])[] = [
    ["network", { network: { subdomain: "two" } }],
    ["successPolicy", { successPolicy: { operator: "Any" } }],
    ["failurePolicy", { failurePolicy: { maxRestarts: 2 } }],
    ["startupPolicy", { startupPolicy: { startupPolicyOrder: "InOrder" } }],
    ["volumeClaimPolicies", { volumeClaimPolicies: [claimPolicy({}, { retentionPolicy: { whenDeleted: "Retain" } })] }],
    ["dependsOn", {
      replicatedJobs: [group("a"), group("b", { dependsOn: [{ name: "a", status: "Complete" }] })],
    }],
  ];
  for (const [field, change] of changes) {
    test(`holds for ${field} once it is set`, async () => {
      const { name } = await space.store(spec);
      expectRefused(await space.patch(name, change), "Value is immutable");
    });
  }

  test("lets a policy come and go as a whole (spec 1.1)", async () => {
    const { name } = await space.store({ replicatedJobs: [group("a")], network: { subdomain: "one" } });
    expect((await space.patch(name, { network: null })).code).toBe(200);
    expect((await space.patch(name, { failurePolicy: { maxRestarts: 3 } })).code).toBe(200);
  });

  test("lets suspend, ttl and coordinator change", async () => {
    const { name } = await space.store(spec);
    const coordinator = { replicatedJob: "a" };
    expect((await space.patch(name, { suspend: true, ttlSecondsAfterFinished: 5, coordinator })).code).toBe(200);
  });
});

describe("server-side apply", () => {
  test("of the same body ten times keeps the generation (R13, T3)", async () => {
    const { body } = space.jobSet({
      suspend: true,
      failurePolicy: { maxRestarts: 1, rules: [{ name: "r", action: "FailJobSet" }] },
      volumeClaimPolicies: [claimPolicy({})],
      replicatedJobs: [group("a", {}, { containers: [{ name: "main", ports: [{ containerPort: 80 }] }] }), group("b")],
    });
    for (let round = 0; round < 10; round++) {
      expect(at(await space.apply(body, "trainer"), "metadata", "generation")).toBe(1);
    }
  });

  test("keeps what another manager filled in, and resumes with it (T2)", async () => {
    const { name, body } = space.jobSet({ suspend: true, volumeClaimPolicies: [claimPolicy({})] });
    const spec = at(body, "spec");
    const applied = { ...body, spec: { ...Object(spec), replicatedJobs: [group("a")] } };
    await space.apply(applied, "trainer");
    const filled = {
      ...body,
      spec: {
        network: { enableDNSHostnames: true },
        successPolicy: { operator: "All" },
        replicatedJobs: [{ name: "a", template: { spec: { completionMode: "Indexed" } } }],
      },
    };
    await space.apply(filled, "defaulter");
    const nodeSelector = { zone: "b" };
    const resumed = { ...Object(applied.spec), suspend: false, replicatedJobs: [group("a", {}, { nodeSelector })] };
    await space.apply({ ...body, spec: resumed }, "trainer");
    const stored = await server.api.get(space.path(name));
    expect(at(stored, "spec", "suspend")).toBe(false);
    expect(at(stored, "spec", "network")).toEqual({ enableDNSHostnames: true });
    expect(at(replicatedJob(stored), "template", "spec", "completionMode")).toBe("Indexed");
    expect(at(replicatedJob(stored), "template", "spec", "template", "spec", "nodeSelector")).toEqual(nodeSelector);
  });

  test("merges lists by their keys and replaces atomic ones (T1)", async () => {
    const { name, body } = space.jobSet({});
    const withGroup = (entry: JsonObject, targetReplicatedJobs: readonly string[]) => ({
      ...body,
      spec: {
        managedBy: "example.com/nobody",
        successPolicy: { operator: "All", targetReplicatedJobs },
        replicatedJobs: [entry],
      },
    });
    await space.apply(withGroup(group("a", {}, { tolerations: [{ key: "x" }] }), ["a"]), "one");
    await space.apply(withGroup(group("b"), ["a"]), "two");
    const stored = await server.api.get(space.path(name));
    const names = asArray(at(stored, "spec", "replicatedJobs")).map((entry) => at(entry, "name"));
    expect(names).toEqual(["a", "b"]);
    expect(at(stored, "spec", "successPolicy", "targetReplicatedJobs")).toEqual(["a"]);
  });
});

describe("the status", () => {
  const counters = { ready: 0, succeeded: 0, failed: 0, active: 0, suspended: 0 };

  test("is written only through its subresource, and takes every field of spec 1.2", async () => {
    const { name, stored } = await space.store({ replicatedJobs: [group("a")] });
    const resourceVersion = at(stored, "metadata", "resourceVersion");
    const status = {
      restarts: 1,
      restartsCountTowardsMax: 1,
      terminalState: "Completed",
      executionAttempts: 2,
      previousInPlaceRestartAttempt: 0,
      currentInPlaceRestartAttempt: 1,
      conditions: [{
        type: "Completed",
        status: "True",
        reason: "AllJobsCompleted",
        message: "jobset completed successfully",
        lastTransitionTime: "2026-01-01T00:00:00Z",
      }],
      replicatedJobsStatus: [{ name: "a", ...counters, jobRestarts: [1], jobRestartsCountTowardsMax: [0] }],
    };
    const ignored = await server.api.patch(space.path(name), { status });
    expect(at(ignored, "status")).toBeUndefined();
    const path = `${space.path(name)}/status`;
    const written = await server.api.patch(path, { metadata: { resourceVersion }, status });
    expect(at(written, "status")).toEqual(status);
    expect(at(written, "metadata", "generation")).toBe(1);
    const stale = await server.api.request(
      "PATCH",
      path,
      { metadata: { resourceVersion }, status: { restarts: 2 } },
      "application/merge-patch+json",
    );
    expect(stale.code).toBe(409);
  });

  test("needs all five counters of a replicatedJob (K29)", async () => {
    const { name } = await space.store({ replicatedJobs: [group("a")] });
    const { suspended: _, ...four } = counters;
    const answer = await server.api.request(
      "PATCH",
      `${space.path(name)}/status`,
      { status: { replicatedJobsStatus: [{ name: "a", ...four }] } },
      "application/merge-patch+json",
    );
    expectRefused(answer, "suspended: Required value");
  });
});
