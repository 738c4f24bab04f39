import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../base/json.ts";
import { gatesWith, group, newJobSet, problems } from "./test_job_set.ts";
import { validateCreate } from "./validate_create.ts";

const LABEL_1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic " +
  "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is " +
  "'[a-z]([-a-z0-9]*[a-z0-9])?')";
const JOB_NAMES = "JobSet name is too long, job names generated for this JobSet will exceed 63 characters";
const POD_NAMES = "JobSet name is too long, pod names generated for this JobSet will exceed 63 characters";
const MAX_INT32 = 2147483647;

function named(name: string, spec: JsonObject): JsonObject {
  return newJobSet(spec, { name, namespace: "ns" });
}

function generated(generateName: string, spec: JsonObject): JsonObject {
  return newJobSet(spec, { generateName, namespace: "ns" });
}

function ofGroups(...replicatedJobs: readonly JsonObject[]): JsonObject {
  return newJobSet({ replicatedJobs });
}

describe("any JobSet", () => {
  test("without replicatedJobs or a spec is accepted, and none throws (R25)", () => {
    for (const object of [newJobSet({}), newJobSet({ replicatedJobs: [] }), { metadata: { name: "js" } }]) {
      expect(problems(object)).toEqual([]);
    }
    for (const object of [null, undefined, 7, "x", []]) expect(problems(object)).toEqual([]);
  });

  test("needs a name or the start of one, in the API server's words", () => {
    expect(problems(newJobSet({}, {}))).toEqual(["metadata.name: Required value: name or generateName is required"]);
    expect(problems(generated("a-", {}))).toEqual([]);
    expect(problems(named("a_b", {}))[0]).toStartWith(
      'metadata.name: Invalid value: "a_b": a lowercase RFC 1123 subdomain',
    );
    expect(problems(generated("A-", {}))[0]).toStartWith('metadata.generateName: Invalid value: "A-": a lowercase RFC');
  });

  test("with parts of wrong types is left to the schema", () => {
    const replicatedJob = { name: 7, replicas: "x", groupName: {}, dependsOn: "a", template: "x" };
    const wrong: readonly JsonObject[] = [
      { replicatedJobs: [{ replicas: 3 }, { name: "a", replicas: 0.5 }, { name: "b".repeat(99), replicas: "x" }] },
      { replicatedJobs: [null, "a", replicatedJob, { name: "a", template: { spec: { completions: "x" } } }] },
      { network: "x", successPolicy: [], failurePolicy: 7, coordinator: "x", volumeClaimPolicies: {}, managedBy: 7 },
      { network: { subdomain: 7 }, successPolicy: { targetReplicatedJobs: [7, null] } },
      { failurePolicy: { rules: [{ name: 7, onJobFailureReasons: [7], onJobFailureMessagePatterns: "(" }] } },
      { coordinator: { replicatedJob: 7 }, volumeClaimPolicies: [7, { templates: [{ metadata: { name: 7 } }] }] },
    ];
    for (const spec of wrong) expect(problems(newJobSet(spec))).toEqual([]);
  });

  test("has its errors listed all at once, in the order of the rules (R27)", () => {
    const spec = {
      managedBy: "",
      coordinator: { replicatedJob: "b" },
      replicatedJobs: [group("a", { dependsOn: [] })],
      successPolicy: { targetReplicatedJobs: ["c"] },
    };
    expect(problems(newJobSet(spec)).map((line) => line.split(":")[0])).toEqual([
      "spec.replicatedJobs[0].dependsOn",
      "spec.managedBy",
      "spec.successPolicy.targetReplicatedJobs[0]",
      "spec.coordinator.replicatedJob",
    ]);
  });

  test("of a million errors has the first thousand listed", () => {
    const targetReplicatedJobs = Array.from({ length: 1_000_000 }, () => "x");
    const object = newJobSet({ successPolicy: { targetReplicatedJobs } });
    const errors = validateCreate({ object, gates: gatesWith(), claims: "offline" });
    expect(errors).toHaveLength(1_001);
    expect(errors.at(-1)?.detail).toBe("has more errors than the 1000 listed here");
  });

  test("of more parts than can be stored is refused for that alone", () => {
    const many = (count: number) => Array.from({ length: count }, () => group("A"));
    expect(problems(newJobSet({ replicatedJobs: many(10_001) }))).toEqual([
      "spec.replicatedJobs: Too many: 10001: must have at most 10000 items",
    ]);
    expect(problems(newJobSet({ replicatedJobs: many(10_000) }))).toHaveLength(1_001);
    expect(problems(newJobSet({ failurePolicy: { rules: many(10_000) } }))[0]).toContain("not unique");
    expect(problems(newJobSet({ failurePolicy: { rules: many(10_001) } }))).toEqual([
      "spec.failurePolicy.rules: Too many: 10001: must have at most 10000 items",
    ]);
  });

  test("of a name of megabytes is refused without repeating it", () => {
    const long = "a".repeat(4_000_000);
    const object = newJobSet({
      managedBy: `${long}/x`,
      replicatedJobs: [group(long, { dependsOn: [{ name: long }] })],
    });
    const lines = problems(object);
    expect(lines.map((line) => line.slice(0, 40))).toHaveLength(4);
    for (const line of lines) expect(line.length).toBeLessThan(6_000);
  });
});

describe("rule 1: the strategy InPlaceRestart", () => {
  const object = newJobSet({ failurePolicy: { restartStrategy: "InPlaceRestart" } });
  test("needs its gate", () => {
    expect(problems(object, { gates: gatesWith("InPlaceRestart") })).toEqual([]);
    expect(problems(newJobSet({ failurePolicy: { restartStrategy: "BlockingRecreate" } }))).toEqual([]);
    expect(problems(object)).toEqual([
      'spec.failurePolicy.restartStrategy: Invalid value: "InPlaceRestart": ' +
      "InPlaceRestart restart strategy cannot be set when InPlaceRestart feature gate is disabled",
    ]);
  });
});

describe("rule 2: dependsOn", () => {
  const on = (...names: readonly string[]) => ({ dependsOn: names.map((name) => ({ name, status: "Ready" })) });

  test("names replicatedJobs that stand before", () => {
    expect(problems(ofGroups(group("a"), group("b", on("a")), group("c", on("a", "b"))))).toEqual([]);
    expect(problems(ofGroups(group("a", { dependsOn: null })))).toEqual([]);
  });

  test("is refused on the first replicatedJob, even empty", () => {
    const why = "DependsOn can't be set for the first ReplicatedJob";
    expect(problems(ofGroups(group("a", { dependsOn: [] })))).toEqual([
      `spec.replicatedJobs[0].dependsOn: Invalid value: []: ${why}`,
    ]);
    expect(problems(ofGroups(group("a", on("b")), group("b")))).toEqual([
      `spec.replicatedJobs[0].dependsOn: Invalid value: ["b"]: ${why}`,
    ]);
  });

  test("of a later one, of itself and of none is refused", () => {
    expect(problems(ofGroups(group("a"), group("b", on("c", "a", "b", "x")), group("c")))).toEqual([
      'spec.replicatedJobs[1].dependsOn[0].name: Invalid value: "c": replicatedJob: b cannot depend on replicatedJob: c',
      'spec.replicatedJobs[1].dependsOn[2].name: Invalid value: "b": replicatedJob: b cannot depend on replicatedJob: b',
      'spec.replicatedJobs[1].dependsOn[3].name: Invalid value: "x": replicatedJob: b cannot depend on replicatedJob: x',
    ]);
  });
});

describe("rule 3: network.subdomain", () => {
  const field = "spec.network.subdomain";
  const of = (subdomain: string) => problems(newJobSet({ network: { subdomain } }));

  test("names a Service", () => {
    for (const subdomain of ["", "a", "a".repeat(63)]) expect(of(subdomain)).toEqual([]);
    expect(of("a.b")).toEqual([`${field}: Invalid value: "a.b": ${LABEL_1035}`]);
    expect(of("A")).toEqual([
      expect.stringContaining(`${field}: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of`),
      `${field}: Invalid value: "A": ${LABEL_1035}`,
    ]);
  });

  test("of more than 63 characters is too long", () => {
    const long = "a".repeat(64);
    expect(of(long)).toEqual([
      `${field}: Invalid value: "${long}": .spec.network.subdomain is too long, must be less than 63 characters`,
    ]);
  });
});

test("rule 4: managedBy is a domain-prefixed path of at most 63 bytes (K31)", () => {
  const of = (managedBy: unknown) => problems(newJobSet({ managedBy }));
  for (const fine of [undefined, null, "kueue.x-k8s.io/multikueue", `a/${"b".repeat(61)}`]) {
    expect(of(fine)).toEqual([]);
  }
  expect(of("")).toEqual(["spec.managedBy: Required value"]);
  expect(of("x")).toEqual([
    'spec.managedBy: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")',
  ]);
  expect(of(`a/${"b".repeat(62)}`)).toEqual(["spec.managedBy: Too long: may not be more than 63 bytes"]);
});

describe("rule 5: each replicatedJob", () => {
  const size = (replicas: unknown, parallelism?: number) =>
    problems(ofGroups(group("a", { replicas, job: parallelism === undefined ? {} : { parallelism } })));
  const tooMany = (replicas: number) =>
    `spec.replicatedJobs[0].replicas: Invalid value: ${replicas}: ` +
    "the product of replicas and parallelism must not exceed 2147483647 for replicatedJob 'a'";

  test("has no more Pods than a 32-bit integer counts (R26)", () => {
    for (const [replicas, parallelism] of [[MAX_INT32], [0, MAX_INT32], [1, MAX_INT32], [46340, 46340]] as const) {
      expect(size(replicas, parallelism)).toEqual([]);
    }
    expect(size(46341, 46341)).toEqual([tooMany(46341)]);
    expect(size(undefined, MAX_INT32 + 1)).toEqual([tooMany(1)]);
    expect(size(MAX_INT32 + 1)).toEqual([tooMany(MAX_INT32 + 1)]);
    expect(size(1e15, 1e15)).toEqual([tooMany(1e15)]);
  });

  test("has no negative number of replicas (R26)", () => {
    expect(size(-1)).toEqual([
      "spec.replicatedJobs[0].replicas: Invalid value: -1: must be greater than or equal to 0",
    ]);
  });

  test("has a group whose name is a DNS-1035 label", () => {
    const of = (groupName: unknown) => problems(ofGroups(group("a", { groupName })));
    for (const fine of [undefined, null, "g", "a".repeat(63)]) expect(of(fine)).toEqual([]);
    for (const bad of ["", "1g", "G"]) {
      expect(of(bad)).toEqual([`spec.replicatedJobs[0].groupName: Invalid value: "${bad}": ${LABEL_1035}`]);
    }
    const long = "a".repeat(64);
    const why = ".spec.replicatedJob[].groupName is too long, must be less than 63 characters";
    expect(of(long)).toEqual([`spec.replicatedJobs[0].groupName: Invalid value: "${long}": ${why}`]);
  });

  test("makes Jobs whose names are DNS-1035 labels (R19)", () => {
    const replicatedJobs = [group("a"), group("B", { replicas: 3 })];
    expect(problems(named("j.s", { replicatedJobs }))).toEqual([
      `spec.replicatedJobs[0].name: Invalid value: "j.s-a-0": ${LABEL_1035}`,
      `spec.replicatedJobs[1].name: Invalid value: "j.s-B-2": ${LABEL_1035}`,
    ]);
    expect(problems(named("1js", { replicatedJobs: [group("a", { job: { completions: 2 } })] }))).toEqual([
      `spec.replicatedJobs[0].name: Invalid value: "1js-a-0": ${LABEL_1035}`,
    ]);
  });

  test("makes Jobs whose names are not too long: that of the last one counts", () => {
    const name = "j".repeat(59);
    expect(problems(named(name, { replicatedJobs: [group("a", { replicas: 10 })] }))).toEqual([]);
    expect(problems(named(name, { replicatedJobs: [group("a", { replicas: 0 })] }))).toEqual([]);
    expect(problems(named(name, { replicatedJobs: [group("a", { replicas: 11 })] }))).toEqual([
      `spec.replicatedJobs[0].name: Invalid value: "${name}-a-10": ${JOB_NAMES}`,
    ]);
  });

  test("makes Pods whose names are not too long (R20)", () => {
    const indexed = (completions: number, job: JsonObject = {}) => [group("a", { job: { completions, ...job } })];
    const name = "j".repeat(51); // js-a-0-9-xxxxx: 63 characters
    expect(problems(named(name, { replicatedJobs: indexed(10) }))).toEqual([]);
    expect(problems(named(name, { replicatedJobs: indexed(11, { completionMode: "NonIndexed" }) }))).toEqual([]);
    expect(problems(named(name, { replicatedJobs: [group("a")] }))).toEqual([]);
    expect(problems(named(name, { replicatedJobs: indexed(11) }))).toEqual([
      `spec.replicatedJobs[0].name: Invalid value: "${name}-a-0-10-xxxxx": ${POD_NAMES}`,
    ]);
  });

  test("is checked with five characters behind generateName, cut as the API server cuts it (R21)", () => {
    const replicatedJobs = [group("a", { job: { completions: 10 } })];
    expect(problems(generated("j".repeat(46), { replicatedJobs }))).toEqual([]);
    expect(problems(generated("j".repeat(47), { replicatedJobs }))).toEqual([
      `spec.replicatedJobs[0].name: Invalid value: "${"j".repeat(47)}xxxxx-a-0-9-xxxxx": ${POD_NAMES}`,
    ]);
    const cut = `${"j".repeat(58)}xxxxx-a-0`;
    expect(problems(generated("j".repeat(200), { replicatedJobs: [group("a")] }))).toEqual([
      `spec.replicatedJobs[0].name: Invalid value: "${cut}": ${JOB_NAMES}`,
    ]);
  });

  test("is not checked under a name that is too long itself", () => {
    const lines = problems(named("j".repeat(254), { replicatedJobs: [group("a")] }));
    expect(lines).toEqual([`metadata.name: Invalid value: "${"j".repeat(254)}": must be no more than 253 characters`]);
    expect(problems(named("j".repeat(253), { replicatedJobs: [group("a")] }))).toEqual([
      `spec.replicatedJobs[0].name: Invalid value: "${"j".repeat(253)}-a-0": ${JOB_NAMES}`,
    ]);
  });
});

describe("rule 6: restarting in place", () => {
  const fine = { backoffLimit: MAX_INT32, podReplacementPolicy: "Failed", completions: 2, parallelism: 2 };
  const failurePolicy = { restartStrategy: "InPlaceRestart" };
  const of = (job: JsonObject, gates = gatesWith("InPlaceRestart")) =>
    problems(newJobSet({ failurePolicy, replicatedJobs: [group("a", { job: { ...fine, ...job } })] }), { gates });
  const path = "spec.replicatedJobs[0].template.spec";
  const end = "when in-place restart is enabled";

  test("asks Jobs never to give up or replace a Pod themselves", () => {
    expect(of({})).toEqual([]);
    const backoff = `replicatedJob a: must be set to 2147483647 (MaxInt32) ${end}`;
    expect(of({ backoffLimit: 6 })).toEqual([`${path}.backoffLimit: Invalid value: 6: ${backoff}`]);
    expect(of({ backoffLimit: null })).toEqual([`${path}.backoffLimit: Invalid value: null: ${backoff}`]);
    const replacement = `replicatedJob a: must be set to Failed ${end}`;
    expect(of({ podReplacementPolicy: "TerminatingOrFailed" })).toEqual([
      `${path}.podReplacementPolicy: Invalid value: "TerminatingOrFailed": ${replacement}`,
    ]);
    expect(of({ podReplacementPolicy: null })).toEqual([
      `${path}.podReplacementPolicy: Invalid value: null: ${replacement}`,
    ]);
  });

  test("asks for completions and parallelism, set and equal", () => {
    const why = `replicatedJob a: completions and parallelism must be set and equal to each other ${end}`;
    for (const [completions, parallelism] of [[3, 2], [null, 2], [3, null], [null, null]]) {
      expect(of({ completions, parallelism })).toEqual([`${path}.completions: Invalid value: ${completions}: ${why}`]);
    }
  });

  test("leaves numbers of wrong types to the schema", () => {
    for (const wrong of ["2", 0.5, {}]) {
      expect(of({ completions: wrong })).toEqual([]);
      expect(of({ parallelism: wrong })).toEqual([]);
      expect(of({ backoffLimit: wrong })).toEqual([]);
    }
    expect(of({ podReplacementPolicy: 7 })).toEqual([]);
  });

  test("asks for nothing where the strategy is another or the gate is off", () => {
    expect(of({ backoffLimit: 6 }, gatesWith())).toHaveLength(1); // rule 1
    const replicatedJobs = [group("a")];
    expect(problems(newJobSet({ failurePolicy: {}, replicatedJobs }), { gates: gatesWith("InPlaceRestart") })).toEqual(
      [],
    );
  });
});

test("rule 7: a success policy names replicatedJobs that exist", () => {
  const of = (...targetReplicatedJobs: readonly string[]) =>
    problems(newJobSet({ replicatedJobs: [group("a"), group("b")], successPolicy: { targetReplicatedJobs } }));
  expect(of()).toEqual([]);
  expect(of("b", "a")).toEqual([]);
  expect(of("a", "c")).toEqual([
    'spec.successPolicy.targetReplicatedJobs[1]: Invalid value: "c": ' +
    "invalid replicatedJob name 'c' does not appear in .spec.ReplicatedJobs",
  ]);
});

describe("rule 11: exclusive placement by affinity", () => {
  const TOPOLOGY = { "alpha.jobset.sigs.k8s.io/exclusive-topology": "zone" };
  const SELECTOR = { "alpha.jobset.sigs.k8s.io/node-selector": "true" };
  const nonIndexed = { completionMode: "NonIndexed" };
  const of = (annotations: JsonObject, ...replicatedJobs: readonly JsonObject[]) =>
    problems(newJobSet({ replicatedJobs }, { name: "js", annotations }));
  const refused = (index: number) => [
    `spec.replicatedJobs[${index}].template.spec.completionMode: Invalid value: "NonIndexed": must be Indexed for exclusive ` +
    "placement (annotation alpha.jobset.sigs.k8s.io/exclusive-topology): without completion indexes no pod can be the " +
    "leader that the others follow",
  ];

  test("is refused with NonIndexed, wherever it is asked for (R50, R51)", () => {
    expect(of(TOPOLOGY, group("a", { job: nonIndexed }))).toEqual(refused(0));
    expect(of({}, group("a"), group("b", { job: nonIndexed, metadata: { annotations: TOPOLOGY } }))).toEqual(
      refused(1),
    );
    const template = { metadata: { annotations: TOPOLOGY } };
    expect(of({}, group("a", { job: { ...nonIndexed, template } }))).toEqual(refused(0));
  });

  test("is accepted with Indexed, and NonIndexed is without it", () => {
    expect(of(TOPOLOGY, group("a"), group("b", { job: { completionMode: "Indexed" } }))).toEqual([]);
    expect(of({}, group("a", { job: nonIndexed }), group("b", { metadata: { annotations: TOPOLOGY } }))).toEqual([]);
    expect(of(SELECTOR, group("a", { job: nonIndexed }))).toEqual([]);
  });

  test("is not what the node selector way does", () => {
    expect(of({ ...TOPOLOGY, ...SELECTOR }, group("a", { job: nonIndexed }))).toEqual([]);
    const metadata = { annotations: { ...TOPOLOGY, ...SELECTOR } };
    expect(of(TOPOLOGY, group("a", { job: nonIndexed, metadata }))).toEqual([]);
  });
});
