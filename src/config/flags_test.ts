import { expect, test } from "bun:test";
import { readFlags } from "./flags.ts";

const NOTHING: ReturnType<typeof readFlags> = {
  config: undefined,
  kubeconfig: undefined,
  context: undefined,
  namespace: undefined,
  kubeApiQps: undefined,
  kubeApiBurst: undefined,
  logVerbosity: undefined,
  healthBindAddress: undefined,
  metricsBindAddress: undefined,
  leaderElect: undefined,
  featureGates: {},
};

test("without flags nothing is said; empty values and 0 count as absent", () => {
  expect(readFlags({})).toEqual(NOTHING);
  expect(readFlags({
    config: "",
    kubeconfig: "",
    context: "",
    namespace: "",
    "kube-api-qps": "0",
    "kube-api-burst": "0",
    "zap-log-level": "",
    "health-probe-bind-address": "",
    "metrics-bind-address": "",
    "leader-elect": "",
    "feature-gates": "",
  })).toEqual(NOTHING);
});

test("every flag is read", () => {
  expect(readFlags({
    config: "/etc/jobset/config.yaml",
    kubeconfig: "/etc/kube config",
    context: "kind-a",
    namespace: "team-a",
    "kube-api-qps": "12.5",
    "kube-api-burst": "20",
    "zap-log-level": "debug",
    "health-probe-bind-address": "0",
    "metrics-bind-address": "127.0.0.1:8443",
    "leader-elect": "false",
    "feature-gates": "RestartJob=true, InPlaceRestart = false",
  })).toEqual({
    config: "/etc/jobset/config.yaml",
    kubeconfig: "/etc/kube config",
    context: "kind-a",
    namespace: "team-a",
    kubeApiQps: 12.5,
    kubeApiBurst: 20,
    logVerbosity: 1,
    healthBindAddress: "0",
    metricsBindAddress: "127.0.0.1:8443",
    leaderElect: false,
    featureGates: { RestartJob: true, InPlaceRestart: false },
  });
});

test("log levels are names or numbers", () => {
  const levels = ["error", "info", "debug", "Debug", "0", "2", "10"];
  const read = levels.map((level) => readFlags({ "zap-log-level": level }).logVerbosity);
  expect(read).toEqual([-1, 0, 1, 1, 0, 2, 10]);
});

test("yes and no are what Go takes for them", () => {
  const words = ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];
  const read = words.map((word) => readFlags({ "leader-elect": word }).leaderElect);
  expect(read).toEqual([...Array<boolean>(6).fill(true), ...Array<boolean>(6).fill(false)]);
});

test("of a gate that is named twice the last counts", () => {
  const { featureGates } = readFlags({ "feature-gates": "RestartJob=true,RestartJob=false,AllAlpha=true" });
  expect(featureGates).toEqual({ RestartJob: false, AllAlpha: true });
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
    ["metrics-bind-address", "8443", '--metrics-bind-address: "8443" is not an address such as ":8081"'],
    ["leader-elect", "yes", '--leader-elect: "yes" is neither true nor false'],
    ["feature-gates", "RestartJob", '--feature-gates: "RestartJob" is lacking a value: RestartJob=true or'],
    ["feature-gates", "RestartJob=on", '--feature-gates: "RestartJob=on" is neither true nor false'],
    ["feature-gates", "Restart=true", "--feature-gates: unrecognized feature gate: Restart"],
    [
      "feature-gates",
      "TLSOptions=false",
      "--feature-gates: cannot set feature gate TLSOptions to false, feature is locked to true",
    ],
  ];
  for (const [flag, value, message] of cases) {
    expect(() => readFlags({ [flag]: value })).toThrow(message);
  }
});
