import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { parse } from "yaml";
import { asArray, asObject, at, canonicalJson, type JsonObject } from "../../base/json.ts";
import { crdYaml } from "./crd_text.ts";
import { generateCrdYaml } from "./generate_crd_yaml.ts";
import { EMBEDDED_DEFINITIONS } from "./jobset_crd.ts";
import { reachable } from "./embed_schema.ts";
import definitionsFile from "./kubernetes_1_36.json" with { type: "json" };

const definitions: JsonObject = definitionsFile.definitions;
const crd: unknown = parse(crdYaml());
const version = asArray(at(crd, "spec", "versions"))[0];
const schema = at(version, "schema", "openAPIV3Schema");

/** The schema at a path of fields, through the items of lists. */
function field(...path: readonly string[]): unknown {
  let here = schema;
  for (const name of path) here = at(at(here, "items") ?? here, "properties", name);
  return here;
}

function withoutDescriptions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDescriptions);
  const object = asObject(value);
  if (object === undefined) return value;
  return Object.fromEntries(
    Object.entries(object).filter(([key, entry]) => key !== "description" || asObject(entry) !== undefined)
      .map(([key, entry]) => [key, withoutDescriptions(entry)]),
  );
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** JSON as Python's json.dumps(sort_keys=True) spaces it: the other form in which K5 gives the hash. */
function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(", ")}]`;
  const object = asObject(value);
  if (object === undefined) return JSON.stringify(value);
  return `{${
    Object.keys(object).sort().map((key) => `${JSON.stringify(key)}: ${spacedJson(object[key])}`).join(", ")
  }}`;
}

describe("the CRD file", () => {
  test("is what the generator makes of the committed definitions", () => {
    expect(generateCrdYaml(definitions)).toBe(crdYaml());
  });

  test("stays under 200 KiB as JSON, so that plain kubectl apply can annotate it (spec 6.5)", () => {
    expect(new TextEncoder().encode(JSON.stringify(crd)).length).toBeLessThan(200 * 1024);
  });

  test("describes every field of the JobSet's own and none of the embedded templates", () => {
    const template = at(field("spec", "replicatedJobs"), "items", "properties", "template");
    expect(withoutDescriptions(at(template, "properties"))).toEqual(at(template, "properties"));
    const claim = at(field("spec", "volumeClaimPolicies", "templates"), "items");
    expect(withoutDescriptions(claim)).toEqual(claim);
    const silent: string[] = [];
    const walk = (value: unknown, path: string): void => {
      for (const [name, entry] of Object.entries(asObject(at(at(value, "items") ?? value, "properties")) ?? {})) {
        const here = `${path}.${name}`;
        if (at(entry, "description") === undefined && here !== ".metadata") silent.push(here);
        if (here !== ".spec.replicatedJobs.template" && here !== ".spec.volumeClaimPolicies.templates") {
          walk(entry, here);
        }
      }
    };
    walk(schema, "");
    expect(silent).toEqual([]);
  });

  test("has a status subresource, no status of its own and no conversion", () => {
    expect(at(version, "subresources")).toEqual({ status: {} });
    expect(at(crd, "status")).toBeUndefined();
    expect(at(crd, "spec", "conversion")).toEqual({ strategy: "None" });
  });

  test("prints the columns that scripts read, in order (C12)", () => {
    const columns = asArray(at(version, "additionalPrinterColumns"));
    expect(columns.map((column) => [at(column, "name"), at(column, "type"), at(column, "jsonPath")])).toEqual([
      ["TerminalState", "string", ".status.terminalState"],
      ["Restarts", "string", ".status.restarts"],
      ["Completed", "string", '.status.conditions[?(@.type=="Completed")].status'],
      ["Suspended", "string", ".spec.suspend"],
      ["Age", "date", ".metadata.creationTimestamp"],
    ]);
  });
});

describe("the embedded templates", () => {
  const podSpec = withoutDescriptions(
    at(field("spec", "replicatedJobs", "template", "spec", "template"), "properties", "spec"),
  );

  test("hold the pod spec that Kueue stores in a Workload (K5)", () => {
    expect(sha256(canonicalJson(podSpec)).slice(0, 12)).toBe("8704a71b9d03");
    expect(sha256(spacedJson(podSpec)).slice(0, 12)).toBe("5d8f7e5bd71b");
  });

  test("declare the five fields of metadata that a template may carry (spec 1.1)", () => {
    const jobTemplate = field("spec", "replicatedJobs", "template", "metadata");
    const podTemplate = field("spec", "replicatedJobs", "template", "spec", "template", "metadata");
    const claim = field("spec", "volumeClaimPolicies", "templates", "metadata");
    for (const metadata of [jobTemplate, podTemplate, claim]) {
      expect(Object.keys(asObject(at(metadata, "properties")) ?? {}).sort()).toEqual(
        ["annotations", "finalizers", "labels", "name", "namespace"],
      );
    }
  });

  test("need every definition that is committed, and no other", () => {
    const needed = reachable(definitions, Object.values(EMBEDDED_DEFINITIONS));
    expect(Object.keys(definitions)).toEqual([...needed].sort());
  });
});

describe("the JobSet's own schema", () => {
  test("keys its lists as the clients that apply it server-side expect (T1)", () => {
    const keys = (value: unknown) => at(value, "x-kubernetes-list-map-keys");
    expect(keys(field("spec", "replicatedJobs"))).toEqual(["name"]);
    expect(keys(field("spec", "replicatedJobs", "dependsOn"))).toEqual(["name"]);
    expect(keys(field("status", "replicatedJobsStatus"))).toEqual(["name"]);
    expect(keys(field("status", "conditions"))).toEqual(["type"]);
    for (
      const list of [
        field("spec", "successPolicy", "targetReplicatedJobs"),
        field("spec", "failurePolicy", "rules", "targetReplicatedJobs"),
        field("spec", "volumeClaimPolicies"),
        field("spec", "volumeClaimPolicies", "templates"),
      ]
    ) expect(at(list, "x-kubernetes-list-type")).toBe("atomic");
  });

  test("defaults replicas, groupName, restartStrategy and the retention policy (K6, T3)", () => {
    expect(at(field("spec", "replicatedJobs", "replicas"), "default")).toBe(1);
    expect(at(field("spec", "replicatedJobs", "groupName"), "default")).toBe("default");
    expect(at(field("spec", "failurePolicy", "restartStrategy"), "default")).toBe("Recreate");
    expect(at(field("spec", "volumeClaimPolicies", "retentionPolicy"), "default")).toEqual({ whenDeleted: "Delete" });
  });
});
