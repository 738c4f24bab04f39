import { expect, test } from "bun:test";
import { at, type JsonObject } from "../base/json.ts";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import { MAX_RENDERED_JOBS, render } from "./render.ts";

const TEMPLATE = {
  spec: { template: { spec: { containers: [{ name: "c", volumeMounts: [{ name: "data" }] }] } } },
};
const MANIFEST = {
  metadata: { name: "js" },
  spec: {
    replicatedJobs: [
      { name: "a", replicas: 2, template: TEMPLATE },
      { name: "b", template: TEMPLATE, dependsOn: [{ name: "a", status: "Complete" }] },
    ],
    volumeClaimPolicies: [{ templates: [{ metadata: { name: "data" }, spec: {} }] }],
  },
};

function named(objects: readonly JsonObject[]): readonly string[] {
  return objects.map((object) => `${object["kind"]} ${at(object, "metadata", "namespace")}/${nameOf(object)}`);
}

function nameOf(object: JsonObject | undefined): string {
  return String(at(object, "metadata", "name"));
}

test("render lists the Service, the claims and the Jobs of all replicatedJobs, also of those that wait", () => {
  expect(named(render(MANIFEST, { namespace: "research" }))).toEqual([
    "Service research/js",
    "PersistentVolumeClaim research/data-js",
    "Job research/js-a-0",
    "Job research/js-a-1",
    "Job research/js-b-0",
  ]);
});

test("render gives the namespace of the manifest before that of the options, and default for want of both", () => {
  const own = { ...MANIFEST, metadata: { name: "js", namespace: "own" } };
  expect(at(render(own, { namespace: "other" })[0], "metadata", "namespace")).toBe("own");
  expect(at(render(MANIFEST)[0], "metadata", "namespace")).toBe("default");
});

test("render puts five x behind a generateName cut to 58 characters", () => {
  const [service] = render({ ...MANIFEST, metadata: { generateName: "g".repeat(70) } });
  expect(nameOf(service)).toBe("g".repeat(58) + "xxxxx");
});

test("render has nothing for an object without a name, and nothing for another controller's", () => {
  expect(render({ spec: MANIFEST.spec })).toEqual([]);
  expect(render({ ...MANIFEST, spec: { ...MANIFEST.spec, managedBy: "kueue.x-k8s.io/multikueue" } })).toEqual([]);
});

test("render shows a first attempt, whatever the status and the deletion of the manifest say", () => {
  const stored = {
    ...MANIFEST,
    metadata: { name: "js", deletionTimestamp: "2030-01-01T00:00:00Z", uid: "u" },
    status: { restarts: 7, conditions: [{ type: "Completed", status: "True" }] },
  };
  const jobs = render(stored);
  expect(jobs).toHaveLength(5);
  expect(at(jobs[4], "metadata", "labels", "jobset.sigs.k8s.io/restart-attempt")).toBe("0");
  expect(at(jobs[4], "metadata", "labels", "jobset.sigs.k8s.io/jobset-uid")).toBe("u");
});

test("render takes gates and priorities as the controller has them", () => {
  const options = {
    gates: { ...DEFAULT_FEATURE_GATES, RestartJob: true, ExecutionAttemptsTracking: true },
    priorities: { byClass: new Map(), globalDefault: 5 },
  };
  const job = render(MANIFEST, options)[4];
  expect(at(job, "metadata", "labels", "jobset.sigs.k8s.io/job-restart-attempt")).toBe("0");
  expect(at(job, "metadata", "annotations", "jobset.sigs.k8s.io/execution-attempt")).toBe("0");
  expect(at(job, "spec", "template", "metadata", "labels", "jobset.sigs.k8s.io/priority")).toBe("5");
});

test("render refuses more Jobs than fit into memory", () => {
  const huge = { ...MANIFEST, spec: { replicatedJobs: [{ name: "a", replicas: 2 ** 31 - 1 }] } };
  expect(() => render(huge)).toThrow(`render: 2147483647 Jobs, ${MAX_RENDERED_JOBS} at most`);
});
