import { describe, expect, test } from "bun:test";
import { asInteger, asString, at } from "../../../src/base/json.ts";
import { FATE, START, STOP } from "./fate.ts";
import { key, testJob, TestWorld } from "./test_world.ts";

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

/** The same for some seeds: the delays and their order differ. */
function inWorlds(name: string, body: (world: TestWorld) => void): void {
  test(name, () => {
    for (const seed of SEEDS) body(new TestWorld(seed));
  });
}

describe("a Job on the simulated cluster", () => {
  inWorlds("completes once all its Pods have succeeded", (world) => {
    world.server.create("user", "jobs", testJob("ok", { [FATE]: "succeed:1500", [START]: "300" }));
    expect(world.runUntil(() => at(world.job("ok"), "status", "ready") === 2)).toBe(true);
    expect(at(world.job("ok"), "status")).toMatchObject({ active: 2, terminating: 0 });
    world.runOut();
    expect(world.conditions("ok")).toEqual([
      "SuccessCriteriaMet=True/CompletionsReached",
      "Complete=True/CompletionsReached",
    ]);
    expect(at(world.job("ok"), "status")).toMatchObject({ succeeded: 2, ready: 0, completedIndexes: "0,1" });
    expect(at(world.job("ok"), "status", "active")).toBeUndefined();
    expect(asString(at(world.job("ok"), "status", "completionTime"))).toBeDefined();
  });

  inWorlds("fails once its last Pod is gone, and says so before", (world) => {
    world.server.create("user", "jobs", testJob("bad", { [FATE]: "fail:500", [STOP]: "2000" }));
    expect(world.runUntil(() => world.conditions("bad").length > 0)).toBe(true);
    expect(world.conditions("bad")[0]).toBe("FailureTarget=True/BackoffLimitExceeded");
    world.runOut();
    expect(world.conditions("bad")).toEqual([
      "FailureTarget=True/BackoffLimitExceeded",
      "Failed=True/BackoffLimitExceeded",
    ]);
    expect(at(world.job("bad"), "status", "terminating")).toBe(0);
    expect(asInteger(at(world.job("bad"), "status", "failed"))).toBeGreaterThan(0);
  });

  inWorlds("replaces failed Pods up to its backoffLimit", (world) => {
    const spec = { parallelism: 1, completions: 1, backoffLimit: 2 };
    world.server.create("user", "jobs", testJob("again", { [FATE]: "fail:100" }, spec));
    world.runOut();
    expect(world.conditions("again").at(-1)).toBe("Failed=True/BackoffLimitExceeded");
    expect(at(world.job("again"), "status", "failed")).toBe(3);
    expect(world.server.count("pods")).toBe(3);
  });

  inWorlds("fails for an exit code of its podFailurePolicy, whatever its backoffLimit", (world) => {
    const rules = [{ action: "FailJob", onExitCodes: { operator: "In", values: [42] } }];
    const spec = { backoffLimit: 5, podFailurePolicy: { rules } };
    world.server.create("user", "jobs", testJob("fatal", { [FATE]: "fail:100:42" }, spec));
    world.runOut();
    expect(world.conditions("fatal").at(-1)).toBe("Failed=True/PodFailurePolicy");
  });

  inWorlds("fails at its deadline", (world) => {
    world.server.create("user", "jobs", testJob("late", {}, { activeDeadlineSeconds: 2 }));
    world.runOut();
    expect(world.conditions("late").at(-1)).toBe("Failed=True/DeadlineExceeded");
    expect(world.elapsed()).toBeLessThan(15_000);
  });

  inWorlds("loses its Pods when it is suspended, and gets new ones when it is resumed", (world) => {
    world.server.create("user", "jobs", testJob("sus", { [STOP]: "1000" }, { suspend: true }));
    world.runOut();
    expect(world.conditions("sus")).toEqual(["Suspended=True/JobSuspended"]);
    expect(at(world.job("sus"), "status", "startTime")).toBeUndefined();
    world.patchSpec("jobs", "sus", { suspend: false });
    world.runOut();
    expect(world.conditions("sus")).toEqual(["Suspended=False/JobResumed"]);
    expect(at(world.job("sus"), "status")).toMatchObject({ active: 2, ready: 2 });
    expect(asString(at(world.job("sus"), "status", "startTime"))).toBeDefined();
    world.patchSpec("jobs", "sus", { suspend: true });
    expect(world.runUntil(() => world.conditions("sus")[0] === "Suspended=True/JobSuspended")).toBe(true);
    expect(at(world.job("sus"), "status", "active")).toBeUndefined();
    world.runOut();
    expect(at(world.job("sus"), "status", "failed")).toBeUndefined();
    expect(world.server.count("pods")).toBe(0);
  });

  inWorlds("follows a change of its size", (world) => {
    world.server.create("user", "jobs", testJob("elastic", {}));
    world.runOut();
    world.patchSpec("jobs", "elastic", { parallelism: 3, completions: 3 });
    world.runOut();
    expect(at(world.job("elastic"), "status", "active")).toBe(3);
    world.patchSpec("jobs", "elastic", { parallelism: 1, completions: 1 });
    world.runOut();
    expect(at(world.job("elastic"), "status")).toMatchObject({ active: 1, terminating: 0 });
    expect(world.conditions("elastic")).toEqual([]);
    expect(world.server.count("pods")).toBe(1);
  });

  inWorlds("is left alone where another manages it", (world) => {
    world.server.create("user", "jobs", testJob("foreign", {}, { managedBy: "acme.io/other" }));
    world.runOut();
    expect(world.server.count("pods")).toBe(0);
  });

  inWorlds("is deleted some time after it has finished, where it says so", (world) => {
    world.server.create("user", "jobs", testJob("short", { [FATE]: "succeed:100" }, { ttlSecondsAfterFinished: 3 }));
    world.runOut();
    expect(world.job("short")).toBeUndefined();
    expect(world.server.count("pods")).toBe(0);
  });
});

describe("a deletion on the simulated cluster", () => {
  inWorlds("in the foreground waits for the Pods", (world) => {
    world.server.create("user", "jobs", testJob("js", { [STOP]: "1000" }));
    world.runOut();
    world.delete("jobs", "js", "Foreground");
    expect(world.runUntil(() => world.job("js") === undefined)).toBe(true);
    expect(world.server.count("pods")).toBe(0);
    world.runOut();
  });

  inWorlds("in the background leaves the Pods to the collector", (world) => {
    world.server.create("user", "jobs", testJob("js", { [STOP]: "1000" }));
    world.runOut();
    world.delete("jobs", "js", "Background");
    expect(world.job("js")).toBeUndefined();
    expect(world.server.count("pods")).toBe(2);
    world.runOut();
    expect(world.server.count("pods")).toBe(0);
  });

  inWorlds("that orphans lets the Pods run on", (world) => {
    world.server.create("user", "jobs", testJob("js", {}));
    world.runOut();
    world.delete("jobs", "js", "Orphan");
    world.runOut();
    expect(world.job("js")).toBeUndefined();
    expect(world.server.count("pods")).toBe(2);
    for (const pod of world.server.all("pods")) expect(at(pod, "status", "phase")).toBe("Running");
  });

  inWorlds("takes what is made for an owner that is gone", (world) => {
    const owner = {
      apiVersion: "jobset.x-k8s.io/v1alpha2",
      kind: "JobSet",
      name: "js",
      uid: "long-gone",
      controller: true,
    };
    const job = testJob("late", {});
    world.server.create("user", "jobs", { ...job, metadata: { ...key("late"), ownerReferences: [owner] } });
    world.runOut();
    expect(world.job("late")).toBeUndefined();
    expect(world.server.count("pods")).toBe(0);
  });
});

test("a Pod with a scheduling gate waits until it is taken off", () => {
  const world = new TestWorld(1);
  const job = testJob("gated", {}, { parallelism: 1, completions: 1 });
  const spec = {
    restartPolicy: "Never",
    schedulingGates: [{ name: "a.b/c" }],
    containers: [{ name: "main", image: "i" }],
  };
  world.server.create("user", "jobs", { ...job, spec: { ...job["spec"] as object, template: { spec } } });
  world.runOut();
  const [pod] = [...world.server.all("pods")];
  expect(at(pod, "spec", "nodeName")).toBeUndefined();
  world.patchSpec("pods", asString(at(pod, "metadata", "name")) ?? "", { schedulingGates: [] });
  world.runOut();
  expect(at(world.job("gated"), "status", "ready")).toBe(1);
});
