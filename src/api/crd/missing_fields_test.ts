import { expect, test } from "bun:test";
import definitions from "./kubernetes_1_36.json" with { type: "json" };
import { embedSchema } from "./embed_schema.ts";
import { EMBEDDED_DEFINITIONS } from "./jobset_crd.ts";
import { jobSetSchema } from "./jobset_schema.ts";
import { missingFields } from "./missing_fields.ts";

const JOB_SET = [{ group: "jobset.x-k8s.io", version: "v1alpha2", kind: "JobSet" }];

/** The OpenAPI document of an API server that serves our CRD without the fields at these paths. */
function documentWithout(...paths: readonly (readonly string[])[]): unknown {
  const schema = structuredClone(jobSetSchema({
    jobTemplate: embedSchema(definitions.definitions, EMBEDDED_DEFINITIONS.jobTemplate),
    volumeClaim: embedSchema(definitions.definitions, EMBEDDED_DEFINITIONS.volumeClaim),
  })) as unknown as Record<string, unknown>;
  for (const path of paths) {
    let parent = schema;
    for (const step of path.slice(0, -1)) parent = parent[step] as Record<string, unknown>;
    delete parent[path.at(-1) ?? ""];
  }
  return { components: { schemas: { other: {}, it: { ...schema, "x-kubernetes-group-version-kind": JOB_SET } } } };
}

test("R28: a CRD of ours lacks nothing", () => {
  expect(missingFields(documentWithout())).toEqual([]);
});

test("R28: fields that an older CRD lacks are named by their paths, each missing part once", () => {
  const document = documentWithout(
    ["properties", "spec", "properties", "volumeClaimPolicies"],
    ["properties", "spec", "properties", "replicatedJobs", "items", "properties", "dependsOn"],
    ["properties", "status", "properties", "executionAttempts"],
  );
  expect(missingFields(document)).toEqual([
    "spec.replicatedJobs[].dependsOn",
    "spec.volumeClaimPolicies",
    "status.executionAttempts",
  ]);
});

test("R28: what does not tell of JobSets gives no verdict", () => {
  for (const document of [undefined, null, "text", {}, { components: { schemas: { a: 1, b: null } } }]) {
    expect(missingFields(document)).toBeUndefined();
  }
});
