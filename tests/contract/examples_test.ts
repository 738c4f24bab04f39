import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { installCrd, type SharedServer, sharedServer, TestNamespace } from "./shared_server.ts";

const FOLDER = new URL("../../examples/", import.meta.url).pathname;
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml")).sort();

let server: SharedServer;
let space: TestNamespace;

beforeAll(async () => {
  server = await sharedServer();
  await installCrd(server);
  space = new TestNamespace(server.api);
  await space.create();
});

afterAll(() => space.remove());

function documents(file: string): readonly JsonObject[] {
  return parseAllDocuments(readFileSync(FOLDER + file, "utf8")).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]?.message}`);
    const js: unknown = document.toJS();
    return asObject(js) ?? {};
  });
}

/** The volumes that the controller adds for the JobSet's claim templates (spec 3.6). */
function claimVolumes(jobSet: unknown): readonly JsonObject[] {
  return asArray(at(jobSet, "spec", "volumeClaimPolicies")).flatMap((policy) => asArray(at(policy, "templates")))
    .map((template) => asString(at(template, "metadata", "name")) ?? "")
    .map((name) => ({ name, persistentVolumeClaim: { claimName: `${name}-example` } }));
}

/** The Job that a replicatedJob asks for, with what admission would default (spec 2.1). */
function jobOf(replicatedJob: unknown, addedVolumes: readonly JsonObject[]): JsonObject {
  const template = asObject(at(replicatedJob, "template")) ?? {};
  const spec = asObject(at(template, "spec")) ?? {};
  const podTemplate = asObject(at(spec, "template")) ?? {};
  const volumes = [...asArray(at(podTemplate, "spec", "volumes")), ...addedVolumes];
  const podSpec = { restartPolicy: "OnFailure", ...asObject(at(podTemplate, "spec")), volumes };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { ...asObject(at(template, "metadata")), name: "example" },
    spec: { completionMode: "Indexed", ...spec, template: { ...podTemplate, spec: podSpec } },
  };
}

describe("examples", () => {
  for (const file of FILES) {
    test(`${file} is accepted as it stands`, async () => {
      const args = ["apply", "--dry-run=server", "--validate=strict", "-n", space.name, "-f", FOLDER + file];
      const { code, text } = await server.kubectl(...args);
      expect(text).toContain("created (server dry run)");
      expect(code).toBe(0);
    });

    test(`${file} has Jobs that the API server takes, with names that are referred to`, async () => {
      const jobSets = documents(file).filter((document) => document["kind"] === "JobSet");
      expect(jobSets).toHaveLength(1);
      for (const jobSet of jobSets) {
        const groups = asArray(at(jobSet, "spec", "replicatedJobs"));
        const names = groups.map((group) => asString(at(group, "name")) ?? "");
        const referred = [
          at(jobSet, "spec", "successPolicy"),
          ...asArray(at(jobSet, "spec", "failurePolicy", "rules")),
        ].flatMap((policy) => asArray(at(policy, "targetReplicatedJobs")));
        for (const name of referred) expect(names).toContain(asString(name) ?? "");
        for (const group of groups) {
          const path = `/apis/batch/v1/namespaces/${space.name}/jobs?dryRun=All&fieldValidation=Strict`;
          const { code, body } = await server.api.request("POST", path, jobOf(group, claimVolumes(jobSet)));
          expect(asString(body["message"])).toBeUndefined();
          expect(code).toBe(201);
        }
      }
    });
  }

  test("are listed in their README, each of them", () => {
    const listed = readFileSync(`${FOLDER}README.md`, "utf8").match(/`[a-z-]+\.yaml`/g) ?? [];
    expect(listed.map((name) => name.slice(1, -1)).sort()).toEqual(FILES);
  });
});
