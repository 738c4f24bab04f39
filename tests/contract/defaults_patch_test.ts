/** The defaults as the API server applies them: our patch means to it what it means to us (spec 2.1, K32). */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { at, type JsonObject } from "../../src/base/json.ts";
import { defaultJobSet } from "../../src/admission/defaults.ts";
import { errorText } from "../../src/admission/field_error.ts";
import { applyPatch } from "../../src/admission/json_patch.ts";
import { validateCreate } from "../../src/admission/validate_create.ts";
import { DEFAULT_FEATURE_GATES } from "../../src/api/feature_gates.ts";
import { installCrd, type SharedServer, sharedServer, TestNamespace } from "./shared_server.ts";

const POD = { spec: { containers: [{ name: "main", image: "busybox:1.36" }] } };
const SPECS: readonly JsonObject[] = [
  {},
  { suspend: true, replicatedJobs: [{ name: "a", template: { spec: { template: POD } } }] },
  {
    successPolicy: { operator: "Any" },
    replicatedJobs: [
      { name: "a", replicas: 0, template: { spec: { completionMode: "NonIndexed", template: POD } } },
      {
        name: "b",
        template: { spec: { template: { spec: { ...POD.spec, restartPolicy: "" } } } },
        dependsOn: [{ name: "a", status: "Ready" }],
      },
    ],
  },
];

let server: SharedServer;
let space: TestNamespace;

beforeAll(async () => {
  server = await sharedServer();
  await installCrd(server);
  space = new TestNamespace(server.api);
  await space.create();
});

afterAll(() => space.remove());

for (const [index, spec] of SPECS.entries()) {
  test(`the patch of JobSet ${index} is applied as we apply it, and what comes of it is stored and valid`, async () => {
    const { name, stored } = await space.store(spec);
    const ours = applyPatch(stored, defaultJobSet(stored));
    const theirs = await server.api.patch(space.path(name), defaultJobSet(stored), "json");
    expect(at(theirs, "spec")).toEqual(at(ours, "spec"));
    expect(defaultJobSet(theirs)).toEqual([]);
    const errors = validateCreate({ object: theirs, gates: DEFAULT_FEATURE_GATES, claims: "offline" });
    expect(errors.map(errorText)).toEqual([]);
  });
}

test("a template without anything in it gets what it needs to be refused by the schema", async () => {
  const { body } = space.jobSet({ replicatedJobs: [{ name: "a", template: {} }] });
  const answer = await server.api.request("POST", space.path(), applyPatch(body, defaultJobSet(body)));
  expect(answer.code).toBe(422);
  expect(answer.body["message"]).toContain(
    "spec.replicatedJobs[0].template.spec.template.spec.containers: Required value",
  );
});
