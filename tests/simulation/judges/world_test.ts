import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { asArray, asObject, at, type JsonObject } from "../../../src/base/json.ts";
import { COMPLETED, condition, counts, ended, job, jobSet, TestBench, uidOf } from "./test_bench.ts";

const ONE = { replicatedJobs: [{ name: "a", replicas: 1, template: {} }] };

function created(spec: JsonObject = ONE, ...[scenario]: ConstructorParameters<typeof TestBench>): TestBench {
  const bench = new TestBench(scenario);
  bench.put("jobsets", jobSet(spec), { user: "user" });
  bench.process.sizes = { ...bench.process.sizes, jobSets: 1 };
  return bench;
}

function event(reason: string, note: string, regarding: JsonObject = { name: "js", namespace: "ns", uid: "js" }) {
  return { metadata: { uid: reason, name: reason }, reason, note, regarding };
}

test("an event of what never was is found", () => {
  const bench = created();
  bench.put("events", event("Odd", "anything"));
  expect(bench.violated).toEqual([]);
  bench.put("events", event("AllJobsCompleted", "jobset completed successfully"));
  expect(bench.violated).toEqual(["events"]);
  const other = created();
  other.put("events", event("Odd", "anything", { name: "js", namespace: "ns", uid: "older" }));
  expect(other.violated).toEqual(["events"]);
});

test("R39, R40: whatever is written for a JobSet of another controller is found", () => {
  const foreign = { ...ONE, managedBy: "example.com/other" };
  const writes: readonly ((bench: TestBench) => void)[] = [
    (bench) => bench.status("js", {}),
    (bench) => void bench.put("jobs", job("a-0")),
    (bench) => void bench.put("events", event("Odd", "anything")),
    (bench) => bench.remove("js"),
  ];
  for (const write of writes) {
    const bench = created(foreign);
    write(bench);
    expect(bench.violated).toContain("foreign JobSets");
  }
});

test("a write in a quiet world is found, but for leases and what others bring about", () => {
  const lease = { metadata: { uid: "lease", name: "lease" } };
  const bench = created({ ...ONE, suspend: true, replicatedJobs: [] });
  bench.status("js", { conditions: [condition("Suspended", "True", "SuspendedJobs: jobset is suspended")] });
  bench.rest();
  bench.put("leases", lease);
  expect(bench.details).toEqual([]);
  bench.change("js", { metadata: { labels: { a: "b" } } }, "user");
  bench.status("js", { restarts: 0 });
  expect(bench.details).toEqual([]);
  bench.rest();
  bench.status("js", { restarts: 0 });
  expect(bench.violated).toEqual(["no write in a quiet world"]);
});

test("an error of a process is found", () => {
  const bench = created();
  bench.afterSteps();
  expect(bench.violated).toEqual([]);
  bench.process.errors = ["a watch ended"];
  bench.afterSteps();
  expect(bench.violated).toEqual(["no error"]);
});

test("two that may write at once are found", () => {
  const bench = created();
  bench.afterSteps();
  expect(bench.violated).toEqual([]);
  bench.addProcess();
  bench.afterSteps();
  expect(bench.violated).toEqual(["one leader"]);
});

test("a Pod that a controller touches is found", () => {
  const bench = created();
  bench.put("pods", { metadata: { uid: "pod", name: "pod" } });
  expect(bench.violated).toEqual(["foreign objects"]);
});

test("what grows beyond its bounds is found", () => {
  for (const [what, size] of Object.entries({ queue: 100, jobs: 100, gone: 100, timers: 1_000, requests: 500 })) {
    const bench = created();
    bench.process.sizes = { ...bench.process.sizes, [what]: size };
    bench.afterSteps(100);
    expect(bench.violated).toEqual(["bounded"]);
    expect(bench.details.join()).toContain(what);
  }
});

test("at rest a process holds what is stored, lives, and leads", () => {
  const rest = (change: (bench: TestBench) => void) => {
    const bench = new TestBench();
    change(bench);
    bench.rest();
    return bench.violated;
  };
  expect(rest(() => undefined)).toEqual([]);
  expect(rest(({ process }) => process.sizes = { ...process.sizes, jobs: 1 })).toEqual(["bounded"]);
  expect(rest(({ process }) => process.sizes = { ...process.sizes, gone: 1 })).toEqual(["bounded"]);
  expect(rest(({ process }) => process.isAlive = false)).toEqual(["liveness"]);
  expect(rest(({ process }) => process.isLeading = false)).toEqual(["one leader"]);
});

/** At rest with one Job, as it should be; `change` spoils it. */
function rested(change: (bench: TestBench) => void, spec: JsonObject = ONE): readonly string[] {
  const bench = created(spec);
  bench.put("jobs", job("a-0", { template: podTemplate() }));
  bench.status("js", { replicatedJobsStatus: [counts("a")] });
  change(bench);
  bench.process.sizes = { ...bench.process.sizes, jobs: 1 };
  bench.rest();
  return bench.violated;
}

/** The pod template of Job `a-0`, as spec 1.3 has it. */
function podTemplate(): JsonObject {
  const values = {
    "jobset-name": "js",
    "jobset-uid": "js",
    "replicatedjob-name": "a",
    "replicatedjob-replicas": "1",
    "restart-attempt": "0",
    "global-replicas": "1",
    "job-index": "0",
    "job-global-index": "0",
    "job-key": createHash("sha1").update("ns/js-a-0").digest("hex"),
    "group-name": "default",
    "group-replicas": "1",
    "job-group-index": "0",
  };
  const own = Object.fromEntries(Object.entries(values).map(([key, value]) => [`jobset.sigs.k8s.io/${key}`, value]));
  return { metadata: { labels: { ...own, "batch.kubernetes.io/controller-uid": uidOf("a-0") }, annotations: own } };
}

test("a world that has become what it should is right", () => {
  expect(rested(() => undefined)).toEqual([]);
});

test("what was left undone at rest is found", () => {
  const failed = ended("Failed");
  expect(rested((bench) => bench.remove(uidOf("a-0"), "user"))).toContain("liveness");
  expect(rested((bench) => {
    bench.change(uidOf("a-0"), { status: failed }, "job-controller");
    bench.status("js", { replicatedJobsStatus: [counts("a", { failed: 1 })] });
  })).toEqual(["liveness"]);
  expect(rested((bench) => {
    bench.change(uidOf("a-0"), { status: ended("Complete") }, "job-controller");
    bench.status("js", { replicatedJobsStatus: [counts("a", { succeeded: 1 })] });
  })).toEqual(["liveness"]);
  expect(rested((bench) => bench.change("js", { metadata: { deletionTimestamp: bench.time() } }, "user"))).toEqual([
    "liveness",
  ]);
  expect(rested(() => undefined, { ...ONE, network: { enableDNSHostnames: true } })).toEqual(["liveness"]);
  expect(rested(() => undefined, { ...ONE, suspend: true })).toEqual(["suspension"]);
  expect(rested((bench) => {
    bench.change(uidOf("a-0"), { spec: { suspend: true } }, "user");
    bench.status("js", { replicatedJobsStatus: [counts("a", { suspended: 1 })] });
  })).toEqual(["suspension"]);
});

test("what a finished JobSet leaves behind at rest is found", () => {
  const finish = (ttlSecondsAfterFinished?: number) => (bench: TestBench) => {
    bench.change("js", { spec: { ttlSecondsAfterFinished } }, "user");
    bench.put("jobs", job("a-0", { jobAttempt: 1 }));
    bench.change(uidOf("a-0", 0, 1), { status: ended("Complete") }, "job-controller");
    bench.status("js", { conditions: [COMPLETED], terminalState: "Completed" });
    bench.status("js", { replicatedJobsStatus: [counts("a", { succeeded: 1 })] });
  };
  expect(rested(finish())).toContain("liveness");
  const late = rested((bench) => {
    finish(5)(bench);
    bench.remove(uidOf("a-0"));
    bench.pass(60_000);
  });
  expect(late).toEqual(["time to live"]);
});

test("R34: a template that is not what the JobSet says now is found", () => {
  const spoil = (change: (template: JsonObject) => JsonObject) =>
    rested((bench) => {
      const template = asObject(at(bench.object(uidOf("a-0")), "spec", "template")) ?? {};
      bench.change(uidOf("a-0"), { spec: { template: change(template) } }, "user");
    });
  expect(spoil((template) => ({ ...template, spec: { nodeSelector: { flavor: "old" } } }))).toEqual(["templates"]);
  expect(spoil((template) => ({ ...template, spec: { tolerations: [{ key: "old" }] } }))).toEqual(["templates"]);
  expect(spoil((template) => ({ ...template, spec: { schedulingGates: [{ name: "old" }] } }))).toEqual(["templates"]);
  for (const map of ["labels", "annotations"]) {
    const added = spoil((template) => {
      const metadata = asObject(template["metadata"]) ?? {};
      return { ...template, metadata: { ...metadata, [map]: { ...asObject(metadata[map]), old: "yes" } } };
    });
    expect(added).toEqual(["templates"]);
  }
});

test("R34: what the JobSet asks for and a Job lacks is found", () => {
  const spec = { template: { spec: { template: { spec: { nodeSelector: { flavor: "new" } } } } } };
  const replicatedJobs = asArray(ONE.replicatedJobs).map((entry) => ({ ...asObject(entry), ...spec }));
  expect(rested(() => undefined, { replicatedJobs })).toEqual(["templates"]);
});

test("with their gates on, sizes and resources that are not the JobSet's are found", () => {
  const gates = { ElasticJobSet: true, MutablePodResourcesForSuspendedJobSets: true };
  const container = (cpu: string) => ({ name: "c", resources: { requests: { cpu } } });
  const withContainer = (template: JsonObject, cpu: string) => ({
    ...template,
    spec: { containers: [container(cpu)] },
  });
  const rest = (found: { readonly cpu: string; readonly size: number }) => {
    const template = { spec: { parallelism: 2, completions: 2, template: withContainer({}, "2") } };
    const bench = created({ replicatedJobs: [{ name: "a", replicas: 1, template }] }, { gates });
    bench.put("jobs", job("a-0", { template: withContainer(podTemplate(), found.cpu) }));
    bench.change(uidOf("a-0"), { spec: { parallelism: found.size, completions: found.size } }, "user");
    bench.status("js", { replicatedJobsStatus: [counts("a")] });
    bench.process.sizes = { ...bench.process.sizes, jobs: 1 };
    bench.rest();
    return bench.violated;
  };
  expect(rest({ cpu: "2", size: 2 })).toEqual([]);
  expect(rest({ cpu: "1", size: 2 })).toEqual(["templates"]);
  expect(rest({ cpu: "2", size: 1 })).toEqual(["templates"]);
});
