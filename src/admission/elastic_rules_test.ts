import { describe, expect, test } from "bun:test";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import type { JsonObject } from "../base/json.ts";
import { errorText } from "./field_error.ts";
import { validateUpdate } from "./validate_update.ts";

const PATH = "spec.replicatedJobs[0].template.spec";
const UNEQUAL = "completions must be equal to parallelism for Elastic Indexed Jobs";

function job(name: string, spec: JsonObject): JsonObject {
  return { name, template: { spec: { completionMode: "Indexed", ...spec } } };
}

function jobSet(replicatedJobs: readonly JsonObject[], conditions: readonly JsonObject[] = []): JsonObject {
  return { spec: { replicatedJobs }, status: { conditions } };
}

function update(oldObject: JsonObject, object: JsonObject, isOn = true): readonly string[] {
  return validateUpdate({ object, oldObject, gates: { ...DEFAULT_FEATURE_GATES, ElasticJobSet: isOn } }).map(errorText);
}

/** The errors of one replicatedJob whose size changes. */
function resize(before: JsonObject, after: JsonObject): readonly string[] {
  return update(jobSet([job("a", before)]), jobSet([job("a", after)]));
}

describe("with gate ElasticJobSet an Indexed Job", () => {
  test("changes its size", () => {
    expect(resize({ parallelism: 2, completions: 2 }, { parallelism: 4, completions: 4 })).toEqual([]);
    expect(resize({ parallelism: 2 }, { parallelism: 4 })).toEqual([]);
    expect(resize({ parallelism: 4 }, {})).toEqual([]);
  });

  test("keeps at least one of each, and as many completions as parallelism", () => {
    expect(resize({ parallelism: 2 }, { parallelism: 0 })).toEqual([
      `${PATH}.parallelism: Invalid value: 0: parallelism must be >= 1`,
    ]);
    expect(resize({ completions: 2 }, { completions: 0 })).toEqual([
      `${PATH}.completions: Invalid value: 0: completions must be >= 1`,
    ]);
    expect(resize({ parallelism: 2, completions: 2 }, { parallelism: 3, completions: 2 })).toEqual([
      `${PATH}.completions: Invalid value: 2: ${UNEQUAL}`,
    ]);
    expect(resize({ completions: 2, parallelism: 2 }, { parallelism: 0, completions: 0 })).toEqual([
      `${PATH}.parallelism: Invalid value: 0: parallelism must be >= 1`,
      `${PATH}.completions: Invalid value: 0: completions must be >= 1`,
    ]);
  });

  test("is not judged by a size that it had before", () => {
    expect(resize({ parallelism: 0, completions: 3 }, { parallelism: 0, completions: 3 })).toEqual([]);
  });

  test("grows as far as the hostnames of its Pods can, whose names are cut to fit", () => {
    const sized = (length: number, completions: number) => ({
      metadata: { name: "j".repeat(length) },
      ...jobSet([job("a", { completions })]),
    });
    expect(update(sized(51, 2), sized(51, 11))).toEqual([]); // the names would be -a-0-10-xxxxx
    expect(update(sized(56, 2), sized(56, 100))).toEqual([]); // and -a-0-99
    const longest = `${"j".repeat(56)}-a-0-100`;
    expect(update(sized(56, 2), sized(56, 101))).toEqual([
      `${PATH}.completions: Invalid value: "${longest}": ` +
      "JobSet name is too long, hostnames of the last pods will exceed 63 characters",
    ]);
    expect(update(sized(60, 1001), sized(60, 1000))).toEqual([]);
  });

  test("keeps all else", () => {
    const texts = resize({ parallelism: 2, completions: 2 }, { parallelism: 3, completions: 3, backoffLimit: 1 });
    expect(texts).toHaveLength(1);
    expect(texts[0]).toEndWith("field is immutable");
  });

  test("is found by its name", () => {
    const [a, b] = [job("a", { parallelism: 0 }), job("b", { parallelism: 3 })];
    const texts = update(jobSet([a, b]), jobSet([job("b", { parallelism: 0 }), a]));
    expect(texts).toEqual([
      `${PATH}.parallelism: Invalid value: 0: parallelism must be >= 1`,
      expect.stringMatching(/^spec\.replicatedJobs: .*field is immutable$/),
    ]);
    expect(update(jobSet([a]), jobSet([a, job("b", { parallelism: 0 })]))).toHaveLength(1);
  });

  test("keeps its size once the JobSet is finished (R74)", () => {
    for (const type of ["Completed", "Failed"]) {
      const before = jobSet([job("a", { parallelism: 2 })], [{ type, status: "True" }]);
      const text = "Cannot mutate parallelism or completions when JobSet is in a terminal state (Completed or Failed)";
      for (const parallelism of [3, 0]) {
        expect(update(before, jobSet([job("a", { parallelism })]))).toEqual([`${PATH}: Forbidden: ${text}`]);
      }
      expect(update(before, jobSet([job("a", { parallelism: 2 })]))).toEqual([]);
    }
    const unfinished = jobSet([job("a", { parallelism: 2 })], [{ type: "Failed", status: "False" }]);
    expect(update(unfinished, jobSet([job("a", { parallelism: 3 })]))).toEqual([]);
  });
});

test("a Job that is not Indexed, or not so any more, keeps its size", () => {
  const sized = (completionMode: string, parallelism: number) => jobSet([job("a", { completionMode, parallelism })]);
  for (
    const [from, to] of [["NonIndexed", "NonIndexed"], ["Indexed", "NonIndexed"], ["NonIndexed", "Indexed"]] as const
  ) {
    const texts = update(sized(from, 2), sized(to, 3));
    expect(texts).toHaveLength(1);
    expect(texts[0]).toEndWith("field is immutable");
  }
});

test("without the gate no Job changes its size", () => {
  const texts = update(jobSet([job("a", { parallelism: 2 })]), jobSet([job("a", { parallelism: 0 })]), false);
  expect(texts).toHaveLength(1);
  expect(texts[0]).toEndWith("field is immutable");
});
