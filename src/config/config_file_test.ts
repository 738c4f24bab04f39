import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfigFile, readConfigFile } from "./config_file.ts";
import { ConfigFileError } from "./config_file_error.ts";

/** The mistakes of a file, without its path. */
function problems(text: string): readonly string[] {
  try {
    parseConfigFile(text, "c.yaml");
    return [];
  } catch (cause) {
    if (!(cause instanceof ConfigFileError)) throw cause;
    return cause.problems.map((line) => line.replace(/^c\.yaml:/, ""));
  }
}

function values(text: string): unknown {
  return parseConfigFile(text, "c.yaml").values;
}

test("every field is read", () => {
  const text = `
apiVersion: config.jobset.x-k8s.io/v1alpha1
kind: Configuration
webhook: {port: 9444, host: 10.0.0.1, certDir: /certs}
leaderElection:
  leaderElect: false
  leaseDuration: 1m30s
  renewDeadline: 45s
  retryPeriod: 500ms
  resourceLock: leases
  resourceName: other.example.com
  resourceNamespace: team-a
metrics: {bindAddress: "0", certDir: /metrics}
health: {healthProbeBindAddress: "127.0.0.1:1", readinessEndpointName: /ready, livenessEndpointName: live/now}
internalCertManagement: {enable: false, webhookServiceName: s, webhookSecretName: a.b}
clientConnection: {qps: 12.5, burst: 20}
tls: {minVersion: VersionTLS12, cipherSuites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}
featureGates: {RestartJob: true, AllAlpha: false}
`;
  expect(values(text)).toEqual({
    apiVersion: "config.jobset.x-k8s.io/v1alpha1",
    kind: "Configuration",
    webhook: { port: 9444, host: "10.0.0.1", certDir: "/certs" },
    leaderElection: {
      leaderElect: false,
      leaseDuration: 90_000,
      renewDeadline: 45_000,
      retryPeriod: 500,
      resourceLock: "leases",
      resourceName: "other.example.com",
      resourceNamespace: "team-a",
    },
    metrics: { bindAddress: "0", certDir: "/metrics" },
    health: {
      healthProbeBindAddress: "127.0.0.1:1",
      readinessEndpointName: "/ready",
      livenessEndpointName: "live/now",
    },
    internalCertManagement: { enable: false, webhookServiceName: "s", webhookSecretName: "a.b" },
    clientConnection: { qps: 12.5, burst: 20 },
    tls: {
      minVersion: "VersionTLS12",
      cipherSuites: ["TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
    },
    featureGates: { RestartJob: true, AllAlpha: false },
  });
});

test("JSON is YAML, and a file may say nothing", () => {
  expect(values('{"kind": "Configuration", "webhook": {"port": 1}}')).toEqual({
    kind: "Configuration",
    webhook: { port: 1 },
  });
  for (const text of ["", "# nothing\n", "null\n", "{}\n", "---\n"]) expect(values(text)).toEqual({});
});

test("an anchor may be used again", () => {
  expect(values("webhook: {certDir: &dir /certs}\nmetrics: {certDir: *dir}\n")).toEqual({
    webhook: { certDir: "/certs" },
    metrics: { certDir: "/certs" },
  });
});

test("yes, no, on and off without quotes are true and false, as for Go", () => {
  const words = ["y", "Yes", "ON", "true", "n", "No", "off", "false"];
  const read = words.map((word) => parseConfigFile(`leaderElection: {leaderElect: ${word}}`, "").values.leaderElection);
  expect(read.map((section) => section?.leaderElect)).toEqual([true, true, true, true, false, false, false, false]);
  expect(problems('leaderElection: {leaderElect: "yes"}')).toEqual([
    '1:18: leaderElection.leaderElect: must be true or false, not "yes"',
  ]);
});

test("an unknown field is named with its place and with what was probably meant", () => {
  expect(problems("kind: Configuration\nwebhook:\n  host: a\n  prot: 1\n")).toEqual([
    "4:3: webhook.prot: unknown field (did you mean port?)",
  ]);
  expect(problems("webhooks: {}\nleaderelection: {}\nnothing: 1\n")).toEqual([
    "1:1: webhooks: unknown field (did you mean webhook?)",
    "2:1: leaderelection: unknown field (did you mean leaderElection?)",
    "3:1: nothing: unknown field",
  ]);
  expect(problems("__proto__: 1\nwebhook: {constructor: 1}\n")).toEqual([
    "1:1: __proto__: unknown field",
    "2:11: webhook.constructor: unknown field",
  ]);
  expect(problems("webhook:\n  ? [a]\n  : 1\n")).toEqual(["2:5: webhook: a key that is no word"]);
});

test("a key given twice is named where it stands the second time", () => {
  expect(problems("webhook:\n  port: 1\n  port: 2\nwebhook: {}\n")).toEqual([
    "3:3: webhook.port: given twice",
    "4:1: webhook: given twice",
  ]);
  expect(problems("tls: {}\n'tls': {}\n")).toEqual(["2:1: tls: given twice"]);
});

test("what is no YAML is told with its place", () => {
  expect(problems("webhook:\n\tport: 1\n")).toEqual(["2:1: Tabs are not allowed as indentation"]);
  expect(problems("kind: Configuration\n---\nkind: Configuration\n")).toEqual([
    "2:1: a second document begins: only one can be read",
  ]);
  expect(problems("webhook: {port: !!odd 1}\n")).toEqual([expect.stringContaining("1:17: Unresolved tag")]);
  expect(problems("a: *none\n")).toEqual([expect.stringContaining("Unresolved alias")]);
  const bomb = [
    "a: &a [1,1,1,1,1,1,1,1,1,1]",
    ...Array.from("bcdefgh", (name, index) => {
      const before = String.fromCharCode("a".charCodeAt(0) + index);
      return `${name}: &${name} [${Array(10).fill(`*${before}`).join(",")}]`;
    }),
  ];
  expect(problems(bomb.join("\n"))).toEqual([expect.stringContaining("Excessive alias count")]);
});

test("every kind of wrong value is told with line, column and field", () => {
  const cases: [string, string][] = [
    ["- a", "1:1: must be a mapping, not a list"],
    ["text", '1:1: must be a mapping, not "text"'],
    ["kind: ConfigMap", '1:1: kind: must be "Configuration", not "ConfigMap"'],
    ["apiVersion: v1", '1:1: apiVersion: must be "config.jobset.x-k8s.io/v1alpha1", not "v1"'],
    ["kind: 7", "1:1: kind: must be a string, not 7"],
    ["webhook: 9443", "1:1: webhook: must be a mapping, not 9443"],
    ["webhook: [1]", "1:1: webhook: must be a mapping, not a list"],
    ["webhook:\n  port: x", '2:3: webhook.port: must be a whole number, not "x"'],
    ["webhook:\n  port: 1.5", "2:3: webhook.port: must be a whole number, not 1.5"],
    ["webhook:\n  port: 65536", "2:3: webhook.port: 65536 is not a port: 1 to 65535"],
    ["webhook:\n  port: -1", "2:3: webhook.port: -1 is not a port: 1 to 65535"],
    ["webhook:\n  host: a b", '2:3: webhook.host: "a b" is neither a name nor an IP address'],
    ["webhook:\n  host: 0.0.0.0:9443", '2:3: webhook.host: "0.0.0.0:9443" is neither a name nor an IP address'],
    ["webhook:\n  certDir: {}", "2:3: webhook.certDir: must be a string, not a mapping"],
    ["leaderElection:\n  leaderElect: 1", "2:3: leaderElection.leaderElect: must be true or false, not 1"],
    ["leaderElection:\n  leaseDuration: 15", "2:3: leaderElection.leaseDuration: must be a duration such as"],
    ["leaderElection:\n  renewDeadline: 1d", '2:3: leaderElection.renewDeadline: must be a duration such as "15s"'],
    ["leaderElection:\n  retryPeriod: -2s", '2:3: leaderElection.retryPeriod: "-2s" is negative'],
    ["leaderElection:\n  resourceLock: configmaps", '2:3: leaderElection.resourceLock: must be "leases", not'],
    ["leaderElection:\n  resourceName: A_b", '2:3: leaderElection.resourceName: "A_b" is not the name of an object'],
    ["leaderElection:\n  resourceNamespace: a.b", '2:3: leaderElection.resourceNamespace: "a.b" is not the name of a'],
    ["metrics:\n  bindAddress: 0", "2:3: metrics.bindAddress: must be a string, not 0"],
    ["metrics:\n  bindAddress: '8443'", '2:3: metrics.bindAddress: "8443" is not an address such as ":8081"'],
    ["metrics:\n  certDir: no", "2:3: metrics.certDir: must be a string, not false"],
    ["health:\n  healthProbeBindAddress: :x", '2:3: health.healthProbeBindAddress: ":x" is not an address'],
    ["health:\n  readinessEndpointName: a?b", '2:3: health.readinessEndpointName: "a?b" is not a path such as'],
    ["health:\n  livenessEndpointName: '/:id'", '2:3: health.livenessEndpointName: "/:id" is not a path such as'],
    ["internalCertManagement:\n  enable: 'false'", '2:3: internalCertManagement.enable: must be true or false, not "f'],
    ["clientConnection:\n  qps: -1", "2:3: clientConnection.qps: must be greater than 0, not -1"],
    ["clientConnection:\n  qps: .inf", "2:3: clientConnection.qps: must be a number"],
    ["clientConnection:\n  qps: .nan", "2:3: clientConnection.qps: must be a number"],
    ["clientConnection:\n  burst: 1.5", "2:3: clientConnection.burst: must be a whole number, not 1.5"],
    ["clientConnection:\n  burst: -1", "2:3: clientConnection.burst: must be greater than 0, not -1"],
    [
      "tls:\n  minVersion: VersionTLS10",
      "2:3: tls.minVersion: VersionTLS10 is not supported. Please use VersionTLS12 or VersionTLS13",
    ],
    ["tls:\n  cipherSuites: A", '2:3: tls.cipherSuites: must be a list of names, not "A"'],
    [
      "tls:\n  cipherSuites:\n  - TLS_AES_128_GCM_SHA256\n  - TLS_NULL",
      '4:5: tls.cipherSuites[1]: unknown cipher suite "TLS_NULL"',
    ],
    ["tls:\n  cipherSuites: [1]", "2:18: tls.cipherSuites[0]: must be a string, not 1"],
    ["featureGates: []", "1:1: featureGates: must be a mapping, not a list"],
    ["featureGates:\n  RestartJob: 1", "2:3: featureGates.RestartJob: must be true or false, not 1"],
    ["featureGates:\n  Restart: true", "2:3: featureGates.Restart: unrecognized feature gate: Restart"],
    [
      "featureGates:\n  TLSOptions: false",
      "2:3: featureGates.TLSOptions: cannot set feature gate TLSOptions to false, feature is locked to true",
    ],
  ];
  for (const [text, problem] of cases) {
    const found = problems(text);
    expect(found, text).toHaveLength(1);
    expect(found[0], text).toStartWith(problem);
  }
});

test("all mistakes are told at once, in the order of the file, and many are counted", () => {
  expect(problems('featureGates: {X: true, RestartJob: "a"}\nwebhook: {prot: 1, port: a}\nkind: x\n')).toEqual([
    "1:16: featureGates.X: unrecognized feature gate: X",
    '1:25: featureGates.RestartJob: must be true or false, not "a"',
    "2:11: webhook.prot: unknown field (did you mean port?)",
    '2:20: webhook.port: must be a whole number, not "a"',
    '3:1: kind: must be "Configuration", not "x"',
  ]);
  const many = problems(Array.from({ length: 30 }, (_, index) => `field${index}: 1`).join("\n"));
  expect(many).toHaveLength(21);
  expect(many.at(-1)).toEndWith("10 more mistakes");
});

test("a file that can't be read is named", async () => {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  try {
    const missing = join(folder, "none.yaml");
    await expect(readConfigFile(missing)).rejects.toThrow(`read --config "${missing}": no such file`);
    await expect(readConfigFile(folder)).rejects.toThrow(`read --config "${folder}": this is a directory`);
    const long = join(folder, "long.yaml");
    writeFileSync(long, "#".repeat(1024 * 1024 + 1));
    await expect(readConfigFile(long)).rejects.toThrow("longer than 1048576 bytes");
    const good = join(folder, "good.yaml");
    writeFileSync(good, "kind: Configuration\n");
    expect((await readConfigFile(good)).values).toEqual({ kind: "Configuration" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a deep nest is refused for that, and at once", () => {
  expect(problems("[".repeat(102) + "]".repeat(102))).toEqual(["1:102: nested more than 100 deep"]);
});
