import { expect, test } from "bun:test";
import { settingsFromFlags } from "./flags.ts";
import { DEFAULT_SETTINGS_OUTSIDE as DEFAULT_SETTINGS } from "./settings.ts";

test("without flags the defaults hold; empty values and 0 count as absent", () => {
  expect(settingsFromFlags({})).toEqual(DEFAULT_SETTINGS);
  expect(settingsFromFlags({
    kubeconfig: "",
    context: "",
    namespace: "",
    "kube-api-qps": "0",
    "kube-api-burst": "0",
    "zap-log-level": "",
    "health-probe-bind-address": "",
  })).toEqual(DEFAULT_SETTINGS);
});

test("every flag reaches its setting", () => {
  expect(settingsFromFlags({
    kubeconfig: "/etc/kube config",
    context: "kind-a",
    namespace: "team-a",
    "kube-api-qps": "12.5",
    "kube-api-burst": "20",
    "zap-log-level": "debug",
    "health-probe-bind-address": "0",
  })).toEqual({
    ...DEFAULT_SETTINGS,
    kubeconfig: "/etc/kube config",
    context: "kind-a",
    namespace: "team-a",
    kubeApiQps: 12.5,
    kubeApiBurst: 20,
    logVerbosity: 1,
    health: { ...DEFAULT_SETTINGS.health, bindAddress: "0" },
  });
});

test("log levels are names or numbers", () => {
  const levels = ["error", "info", "debug", "Debug", "0", "2", "10"];
  const read = levels.map((level) => settingsFromFlags({ "zap-log-level": level }).logVerbosity);
  expect(read).toEqual([-1, 0, 1, 1, 0, 2, 10]);
});

test("a value that can't be used is refused by name", () => {
  const cases: [string, string, string][] = [
    ["kube-api-qps", "fast", '--kube-api-qps: "fast" is not a positive number'],
    ["kube-api-qps", "-1", '--kube-api-qps: "-1" is not a positive number'],
    ["kube-api-burst", "1.5", '--kube-api-burst: "1.5" is not a whole number'],
    ["zap-log-level", "loud", '--zap-log-level: "loud" is none of debug, info, error and no number from 0'],
    ["zap-log-level", "-2", '--zap-log-level: "-2" is none of debug, info, error and no number from 0'],
    ["namespace", "Team A", '--namespace: "Team A" is not the name of a namespace'],
    ["health-probe-bind-address", "8081", '--health-probe-bind-address: "8081" is not an address such as ":8081"'],
  ];
  for (const [flag, value, message] of cases) {
    expect(() => settingsFromFlags({ [flag]: value })).toThrow(message);
  }
});
