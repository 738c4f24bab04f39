import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../base/json.ts";
import type { ExistingClaim } from "./existing_claim.ts";
import { group, newJobSet, problems } from "./test_job_set.ts";
import { claimsToLookUp } from "./validate_create.ts";

const SPEC = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const PATH = "spec.volumeClaimPolicies[0].template[0]";

function policy(names: readonly string[], retentionPolicy: unknown = { whenDeleted: "Retain" }): JsonObject {
  return { templates: names.map((name) => ({ metadata: { name }, spec: SPEC })), retentionPolicy };
}

/** A replicatedJob that mounts these. */
function mounting(...names: readonly string[]): JsonObject {
  const volumeMounts = names.map((name) => ({ name, mountPath: `/${name}` }));
  return group("a", { pod: { containers: [{ name: "main", volumeMounts }] } });
}

function withClaims(volumeClaimPolicies: readonly JsonObject[], ...replicatedJobs: readonly JsonObject[]): JsonObject {
  return newJobSet({ volumeClaimPolicies, replicatedJobs });
}

describe("rule 10: a claim template", () => {
  test("is mounted by a container or init container of some replicatedJob", () => {
    const volumeMounts = [{ name: "data", mountPath: "/data" }];
    const initContainers = [{ name: "init", volumeMounts }];
    expect(problems(withClaims([policy(["data"])], mounting("data"), group("b")))).toEqual([]);
    expect(problems(withClaims([policy(["data"])], group("a"), group("b", { pod: { initContainers } })))).toEqual([]);
    expect(problems(withClaims([policy(["data"])], mounting("other")))).toEqual([
      `${PATH}: Invalid value: "data": replicatedJob containers don't have a matching volumeMount: data from ` +
      "VolumeClaimPolicies",
    ]);
  });

  test("has a name of its own in all policies", () => {
    expect(problems(withClaims([policy(["a"]), policy(["b"])], mounting("a", "b")))).toEqual([]);
    expect(problems(withClaims([policy(["a"]), policy(["b", "a"])], mounting("a", "b")))).toEqual([
      'spec.volumeClaimPolicies[1].template[1]: Invalid value: "a": names must be unique for VolumeClaimPolicies template',
    ]);
  });

  test("has a name that is a DNS-1123 subdomain, without dots for the sake of the volume that it names too", () => {
    expect(problems(withClaims([policy(["1-a"])], mounting("1-a")))).toEqual([]);
    expect(problems(withClaims([policy(["1.a"])], mounting("1.a")))).toEqual([
      `${PATH}: Invalid value: "1.a": must not contain dots`,
    ]);
    for (const name of ["A", ""]) {
      expect(problems(withClaims([policy([name])], mounting(name)))).toEqual([
        expect.stringContaining(`${PATH}: Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of`),
      ]);
    }
    const nameless = [{ templates: [{ spec: SPEC }] }];
    expect(problems(withClaims(nameless, mounting("")))).toEqual([expect.stringContaining("RFC 1123 subdomain")]);
  });

  test("makes a claim's name of at most 63 characters (R21)", () => {
    const [fits, long] = ["a".repeat(60), "a".repeat(61)]; // and -js
    expect(problems(withClaims([policy([fits])], mounting(fits)))).toEqual([]);
    expect(problems(withClaims([policy([long])], mounting(long)))).toEqual([
      `${PATH}: Invalid value: "${long}": VolumeClaimPolicies template name is too long`,
    ]);
    const spec = { volumeClaimPolicies: [policy(["d"])], replicatedJobs: [] };
    const generated = (length: number) => problems(newJobSet(spec, { generateName: "j".repeat(length) }));
    expect(generated(56)).toHaveLength(1); // nothing mounts it
    expect(generated(57)).toContainEqual(expect.stringContaining("template name is too long"));
  });

  test("has a name that no volume of a replicatedJob has", () => {
    const volumes = (name: string) => group("b", { pod: { volumes: [{ name, emptyDir: {} }] } });
    expect(problems(withClaims([policy(["data"])], mounting("data"), volumes("other")))).toEqual([]);
    expect(problems(withClaims([policy(["data"])], mounting("data"), volumes("data")))).toEqual([
      `${PATH}: Invalid value: "data": volume name conflicts with VolumeClaimPolicy template name: data`,
    ]);
  });
});

describe("rule 10: a claim that exists", () => {
  const check = (existing: ExistingClaim | undefined, retentionPolicy?: unknown): readonly string[] => {
    const object = withClaims([policy(["data"], retentionPolicy)], mounting("data"));
    const claims = new Map(existing === undefined ? [] : [["data-js", existing] as const]);
    return problems(object, { claims });
  };
  const found = (spec: JsonObject): ExistingClaim => ({ kind: "found", claim: { spec } });

  test("is taken over where it is what the template asks for and is to be retained (R71)", () => {
    expect(check({ kind: "absent" })).toEqual([]);
    expect(check({ kind: "absent" }, null)).toEqual([]);
    expect(check(found({ ...SPEC, storageClassName: "standard", volumeName: "pvc-1", volumeMode: "Filesystem" })))
      .toEqual([]);
  });

  test("of another spec is refused", () => {
    expect(check(found({ ...SPEC, accessModes: [] }))).toEqual([
      `${PATH}: Invalid value: "data": spec does not match existing PVC data-js in namespace ns`,
    ]);
  });

  test("is refused where the JobSet would delete it, also by a policy that does not say (R72)", () => {
    for (const retentionPolicy of [null, {}, { whenDeleted: "Delete" }]) {
      expect(check(found(SPEC), retentionPolicy)).toEqual([
        `${PATH}: Invalid value: "data": retentionPolicy must be retain when PVC exists`,
      ]);
    }
  });

  test("that can't be looked up refuses, as does one that was not", () => {
    expect(check({ kind: "error", message: "forbidden" })).toEqual([
      `${PATH}: Internal error: failed to check for existing PVC data-js: forbidden`,
    ]);
    expect(check(undefined)).toEqual([
      `${PATH}: Internal error: failed to check for existing PVC data-js: it was not looked up`,
    ]);
  });

  test("is not asked for offline", () => {
    expect(problems(withClaims([policy(["data"], null)], mounting("data")))).toEqual([]);
  });
});

describe("the claims to look up", () => {
  test("are those of all templates, each once", () => {
    expect(claimsToLookUp(withClaims([policy(["a", "b"]), policy(["a", "c"])]))).toEqual(["a-js", "b-js", "c-js"]);
  });

  test("are none that can't exist, and such are not waited for", () => {
    expect(claimsToLookUp(withClaims([policy(["A", "", "a/../b"])]))).toEqual([]);
    expect(problems(withClaims([policy(["A"])], mounting("A")), { claims: new Map() })).toHaveLength(1); // its form
    const generated = newJobSet({ volumeClaimPolicies: [policy(["d"])], replicatedJobs: [mounting("d")] }, {
      generateName: "js-",
    });
    expect(claimsToLookUp(generated)).toEqual([]);
    expect(problems(generated, { claims: new Map() })).toEqual([]);
    expect(claimsToLookUp(withClaims([]))).toEqual([]);
    expect(claimsToLookUp(null)).toEqual([]);
  });

  test("are bounded", () => {
    const names = Array.from({ length: 3_000 }, (_, index) => `c${index}`);
    expect(claimsToLookUp(withClaims([policy(names)]))).toHaveLength(2_500);
  });
});
