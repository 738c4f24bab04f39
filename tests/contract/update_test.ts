import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { defaultJobSet } from "../../src/admission/defaults.ts";
import { errorText } from "../../src/admission/field_error.ts";
import { validateUpdate } from "../../src/admission/validate_update.ts";
import { DEFAULT_FEATURE_GATES } from "../../src/api/feature_gates.ts";
import { asArray, asObject, at, type JsonObject } from "../../src/base/json.ts";
import { installCrd, type SharedServer, sharedServer, TestNamespace } from "./shared_server.ts";

let server: SharedServer;
let space: TestNamespace;

beforeAll(async () => {
  server = await sharedServer();
  await installCrd(server);
  space = new TestNamespace(server.api);
  await space.create();
});

afterAll(() => space.remove());

const CONTAINER = { name: "main", image: "busybox:1.36", resources: { requests: { cpu: "1000m" } } };
const ADMITTED = {
  nodeSelector: { flavor: "spot" },
  tolerations: [{ key: "spot", operator: "Exists" }],
  schedulingGates: [{ name: "kueue.x-k8s.io/topology" }],
};

function replicatedJob(pod: JsonObject = {}, metadata?: JsonObject): JsonObject {
  return { name: "node", template: { spec: { template: { metadata, spec: { containers: [CONTAINER], ...pod } } } } };
}

function texts(oldObject: unknown, object: unknown): readonly string[] {
  return validateUpdate({ object, oldObject, gates: DEFAULT_FEATURE_GATES }).map(errorText);
}

/** One merge patch as Kueue sends it: resourceVersion, suspend and the whole list (K10). */
async function kueuePatch(
  stored: JsonObject,
  suspend: boolean,
  replicatedJobs: readonly JsonObject[],
): Promise<JsonObject> {
  const { name, resourceVersion } = asObject(stored["metadata"]) ?? {};
  const patch = { metadata: { resourceVersion }, spec: { suspend, replicatedJobs } };
  return await server.api.patch(space.path(String(name)), patch);
}

describe("an update as the API server makes it", () => {
  test("admits and evicts in one patch each (K10, R31, R32)", async () => {
    const labels = { "kueue.x-k8s.io/podset": "node" };
    const { stored } = await space.store({ suspend: true, replicatedJobs: [replicatedJob()] });
    const admitted = await kueuePatch(stored, false, [replicatedJob(ADMITTED, { labels })]);
    expect(texts(stored, admitted)).toEqual([]);
    const evicted = await kueuePatch(admitted, true, [replicatedJob()]);
    expect(texts(admitted, evicted)).toEqual([]);
    expect(at(evicted, "spec", "replicatedJobs")).toEqual(at(stored, "spec", "replicatedJobs"));
  });

  test("with another image, or another name, is refused (R38)", async () => {
    const { stored } = await space.store({ suspend: true, replicatedJobs: [replicatedJob()] });
    const changes = [replicatedJob({ containers: [{ ...CONTAINER, image: "other" }] }), {
      ...replicatedJob(),
      name: "other",
    }];
    for (const change of changes) {
      // Stored under a name of its own: a webhook that is served would refuse the update itself.
      const { stored: changed } = await space.store({ suspend: true, replicatedJobs: [change] });
      expect(texts(stored, changed)).toEqual([expect.stringMatching(/^spec\.replicatedJobs: .*: field is immutable$/)]);
    }
  });

  test("by server-side apply keeps the defaults, which nobody owns, and resumes (T2, T3)", async () => {
    const claims = { resources: { requests: { storage: "1Gi" } }, accessModes: ["ReadWriteOnce"] };
    const volumeClaimPolicies = [{ templates: [{ metadata: { name: "data" }, spec: claims }] }];
    const mounted = { containers: [{ ...CONTAINER, volumeMounts: [{ name: "data", mountPath: "/data" }] }] };
    const { name, body } = space.jobSet({
      suspend: true,
      volumeClaimPolicies,
      replicatedJobs: [replicatedJob(mounted)],
    });
    const applied = await space.apply(body, "trainer");
    const stored = await server.api.patch(space.path(name), defaultJobSet(applied), "json");
    const resumed = await space.apply({
      ...body,
      spec: {
        ...asObject(body["spec"]),
        suspend: false,
        replicatedJobs: [replicatedJob({ ...mounted, ...ADMITTED })],
      },
    }, "trainer");
    expect(texts(stored, resumed)).toEqual([]);
    expect(defaultJobSet(resumed)).toEqual([]);
    const [job] = asArray(at(resumed, "spec", "replicatedJobs"));
    expect(at(job, "template", "spec", "template", "spec", "nodeSelector")).toEqual(ADMITTED.nodeSelector);
    expect(at(job, "template", "spec", "completionMode")).toBe("Indexed");
  });
});
