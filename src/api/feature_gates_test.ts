import { expect, test } from "bun:test";
import { DEFAULT_FEATURE_GATES, FEATURE_GATE_NAMES, featureGateProblem, featureGates } from "./feature_gates.ts";

const ALL_ALPHA = {
  InPlaceRestart: true,
  RestartJob: true,
  ElasticJobSet: true,
  ExecutionAttemptsTracking: true,
  MutablePodResourcesForSuspendedJobSets: true,
  TLSOptions: true,
};

test("alpha gates are off by default, TLSOptions is on", () => {
  expect(featureGates({})).toEqual(DEFAULT_FEATURE_GATES);
  expect(FEATURE_GATE_NAMES.filter((name) => DEFAULT_FEATURE_GATES[name])).toEqual(["TLSOptions"]);
  expect(FEATURE_GATE_NAMES).toHaveLength(6);
});

test("each gate is set by its name", () => {
  for (const name of FEATURE_GATE_NAMES) {
    expect(featureGates({ [name]: true })).toEqual({ ...DEFAULT_FEATURE_GATES, [name]: true });
  }
});

test("AllAlpha sets every alpha gate but those that are named, in whatever order", () => {
  expect(featureGates({ AllAlpha: true })).toEqual(ALL_ALPHA);
  expect(featureGates({ AllAlpha: true, RestartJob: false })).toEqual({ ...ALL_ALPHA, RestartJob: false });
  expect(featureGates({ RestartJob: true, AllAlpha: false })).toEqual({ ...DEFAULT_FEATURE_GATES, RestartJob: true });
});

test("AllBeta sets no alpha gate and nothing that is generally available", () => {
  expect(featureGates({ AllBeta: true })).toEqual(DEFAULT_FEATURE_GATES);
  expect(featureGates({ AllBeta: false })).toEqual(DEFAULT_FEATURE_GATES);
});

test("an unknown gate and one that is locked are refused in Kubernetes' words", () => {
  expect(featureGateProblem("RestartJobs", true)).toBe("unrecognized feature gate: RestartJobs");
  expect(featureGateProblem("toString", true)).toBe("unrecognized feature gate: toString");
  expect(featureGateProblem("TLSOptions", false)).toBe(
    "cannot set feature gate TLSOptions to false, feature is locked to true",
  );
  for (const name of [...FEATURE_GATE_NAMES, "AllAlpha", "AllBeta"]) {
    expect(featureGateProblem(name, true)).toBeUndefined();
  }
});
