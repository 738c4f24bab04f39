/** The rules of an update, with all gates off (spec 2.3, 2.4). */
import { expect } from "bun:test";
import { asObject, at, type JsonObject } from "../../src/base/json.ts";
import { group, newJobSet } from "../../src/admission/test_job_set.ts";
import { restartsOf } from "./cluster.ts";
import { dryPatch, type UpdateCase, verdicts } from "./verdicts.ts";

const e2e = verdicts();

const IMMUTABLE = "spec.replicatedJobs: Invalid value: …: field is immutable";
const CONTAINER = { name: "main", image: "busybox:1.36", resources: { requests: { cpu: "1" } } };
const FLAVOUR = {
  nodeSelector: { flavour: "spot" },
  tolerations: [{ key: "spot", operator: "Exists" }],
  schedulingGates: [{ name: "kueue.x-k8s.io/topology" }],
};
const NOTED = { labels: { "kueue.x-k8s.io/podset": "a" }, annotations: { "kueue.x-k8s.io/workload": "w" } };

/** As the webhook defaults it: a merge patch replaces the list as a whole. */
function job(pod: JsonObject = {}, { job = {}, metadata = {}, ...own }: Parameters<typeof group>[1] = {}): JsonObject {
  const template = { metadata, spec: { restartPolicy: "OnFailure", containers: [CONTAINER], ...pod } };
  return group("a", { job: { completionMode: "Indexed", parallelism: 2, completions: 2, ...job, template }, ...own });
}

const jobSet = (spec: JsonObject, metadata: JsonObject = {}) =>
  newJobSet({ replicatedJobs: [job()], ...spec }, metadata);
const RUNNING = jobSet({});
const SUSPENDED = jobSet({ suspend: true });
const replace = (...replicatedJobs: readonly JsonObject[]) => ({ spec: { replicatedJobs } });
const resume = (...replicatedJobs: readonly JsonObject[]) => ({ spec: { suspend: false, replicatedJobs } });
const suspend = (...replicatedJobs: readonly JsonObject[]) => ({ spec: { suspend: true, replicatedJobs } });

function accepted(before: JsonObject, changes: Readonly<Record<string, JsonObject>>): readonly UpdateCase[] {
  return Object.entries(changes).map(([what, change]) => ({ what, before, change, errors: [] }));
}

function refused(
  before: JsonObject,
  changes: Readonly<Record<string, JsonObject>>,
  error = IMMUTABLE,
): readonly UpdateCase[] {
  return Object.entries(changes).map(([what, change]) => ({ what, before, change, errors: [error] }));
}

e2e.updates("what may always change", [
  ...accepted(RUNNING, {
    "labels and annotations": { metadata: { labels: { x: "y" }, annotations: { x: "100%\n" } } },
    "finalizers": { metadata: { finalizers: ["example.com/x"] } },
    "ttl": { spec: { ttlSecondsAfterFinished: 5 } },
    "suspend": { spec: { suspend: true } },
    "coordinator, which is not validated again": { spec: { coordinator: { replicatedJob: "nobody" } } },
    "a policy that comes, which is not validated again": {
      spec: { failurePolicy: { restartStrategy: "InPlaceRestart", rules: [{ name: "-", action: "RestartJob" }] } },
    },
    "the policies as a whole": { spec: { network: null, successPolicy: null, startupPolicy: null } },
    "nothing": replace(job()),
  }),
]);

e2e.updates("replicatedJobs", [
  ...refused(RUNNING, {
    "another image (R38)": replace(job({ containers: [{ ...CONTAINER, image: "busybox:1.37" }] })),
    "a nodeSelector while it runs": replace(job({ nodeSelector: FLAVOUR.nodeSelector })),
    "tolerations while it runs": replace(job({ tolerations: FLAVOUR.tolerations })),
    "pod labels while it runs": replace(job({}, { metadata: { labels: NOTED.labels } })),
    "parallelism and completions": replace(job({}, { job: { parallelism: 3, completions: 3 } })),
    "replicas": replace(job({}, { replicas: 2 })),
    "another groupName": replace(job({}, { groupName: "g" })),
    "backoffLimit 0 for none": replace(job({}, { job: { backoffLimit: 0 } })),
    "one more": replace(job(), group("b")),
    "another name": replace({ ...job(), name: "b" }),
  }),
  ...refused(jobSet({ replicatedJobs: [job(), { ...job(), name: "b" }] }), {
    "another order": replace({ ...job(), name: "b" }, job()),
    "one less": replace(job()),
  }),
  ...refused(RUNNING, { "none left": replace() }, "spec.replicatedJobs: Invalid value: []: field is immutable"),
  ...refused(
    RUNNING,
    { "the list taken away": { spec: { replicatedJobs: null } } },
    "spec.replicatedJobs: Invalid value: null: field is immutable",
  ),
]);

e2e.updates("replicatedJobs while suspended (K10)", [
  ...accepted(SUSPENDED, {
    "a flavour and notes, resumed by the same patch (R31)": resume(job(FLAVOUR, { metadata: NOTED })),
    "a flavour and notes, still suspended": replace(job(FLAVOUR, { metadata: NOTED })),
    "scheduling gates (R33)": resume(job({ schedulingGates: FLAVOUR.schedulingGates })),
  }),
  ...accepted(jobSet({ replicatedJobs: [job(FLAVOUR, { metadata: NOTED })] }), {
    "suspended and restored by one patch (R32)": suspend(job()),
  }),
  ...refused(SUSPENDED, {
    "another image (R38)": resume(job({ ...FLAVOUR, containers: [{ ...CONTAINER, image: "busybox:1.37" }] })),
    "container resources without their gate (K19)": resume(
      job({ containers: [{ ...CONTAINER, resources: { requests: { cpu: "2" } } }] }),
    ),
    "an affinity": resume(job({ affinity: { podAntiAffinity: {} } })),
    "labels of the Job": resume({ ...job(), template: { ...asObject(job()["template"]), metadata: NOTED } }),
    "parallelism without its gate": resume(job({}, { job: { parallelism: 3, completions: 3 } })),
  }),
]);

e2e.updates("what Go clients write back is no change", [
  ...accepted(RUNNING, {
    "quantities of the same value": replace(
      job({ containers: [{ ...CONTAINER, resources: { requests: { cpu: "1000m" } } }] }),
    ),
    "empty lists, objects and texts": replace(
      job({ tolerations: [], volumes: null, nodeName: "", securityContext: {}, hostNetwork: false }, {
        replicas: 1,
        groupName: "default",
      }),
    ),
    "what Go adds to a template": replace({
      ...job(),
      template: { ...asObject(job()["template"]), metadata: {} },
    }),
  }),
]);

const managed = (managedBy: string) => jobSet({ managedBy });
e2e.updates("managedBy (K31)", [
  { what: "the same", before: managed("example.com/x"), change: { spec: { managedBy: "example.com/x" } }, errors: [] },
  {
    what: "another",
    before: managed("example.com/x"),
    change: { spec: { managedBy: "example.com/y" } },
    errors: ['spec.managedBy: Invalid value: "example.com/y": field is immutable'],
  },
  {
    what: "one where there was none",
    before: RUNNING,
    change: { spec: { managedBy: "example.com/y" } },
    errors: ['spec.managedBy: Invalid value: "example.com/y": field is immutable'],
  },
  {
    what: "none where there was one, together with another image: both are told of",
    before: managed("example.com/x"),
    change: { spec: { managedBy: null, replicatedJobs: [job({ containers: [{ ...CONTAINER, image: "x" }] })] } },
    errors: [IMMUTABLE, "spec.managedBy: Invalid value: null: field is immutable"],
  },
]);

e2e.test("an object being deleted may lose its finalizers; its status is nobody's to judge", async (judged) => {
  const name = "deleted";
  await judged.create("jobsets", jobSet({}, { name, finalizers: ["example.com/x"] }));
  await judged.patchStatus("jobsets", name, { restarts: 1 });
  await judged.delete("jobsets", name);
  const stored = await judged.jobSet(name);
  expect(restartsOf(stored)).toBe(1);
  expect(at(stored, "metadata", "deletionTimestamp")).toBeDefined();
  expect((await dryPatch(judged, name, replace())).code).toBe(422);
  await judged.patch("jobsets", name, { metadata: { finalizers: null } });
  expect(await judged.find("jobsets", name)).toBeUndefined();
});
