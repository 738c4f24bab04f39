import { describe, expect, test } from "bun:test";
import { DEFAULT_FEATURE_GATES, type FeatureGate } from "../api/feature_gates.ts";
import type { JsonObject } from "../base/json.ts";
import { errorText } from "./field_error.ts";
import { validateUpdate } from "./validate_update.ts";

interface Parts {
  readonly suspend?: boolean;
  readonly managedBy?: unknown;
  readonly metadata?: JsonObject;
  readonly job?: JsonObject;
  readonly jobMetadata?: JsonObject;
  readonly podMetadata?: JsonObject;
  readonly pod?: JsonObject;
  readonly status?: JsonObject;
}

const MAIN = { name: "main", image: "busybox" };
const IMMUTABLE = expect.stringMatching(/^spec\.replicatedJobs: Invalid value: \[.*\]: field is immutable$/);

function replicatedJob(parts: Parts, name = "a"): JsonObject {
  const template = { metadata: parts.podMetadata, spec: { containers: [MAIN], ...parts.pod } };
  return { name, template: { metadata: parts.jobMetadata, spec: { template, ...parts.job } } };
}

function jobSet(parts: Parts, replicatedJobs: unknown = [replicatedJob(parts)]): JsonObject {
  const { suspend, managedBy, metadata, status } = parts;
  return { metadata: { name: "js", ...metadata }, spec: { suspend, managedBy, replicatedJobs }, status };
}

function update(oldObject: unknown, object: unknown, ...gates: readonly FeatureGate[]): readonly string[] {
  const on = Object.fromEntries(gates.map((gate) => [gate, true]));
  return validateUpdate({ object, oldObject, gates: { ...DEFAULT_FEATURE_GATES, ...on } }).map(errorText);
}

/** What Kueue injects when it admits (K10). */
const INJECTED: Parts = {
  podMetadata: { labels: { "kueue.x-k8s.io/podset": "a" }, annotations: { "kueue.x-k8s.io/workload": "w" } },
  pod: {
    nodeSelector: { flavor: "spot" },
    tolerations: [{ key: "spot", operator: "Exists" }],
    schedulingGates: [{ name: "kueue.x-k8s.io/topology" }],
  },
};

describe("a suspended JobSet", () => {
  test("takes what Kueue injects, in the update that resumes it (K10, R31)", () => {
    expect(update(jobSet({ suspend: true }), jobSet({ ...INJECTED, suspend: false }))).toEqual([]);
    expect(update(jobSet({ suspend: true }), jobSet({ ...INJECTED, suspend: true }))).toEqual([]);
  });

  test("takes what Kueue restores, in the update that suspends it (K10, R32)", () => {
    expect(update(jobSet({ ...INJECTED, suspend: false }), jobSet({ suspend: true }))).toEqual([]);
    expect(update(jobSet(INJECTED), jobSet({ suspend: true }))).toEqual([]);
  });

  test("keeps everything else of the template (R38)", () => {
    const changes: readonly Parts[] = [
      { pod: { containers: [{ ...MAIN, image: "other" }] } },
      { pod: { containers: [{ ...MAIN, resources: { requests: { cpu: "1" } } }] } },
      { pod: { affinity: { nodeAffinity: {} } } },
      { pod: { priorityClassName: "high" } },
      { podMetadata: { finalizers: ["example.com/stay"] } },
      { jobMetadata: { labels: { a: "b" } } },
      { job: { parallelism: 2 } },
      { job: { backoffLimit: 0 } },
    ];
    for (const change of changes) {
      expect(update(jobSet({ suspend: true }), jobSet({ ...change, suspend: true }))).toEqual([IMMUTABLE]);
      expect(update(jobSet({ suspend: true }), jobSet({ ...change, suspend: false }))).toEqual([IMMUTABLE]);
    }
  });

  test("takes container resources with their gate only (K19)", () => {
    const resources = { requests: { cpu: "2" }, limits: { memory: "1Gi" } };
    const changed = {
      containers: [{ ...MAIN, resources }],
      initContainers: [{ name: "first", resources: { requests: { cpu: "1" } } }],
    };
    const before = jobSet({ suspend: true, pod: { initContainers: [{ name: "first" }] } });
    const after = jobSet({ pod: changed });
    expect(update(before, after, "MutablePodResourcesForSuspendedJobSets")).toEqual([]);
    expect(update(after, before, "MutablePodResourcesForSuspendedJobSets")).toEqual([]);
    expect(update(before, after)).toEqual([IMMUTABLE]);
    const running = jobSet({ pod: { initContainers: [{ name: "first" }] } });
    expect(update(running, after, "MutablePodResourcesForSuspendedJobSets")).toEqual([IMMUTABLE]);
  });

  test("keeps what the gate of container resources doesn't name", () => {
    const other = { name: "other", image: "busybox" };
    const before = jobSet({ suspend: true, pod: { containers: [MAIN, other] } });
    const refused: readonly (readonly JsonObject[])[] = [
      [{ ...MAIN, resources: { claims: [{ name: "gpu" }] } }, other],
      [{ ...MAIN, tty: true, resources: { requests: { cpu: "1" } } }, other],
      [MAIN],
      [other, MAIN],
      [MAIN, other, { name: "third" }],
      [MAIN, { ...other, name: "renamed" }],
    ];
    for (const containers of refused) {
      const after = jobSet({ suspend: true, pod: { containers } });
      expect(update(before, after, "MutablePodResourcesForSuspendedJobSets")).toEqual([IMMUTABLE]);
    }
    const podLevel = jobSet({
      suspend: true,
      pod: { containers: [MAIN, other], resources: { requests: { cpu: "1" } } },
    });
    expect(update(before, podLevel, "MutablePodResourcesForSuspendedJobSets")).toEqual([IMMUTABLE]);
  });
});

describe("a running JobSet", () => {
  test("keeps its templates (R38)", () => {
    expect(update(jobSet({}), jobSet(INJECTED))).toEqual([IMMUTABLE]);
    expect(update(jobSet({ suspend: false }), jobSet({ pod: { containers: [{ ...MAIN, image: "x" }] } }))).toEqual([
      IMMUTABLE,
    ]);
  });

  test("may change in all that no rule names", () => {
    const metadata = { labels: { a: "b" }, annotations: { c: "d" }, finalizers: ["e/f"], ownerReferences: [{}] };
    const after = { ...jobSet({ metadata }), status: { restarts: 3 } };
    expect(update(jobSet({}), after)).toEqual([]);
    const spec = {
      ...jobSet({}),
      spec: { replicatedJobs: [replicatedJob({})], ttlSecondsAfterFinished: 3, suspend: true },
    };
    expect(update(jobSet({}), spec)).toEqual([]);
  });

  test("and the order of fields, null and quantities spelt anew are no change", () => {
    const resources = { limits: { cpu: "1000m" } };
    const before = jobSet({ pod: { containers: [{ ...MAIN, resources }] } });
    const after = jobSet({ pod: { tolerations: null, containers: [{ resources: { limits: { cpu: 1 } }, ...MAIN }] } });
    expect(update(before, after)).toEqual([]);
  });
});

test("replicatedJobs are not added, removed, renamed, reordered or resized, suspended or not", () => {
  const [a, b] = [replicatedJob({}, "a"), replicatedJob({}, "b")];
  const changes: readonly unknown[] = [
    [a],
    [a, b, replicatedJob({}, "c")],
    [a, replicatedJob({}, "c")],
    [b, a],
    [],
    null,
    {
      a,
    },
    "junk",
    [a, null],
    [a, { ...b, replicas: 2 }],
    [a, { ...b, groupName: "g" }],
    [a, {
      ...b,
      dependsOn: [{ name: "a", status: "Ready" }],
    }],
  ];
  for (const suspend of [true, false]) {
    for (const change of changes) {
      const texts = update(
        jobSet({ suspend }, [a, b]),
        jobSet({ suspend }, change),
        "ElasticJobSet",
        "MutablePodResourcesForSuspendedJobSets",
      );
      expect(texts).toHaveLength(1);
      expect(texts[0]).toEndWith(": field is immutable");
    }
  }
});

test("what Kueue sets is matched by name, not by place", () => {
  const [a, b] = [replicatedJob(INJECTED, "a"), replicatedJob({}, "b")];
  const before = jobSet({ suspend: true }, [replicatedJob({}, "a"), b]);
  expect(update(before, jobSet({}, [a, b]))).toEqual([]);
  expect(update(before, jobSet({}, [b, a]))).toEqual([IMMUTABLE]);
});

describe("managedBy", () => {
  test("is immutable (K31)", () => {
    const refused = (shown: string) => [`spec.managedBy: Invalid value: ${shown}: field is immutable`];
    const own = jobSet({ managedBy: "example.com/a" });
    expect(update(own, jobSet({ managedBy: "example.com/b", suspend: true }))).toEqual(refused(`"example.com/b"`));
    expect(update(own, jobSet({}))).toEqual(refused("null"));
    expect(update(jobSet({}), own)).toEqual(refused(`"example.com/a"`));
    expect(update(jobSet({ managedBy: null }), jobSet({}))).toEqual([]);
    expect(update(own, own)).toEqual([]);
  });
});

test("an object being deleted may lose its finalizers", () => {
  const deleted = { deletionTimestamp: "2026-08-01T00:00:00Z", deletionGracePeriodSeconds: 0 };
  const parts = { ...INJECTED, managedBy: "example.com/a" };
  const before = jobSet({ ...parts, metadata: { ...deleted, finalizers: ["foregroundDeletion", "example.com/a"] } });
  expect(update(before, jobSet({ ...parts, metadata: { ...deleted, finalizers: ["example.com/a"] } }))).toEqual([]);
  expect(update(before, jobSet({ ...parts, metadata: deleted }), "ElasticJobSet")).toEqual([]);
});

test("errors come together: elastic ones, replicatedJobs, managedBy", () => {
  const before = jobSet({ job: { completionMode: "Indexed", parallelism: 2, completions: 2 } });
  const after = jobSet({
    job: { completionMode: "Indexed", parallelism: 0, completions: 3, backoffLimit: 1 },
    managedBy: "example.com/a",
  });
  expect(update(before, after, "ElasticJobSet")).toEqual([
    "spec.replicatedJobs[0].template.spec.parallelism: Invalid value: 0: parallelism must be >= 1",
    "spec.replicatedJobs[0].template.spec.completions: Invalid value: 3: completions must be equal to parallelism for Elastic Indexed Jobs",
    IMMUTABLE,
    `spec.managedBy: Invalid value: "example.com/a": field is immutable`,
  ]);
});
