import { expect, test } from "bun:test";
import { parseConfigFile } from "./config_file.ts";
import { ConfigFileError } from "./config_file_error.ts";
import type { ControllerFlags } from "./flags.ts";
import { loadSettings } from "./load_settings.ts";
import { type ControllerSettings, DEFAULT_SETTINGS, DEFAULT_SETTINGS_OUTSIDE } from "./settings.ts";

const IN_POD = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };

function settings(text: string, flags: ControllerFlags = {}): Promise<ControllerSettings> {
  return loadSettings({
    flags: { ...flags, config: "c.yaml" },
    env: {},
    readConfigFile: (path) => Promise.resolve(parseConfigFile(text, path)),
  });
}

async function problems(text: string, flags: ControllerFlags = {}): Promise<readonly string[]> {
  try {
    await settings(text, flags);
    return [];
  } catch (cause) {
    if (!(cause instanceof ConfigFileError)) throw cause;
    return cause.problems;
  }
}

function withoutFile(flags: ControllerFlags, env: Readonly<Record<string, string>>): Promise<ControllerSettings> {
  return loadSettings({ flags, env, readConfigFile: () => Promise.reject(new Error("no file was given")) });
}

test("an empty file gives the defaults, and so does one with every zero value that Go writes back", async () => {
  expect(await settings("")).toEqual(DEFAULT_SETTINGS);
  const written = `
apiVersion: config.jobset.x-k8s.io/v1alpha1
kind: Configuration
clientConnection: {burst: 0, qps: 0}
featureGates: null
health: {healthProbeBindAddress: "", livenessEndpointName: "", readinessEndpointName: ""}
internalCertManagement: {enable: null, webhookSecretName: null, webhookServiceName: ""}
leaderElection:
  leaderElect: null
  leaseDuration: 0s
  renewDeadline: 0s
  resourceLock: ""
  resourceName: ""
  resourceNamespace: ""
  retryPeriod: 0
metrics: {bindAddress: "", certDir: ""}
tls: {cipherSuites: null, minVersion: ""}
webhook: {certDir: "", host: "", port: 0}
`;
  expect(await settings(written)).toEqual(DEFAULT_SETTINGS);
  const sections = ["clientConnection", "featureGates", "health", "internalCertManagement", "leaderElection"];
  const empty = [...sections, "metrics", "tls", "webhook"].map((name) => `${name}: {}\n`).join("");
  expect(await settings(`kind: ""\napiVersion: ""\n${empty}`)).toEqual(DEFAULT_SETTINGS);
});

test("the file that Go writes back with all defaults filled in gives the defaults", async () => {
  const written = `
apiVersion: config.jobset.x-k8s.io/v1alpha1
clientConnection:
  burst: 500
  qps: 500
health:
  healthProbeBindAddress: :8081
internalCertManagement:
  enable: true
  webhookSecretName: jobset-webhook-server-cert
  webhookServiceName: jobset-webhook-service
kind: Configuration
leaderElection:
  leaderElect: true
  leaseDuration: 15s
  renewDeadline: 10s
  resourceLock: leases
  resourceName: 6d4f6a47.jobset.x-k8s.io
  resourceNamespace: ""
  retryPeriod: 2s
metrics:
  bindAddress: :8443
tls:
  minVersion: VersionTLS12
webhook:
  port: 9443
`;
  expect(await settings(written)).toEqual(DEFAULT_SETTINGS);
});

test("every field of the file reaches its setting", async () => {
  const text = `
webhook: {port: 9444, host: "::1", certDir: /certs}
leaderElection:
  leaderElect: true
  leaseDuration: 1m30s
  renewDeadline: 45s
  retryPeriod: 500ms
  resourceName: other.example.com
  resourceNamespace: team-a
metrics: {bindAddress: "0", certDir: /metrics}
health: {healthProbeBindAddress: "127.0.0.1:1", readinessEndpointName: /ready, livenessEndpointName: live}
internalCertManagement: {enable: false, webhookServiceName: s, webhookSecretName: a.b}
clientConnection: {qps: 12.5, burst: 20}
tls: {cipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}
featureGates: {RestartJob: true}
`;
  expect(await settings(text)).toEqual({
    kubeconfig: undefined,
    context: undefined,
    namespace: undefined,
    kubeApiQps: 12.5,
    kubeApiBurst: 20,
    logVerbosity: 0,
    health: { bindAddress: "127.0.0.1:1", livenessEndpointName: "live", readinessEndpointName: "ready" },
    metrics: { bindAddress: "0", certDir: "/metrics" },
    webhook: { isOn: true, host: "::1", port: 9444, certDir: "/certs" },
    leaderElection: {
      leaderElect: true,
      leaseDurationMs: 90_000,
      renewDeadlineMs: 45_000,
      retryPeriodMs: 500,
      resourceName: "other.example.com",
      resourceNamespace: "team-a",
    },
    internalCertManagement: { enable: false, webhookServiceName: "s", webhookSecretName: "a.b" },
    tls: { minVersion: "VersionTLS12", cipherSuites: ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"] },
    featureGates: { ...DEFAULT_SETTINGS.featureGates, RestartJob: true },
  });
  expect((await settings("tls: {minVersion: VersionTLS13}")).tls.minVersion).toBe("VersionTLS13");
});

test("false is a value", async () => {
  const read = await settings("leaderElection: {leaderElect: false}\ninternalCertManagement: {enable: false}\n");
  expect(read.leaderElection.leaderElect).toBe(false);
  expect(read.internalCertManagement.enable).toBe(false);
});

test("without internal certificates metrics have a folder of their own", async () => {
  expect((await settings("internalCertManagement: {enable: false}")).metrics.certDir).toBe(
    "/tmp/k8s-metrics-server/serving-certs",
  );
});

test("flags win over the file", async () => {
  const text = `
leaderElection: {leaderElect: true}
metrics: {bindAddress: :1}
health: {healthProbeBindAddress: :2, readinessEndpointName: ready}
clientConnection: {qps: 3, burst: 4}
featureGates: {RestartJob: true, InPlaceRestart: false, AllAlpha: false}
`;
  const read = await settings(text, {
    "leader-elect": "false",
    "metrics-bind-address": ":11",
    "health-probe-bind-address": ":12",
    "kube-api-qps": "13",
    "kube-api-burst": "14",
    "feature-gates": "RestartJob=false,AllAlpha=true",
    "zap-log-level": "2",
    namespace: "team-a",
    kubeconfig: "/k",
    context: "c",
  });
  expect(read).toEqual({
    ...DEFAULT_SETTINGS,
    kubeconfig: "/k",
    context: "c",
    namespace: "team-a",
    kubeApiQps: 13,
    kubeApiBurst: 14,
    logVerbosity: 2,
    health: { bindAddress: ":12", livenessEndpointName: "healthz", readinessEndpointName: "ready" },
    metrics: { bindAddress: ":11", certDir: undefined },
    leaderElection: { ...DEFAULT_SETTINGS.leaderElection, leaderElect: false },
    featureGates: {
      ...DEFAULT_SETTINGS.featureGates,
      ElasticJobSet: true,
      ExecutionAttemptsTracking: true,
      MutablePodResourcesForSuspendedJobSets: true,
    },
  });
});

test("in a cluster everything is on; elsewhere what only a cluster needs is off", async () => {
  expect(await withoutFile({}, IN_POD)).toEqual(DEFAULT_SETTINGS);
  expect(await withoutFile({}, {})).toEqual(DEFAULT_SETTINGS_OUTSIDE);
  expect(DEFAULT_SETTINGS_OUTSIDE).toMatchObject({
    leaderElection: { leaderElect: false },
    metrics: { bindAddress: "0" },
    webhook: { isOn: false },
  });
  // A Pod that is told of another cluster does not run in that one.
  expect(await withoutFile({}, { ...IN_POD, KUBECONFIG: "/k" })).toEqual(DEFAULT_SETTINGS_OUTSIDE);
  expect(await withoutFile({ kubeconfig: "/k" }, IN_POD)).toEqual({ ...DEFAULT_SETTINGS_OUTSIDE, kubeconfig: "/k" });
  expect(await withoutFile({ context: "c" }, IN_POD)).toEqual({ ...DEFAULT_SETTINGS_OUTSIDE, context: "c" });
});

test("outside a cluster flags turn leader election and metrics on", async () => {
  const read = await withoutFile({ "leader-elect": "true", "metrics-bind-address": ":8443" }, {});
  expect(read).toEqual({ ...DEFAULT_SETTINGS, webhook: DEFAULT_SETTINGS_OUTSIDE.webhook });
});

test("lease times are what client-go demands", async () => {
  const times = (lease: string, renew: string, retry: string) =>
    `leaderElection:\n  leaseDuration: ${lease}\n  renewDeadline: ${renew}\n  retryPeriod: ${retry}\n`;
  expect(await problems(times("3s", "2s", "1s"))).toEqual([]);
  expect(await problems(times("2s", "2s", "1s"))).toEqual([
    "c.yaml:2:3: leaderElection.leaseDuration: leaseDuration (2s) must be greater than renewDeadline (2s)",
  ]);
  expect(await problems(times("15s", "12s", "10s"))).toEqual([
    "c.yaml:3:3: leaderElection.renewDeadline: renewDeadline (12s) must be greater than 1.2 times retryPeriod (10s)",
  ]);
  expect(await problems(times("900ms", "500ms", "100ms"))).toEqual([
    "c.yaml:2:3: leaderElection.leaseDuration: 900ms is too short: a Lease counts whole seconds, so at least 1s",
  ]);
  // The defaults count too; the field that the file gives is the one that is named.
  expect(await problems("leaderElection:\n  renewDeadline: 15s\n")).toEqual([
    "c.yaml:2:3: leaderElection.renewDeadline: leaseDuration (15s) must be greater than renewDeadline (15s)",
  ]);
  expect(await problems("leaderElection:\n  retryPeriod: 9s\n")).toEqual([
    "c.yaml:2:3: leaderElection.retryPeriod: renewDeadline (10s) must be greater than 1.2 times retryPeriod (9s)",
  ]);
});

test("lease times do not matter where no lease is held", async () => {
  const text = "leaderElection:\n  leaderElect: false\n  leaseDuration: 2s\n";
  expect(await problems(text)).toEqual([]);
  expect(await problems(text, { "leader-elect": "true" })).toHaveLength(1);
});

test("the names of Service and Secret are checked where certificates are managed internally", async () => {
  const named = (enable: boolean, service: string, secret: string) =>
    `internalCertManagement:\n  enable: ${enable}\n  webhookServiceName: ${service}\n  webhookSecretName: ${secret}\n`;
  expect(await problems(named(true, "my-service", "my.secret"))).toEqual([]);
  expect(await problems(named(true, "9-service", "My_Secret"))).toEqual([
    expect.stringContaining(
      'c.yaml:3:3: internalCertManagement.webhookServiceName: "9-service" is not a DNS-1035 label',
    ),
    expect.stringContaining('c.yaml:4:3: internalCertManagement.webhookSecretName: "My_Secret" is not a DNS-1123 sub'),
  ]);
  expect(await problems(named(true, "a".repeat(64), "a".repeat(254)))).toHaveLength(2);
  expect(await problems(named(true, "a".repeat(63), "a".repeat(253)))).toEqual([]);
  expect(await problems(named(false, "9-service", "My_Secret"))).toEqual([]);
});

test("cipher suites are for TLS 1.2 alone", async () => {
  expect(await problems("tls:\n  minVersion: VersionTLS13\n  cipherSuites: [TLS_AES_128_GCM_SHA256]\n")).toEqual([
    expect.stringContaining("c.yaml:3:3: tls.cipherSuites: must be absent where minVersion is VersionTLS13"),
  ]);
  expect(await problems("tls: {minVersion: VersionTLS13, cipherSuites: []}\n")).toEqual([]);
  expect(await problems("tls: {cipherSuites: [TLS_AES_128_GCM_SHA256]}\n")).toEqual([]);
  expect(await problems("tls: {cipherSuites: [TLS_RSA_WITH_RC4_128_SHA]}\n")).toEqual([
    expect.stringContaining("c.yaml:1:7: tls.cipherSuites: none of these can be served"),
  ]);
});

test("the two probes need two names", async () => {
  expect(await problems("health:\n  readinessEndpointName: /healthz\n")).toEqual([
    'c.yaml:2:3: health.readinessEndpointName: liveness and readiness need two names, not "healthz" for both',
  ]);
});
