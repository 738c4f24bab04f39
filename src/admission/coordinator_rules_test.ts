import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../base/json.ts";
import { group, newJobSet, problems } from "./test_job_set.ts";

const REPLICATED_JOBS = [
  group("few", { replicas: 1, job: { completions: 1 } }),
  group("many", { replicas: 4, job: { completions: 3 } }),
  group("loose", { job: { completionMode: "NonIndexed", completions: 3 } }),
  group("open"),
  group("none", { replicas: 0, job: { completions: 1 } }),
];

function of(coordinator: JsonObject, { spec = {}, metadata = { name: "js" } as JsonObject } = {}): readonly string[] {
  return problems(newJobSet({ coordinator, replicatedJobs: REPLICATED_JOBS, ...spec }, metadata));
}

describe("rule 9: the coordinator", () => {
  test("is a Pod that will exist; its own replicatedJob counts, not the first (R24)", () => {
    expect(of({ replicatedJob: "few" })).toEqual([]);
    expect(of({ replicatedJob: "many", jobIndex: 3, podIndex: 2 })).toEqual([]);
  });

  test("names a replicatedJob", () => {
    expect(of({ replicatedJob: "other", jobIndex: 9 })).toEqual([
      'spec.coordinator.replicatedJob: Invalid value: "other": coordinator replicatedJob other does not exist',
    ]);
  });

  test("has a job index below the replicas", () => {
    for (const [replicatedJob, jobIndex] of [["many", 4], ["many", -1], ["few", 1], ["none", 0]] as const) {
      expect(of({ replicatedJob, jobIndex })[0]).toBe(
        `spec.coordinator.jobIndex: Invalid value: ${jobIndex}: ` +
          `coordinator job index ${jobIndex} is invalid for replicatedJob ${replicatedJob}`,
      );
    }
  });

  test("is of an Indexed Job with completions (R23)", () => {
    for (const replicatedJob of ["loose", "open"]) {
      expect(of({ replicatedJob, podIndex: 9 })).toEqual([
        `spec.coordinator.replicatedJob: Invalid value: "${replicatedJob}": ` +
        "job for coordinator pod must be indexed completion mode, and completions number must be set",
      ]);
    }
  });

  test("has a pod index below the completions", () => {
    for (const podIndex of [3, -1]) {
      expect(of({ replicatedJob: "many", jobIndex: 2, podIndex })).toEqual([
        `spec.coordinator.podIndex: Invalid value: ${podIndex}: ` +
        `coordinator pod index ${podIndex} is invalid for replicatedJob many job index 2`,
      ]);
    }
  });

  test("has an address that fits into a label, by the JobSet's name or the subdomain (R22)", () => {
    const longest = "s".repeat(52); // js-few-0-0.<52>: 63 characters
    expect(of({ replicatedJob: "few" }, { spec: { network: { subdomain: longest } } })).toEqual([]);
    const endpoint = `js-few-0-0.${longest}s`;
    expect(of({ replicatedJob: "few" }, { spec: { network: { subdomain: `${longest}s` } } })).toEqual([
      `spec.coordinator: Invalid value: "${endpoint}": spec will lead to invalid label value "${endpoint}" for coordinator ` +
      'label "jobset.sigs.k8s.io/coordinator" (long JobSet / ReplicatedJob / SubDomain name?): must be no more than 63 bytes',
    ]);
    const name = "j".repeat(27); // twice, and -few-0-0. between them: 63 characters
    expect(of({ replicatedJob: "few" }, { metadata: { name } })).toEqual([]);
    expect(of({ replicatedJob: "few" }, { metadata: { name: `${name}j` } })).toHaveLength(1);
  });

  test("has an address with five characters behind generateName (R21)", () => {
    expect(of({ replicatedJob: "few" }, { metadata: { generateName: "j".repeat(22) } })).toEqual([]);
    const lines = of({ replicatedJob: "few" }, { metadata: { generateName: "j".repeat(23) } });
    expect(lines).toEqual([expect.stringContaining("must be no more than 63 bytes")]);
  });

  test("is left to the schema where a type is wrong, and has no address under a name that is too long", () => {
    const replicatedJobs = [
      group("few", { job: { completionMode: 7, completions: 1 } }),
      group("many", { job: { completions: "3" } }),
      group("loose", { replicas: "1", job: { completions: 1 } }),
    ];
    for (const replicatedJob of ["few", "many"]) {
      expect(of({ replicatedJob, podIndex: 9 }, { spec: { replicatedJobs } })).toEqual([]);
    }
    expect(of({ replicatedJob: "loose", jobIndex: 9 }, { spec: { replicatedJobs } })).toEqual([]);
    for (const [jobIndex, podIndex] of [["_", 0], [0, "_"], [0.5, 0], [0, 0.5]]) {
      expect(of({ replicatedJob: "many", jobIndex, podIndex })).toEqual([]);
    }
    expect(of({ replicatedJob: "few" }, { spec: { network: { subdomain: 7 } } })).toEqual([]);
    const lines = of({ replicatedJob: "few" }, { metadata: { name: "j".repeat(254) } });
    expect(lines).toEqual([expect.stringContaining("metadata.name")]);
  });
});
