import { expect, test } from "bun:test";
import { NO_FAULTS } from "./draw/draw_faults.ts";
import { shrink } from "./shrink.ts";
import type { Incident, Operation, RunResult, Scenario } from "./types.ts";

const jobSet = (name: string, replicas: number) => ({
  atMs: 0,
  object: {
    metadata: { name, namespace: "ns" },
    spec: { replicatedJobs: [{ name: "a", replicas: 2 }, { name: "b", replicas }] },
  },
});
const operation = (jobSet: string, kind: "suspend" | "resume"): Operation => ({ atMs: 1, jobSet, by: "user", kind });
const incident = (atMs: number): Incident => ({ atMs, kind: "compact" });

const LARGE: Scenario = {
  seed: 7,
  gates: { RestartJob: true, ElasticJobSet: true },
  controllers: 2,
  hasWebhooks: true,
  jobSets: [jobSet("one", 3), jobSet("two", 9), jobSet("three", 4)],
  operations: [
    operation("one", "suspend"),
    operation("two", "suspend"),
    operation("two", "resume"),
    operation("three", "resume"),
  ],
  faults: { ...NO_FAULTS, conflict: 0.5, slow: 0.5, gone: 0.1 },
  incidents: [incident(1), incident(2), incident(3)],
  calmAtMs: 64_000,
};

function resultOf(scenario: Scenario, invariant: string | undefined): RunResult {
  const violation = invariant === undefined ? undefined : { step: 10, atMs: 500, invariant, detail: "" };
  return { seed: scenario.seed, steps: 10, hash: "0", violation };
}

function replicasOf(scenario: Scenario): string {
  return JSON.stringify(scenario.jobSets.map(({ object }) => object["spec"]));
}

test("a scenario shrinks to what its failure needs", async () => {
  const run = (scenario: Scenario) => {
    const hasAll = scenario.operations.some(({ jobSet, kind }) => jobSet === "two" && kind === "resume") &&
      scenario.faults.slow > 0 && scenario.incidents.some(({ atMs }) => atMs === 2) &&
      replicasOf(scenario).includes('"name":"b"') && scenario.gates.RestartJob === true;
    return Promise.resolve(resultOf(scenario, hasAll ? "bad" : undefined));
  };
  const { scenario, runs } = await shrink(LARGE, resultOf(LARGE, "bad"), { run });
  expect(scenario).toEqual({
    seed: 7,
    gates: { RestartJob: true },
    controllers: 1,
    hasWebhooks: true,
    jobSets: [{
      atMs: 0,
      object: { metadata: { name: "two", namespace: "ns" }, spec: { replicatedJobs: [{ name: "b", replicas: 1 }] } },
    }],
    operations: [operation("two", "resume")],
    faults: { ...NO_FAULTS, slow: 0.5 },
    incidents: [incident(2)],
    calmAtMs: 1,
  });
  expect(runs).toBeLessThan(120);
});

test("another failure is no success of the search", async () => {
  const run = (scenario: Scenario) => {
    return Promise.resolve(resultOf(scenario, scenario.jobSets.length === 3 ? "bad" : "other"));
  };
  const { scenario, result } = await shrink(LARGE, resultOf(LARGE, "bad"), { run });
  expect(scenario.jobSets).toHaveLength(3);
  expect(scenario.operations).toEqual([]);
  expect(result.violation?.invariant).toBe("bad");
});

test("the search ends after so many runs", async () => {
  let runs = 0;
  const run = (scenario: Scenario) => {
    runs += 1;
    return Promise.resolve(resultOf(scenario, "bad"));
  };
  await shrink(LARGE, resultOf(LARGE, "bad"), { run, maxRuns: 5 });
  expect(runs).toBe(5);
});
