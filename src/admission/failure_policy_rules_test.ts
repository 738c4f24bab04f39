import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../base/json.ts";
import { gatesWith, group, newJobSet, problems } from "./test_job_set.ts";

const PATH = "spec.failurePolicy.rules";

function ofRules(rules: readonly JsonObject[], { gates = gatesWith(), replicas = 1 } = {}): readonly string[] {
  const withAction = rules.map((rule) => ({ action: "FailJobSet", ...rule }));
  const replicatedJobs = [group("a"), group("b", { replicas })];
  return problems(newJobSet({ replicatedJobs, failurePolicy: { rules: withAction } }), { gates });
}

describe("rule 8: a failure policy rule's name", () => {
  const length = (name: string) =>
    `${PATH}[0].name: Invalid value: "${name}": invalid failure policy rule name of length ${name.length}, ` +
    "the rule name must be at least 1 characters long and at most 128 characters long";
  const form = (name: string) =>
    `${PATH}[0].name: Invalid value: "${name}": invalid failure policy rule name '${name}', a failure policy rule name must ` +
    "start with an alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', " +
    "and must end with an alphanumeric character or '_'";

  test("has 1 to 128 characters", () => {
    for (const name of ["a", "A".repeat(128)]) expect(ofRules([{ name }])).toEqual([]);
    expect(ofRules([{ name: "a".repeat(129) }])).toEqual([length("a".repeat(129))]);
    expect(ofRules([{ name: "" }])).toEqual([length("")]);
    expect(ofRules([{}])).toEqual([length("")]);
  });

  test("starts with a letter and ends with a letter, a digit or _", () => {
    for (const name of ["a", "Z9", "a_,:b", "a_"]) expect(ofRules([{ name }])).toEqual([]);
    for (const name of ["1a", "_a", "a,", "a:", "a-b", "a b", "é"]) expect(ofRules([{ name }])).toEqual([form(name)]);
  });

  test("is its alone", () => {
    expect(ofRules([{ name: "a" }, { name: "b" }])).toEqual([]);
    expect(ofRules([{ name: "a" }, { name: "b" }, { name: "a" }, { name: "b" }, { name: "a" }])).toEqual([
      `${PATH}: Invalid value: "a": rule names are not unique, rules with indices [0 2 4] all have the same name 'a'`,
      `${PATH}: Invalid value: "b": rule names are not unique, rules with indices [1 3] all have the same name 'b'`,
    ]);
  });
});

test("rule 8: rules whose names are of wrong types are left to the schema, and are not the same", () => {
  expect(ofRules([{ name: 7 }, { name: 7 }, { name: {} }])).toEqual([]);
});

test("rule 8: a failure policy rule's reasons are those of the Job controller", () => {
  const known = [
    "BackoffLimitExceeded",
    "DeadlineExceeded",
    "FailedIndexes",
    "MaxFailedIndexesExceeded",
    "PodFailurePolicy",
  ];
  expect(ofRules([{ name: "a", onJobFailureReasons: known }])).toEqual([]);
  expect(ofRules([{ name: "a", onJobFailureReasons: ["PodFailurePolicy", "Tired"] }])).toEqual([
    `${PATH}[0].onJobFailureReasons[1]: Invalid value: "Tired": ` +
    "invalid job failure reason 'Tired' in failure policy is not a recognized job failure reason",
  ]);
});

test("rule 8: a failure policy rule's message patterns compile as RE2 (R69)", () => {
  expect(ofRules([{ name: "a", onJobFailureMessagePatterns: ["^a+$", "b"] }])).toEqual([]);
  expect(ofRules([{ name: "a" }, { name: "b", onJobFailureMessagePatterns: ["x", "[a"] }])).toEqual([
    `${PATH}[1].onJobFailureMessagePatterns[1]: Invalid value: "[a": must be a valid RE2 regular expression: ` +
    "error parsing regexp: missing closing ]: `[a`",
  ]);
});

test("rule 7: a failure policy rule names replicatedJobs that exist", () => {
  expect(ofRules([{ name: "a", targetReplicatedJobs: ["b", "a"] }])).toEqual([]);
  expect(ofRules([{ name: "a", targetReplicatedJobs: ["a", "c"] }])).toEqual([
    `${PATH}[0].targetReplicatedJobs[1]: Invalid value: "c": ` +
    "invalid replicatedJob name 'c' in failure policy does not appear in .spec.ReplicatedJobs",
  ]);
});

describe("rule 8: the actions that restart one Job", () => {
  const gates = gatesWith("RestartJob");

  test("need their gate, and the first such rule ends the failure policy's checks", () => {
    for (const action of ["RestartJob", "RestartJobAndIgnoreMaxRestarts"]) {
      expect(ofRules([{ name: "a", action }], { gates })).toEqual([]);
      expect(ofRules([{ name: "1" }, { name: "a", action }, { name: "2", action }, { name: "1" }])).toEqual([
        expect.stringContaining("invalid failure policy rule name '1'"),
        `${PATH}[1].action: Invalid value: "${action}": RestartJob and RestartJobAndIgnoreMaxRestarts failure policy ` +
        "actions are not allowed when RestartJob feature gate is disabled",
      ]);
    }
    for (const action of ["RestartJobSet", "RestartJobSetAndIgnoreMaxRestarts"]) {
      expect(ofRules([{ name: "a", action }])).toEqual([]);
    }
  });

  test("leave room for 1024 Jobs in the status", () => {
    const rules = [{ name: "a", action: "RestartJob" }];
    expect(ofRules(rules, { gates, replicas: 1024 })).toEqual([]);
    expect(ofRules([{ name: "a" }], { gates, replicas: 1025 })).toEqual([]);
    expect(ofRules(rules, { gates, replicas: 1025 })).toEqual([
      "spec.replicatedJobs[1].replicas: Invalid value: 1025: JobSet cannot have a failure policy rule with RestartJob or " +
      "RestartJobAndIgnoreMaxRestarts action and a replicated job with replicas > 1024",
    ]);
  });
});
