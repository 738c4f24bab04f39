/** Whatever stands in files, flags and environment: it is taken, or refused in words on one line. Never a stack trace. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { readAgentSettings } from "../../src/agent/settings.ts";
import { FakeClock } from "../../src/base/fake_clock.ts";
import { escapeControls } from "../../src/base/logger.ts";
import { describeError } from "../../src/cli/error_line.ts";
import { runCommandLine } from "../../src/cli/command_line.ts";
import { accessFromKubeconfig } from "../../src/client/context_access.ts";
import { ClusterAccessError } from "../../src/client/cluster_access_error.ts";
import { parseKubeconfig } from "../../src/client/kubeconfig.ts";
import { parseConfigFile } from "../../src/config/config_file.ts";
import { ConfigFileError } from "../../src/config/config_file_error.ts";
import { readFlags } from "../../src/config/flags.ts";
import { loadSettings } from "../../src/config/load_settings.ts";
import { UsageError } from "../../src/config/usage_error.ts";
import { configMisfit } from "../../src/install/config_misfit.ts";
import { defaultInstallOptions, readInstallOptions } from "../../src/install/install_options.ts";
import { installObjects } from "../../src/install/install_objects.ts";
import { hasInternalCertificates, managerConfig } from "../../src/install/manager_config.ts";
import { oddly, oddText } from "./any_json.ts";
import { DEEP_JSON, LONG_YAML, yamlTexts } from "./yaml_texts.ts";

/** A second or two on a machine of its own, and the gate runs beside other work. */
setDefaultTimeout(60_000);

const SEED = 20260801;
const RUNS = { seed: SEED, numRuns: 250 };
const MAX_LINE = 8_192;

const CONFIG = {
  apiVersion: "config.jobset.x-k8s.io/v1alpha1",
  kind: "Configuration",
  webhook: { port: 9443, host: "10.0.0.1", certDir: "/certs" },
  leaderElection: {
    leaderElect: true,
    leaseDuration: "15s",
    renewDeadline: "10s",
    retryPeriod: "2s",
    resourceName: "r",
  },
  metrics: { bindAddress: ":8443" },
  health: { healthProbeBindAddress: ":8081", livenessEndpointName: "healthz", readinessEndpointName: "readyz" },
  internalCertManagement: { enable: true, webhookServiceName: "s", webhookSecretName: "t" },
  clientConnection: { qps: 500, burst: 500 },
  tls: { minVersion: "VersionTLS12", cipherSuites: ["TLS_AES_128_GCM_SHA256"] },
  featureGates: { RestartJob: true },
};
const KUBECONFIG = {
  apiVersion: "v1",
  kind: "Config",
  "current-context": "c",
  clusters: [{ name: "k", cluster: { server: "https://10.0.0.1:6443", "certificate-authority-data": "aGk=" } }],
  contexts: [{ name: "c", context: { cluster: "k", user: "u", namespace: "ns" } }],
  users: [{ name: "u", user: { token: "t" } }],
};
const configs = yamlTexts(oddly(fc.constant(CONFIG)));
const kubeconfigs = yamlTexts(oddly(fc.constant(KUBECONFIG)));
const log = { info: () => {}, error: () => {} };

/** What a call was refused with; undefined where it was not. */
async function refusedBy(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (cause) {
    return cause ?? "nothing";
  }
}

/** As the command line tells it. */
function linesOf(cause: unknown): readonly string[] {
  return cause instanceof ConfigFileError ? cause.problems.map(escapeControls) : [describeError(cause)];
}

function expectWords(cause: unknown, ...kinds: readonly (abstract new (...args: never[]) => Error)[]): void {
  if (cause === undefined) return;
  const lines = linesOf(cause);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.filter((line) => line === "" || line.includes("\n") || line.length > MAX_LINE)).toEqual([]);
  expect({ lines, isOfKind: kinds.some((kind) => cause instanceof kind) }).toEqual({ lines, isOfKind: true });
}

test("a configuration file is taken or refused in lines, and what is taken fits settings", async () => {
  let taken = 0;
  const check = async (text: string): Promise<void> => {
    const cause = await refusedBy(async () => {
      const file = parseConfigFile(text, "c.yaml");
      configMisfit(file.values);
      taken++;
      await loadSettings({ flags: { config: "c.yaml" }, env: {}, readConfigFile: () => Promise.resolve(file) });
    });
    expectWords(cause, ConfigFileError, UsageError);
  };
  for (const text of LONG_YAML) await check(text);
  await fc.assert(fc.asyncProperty(configs, check), RUNS);
  expect(taken).toBeGreaterThan(20);
});

test("a kubeconfig is taken or refused in one line", async () => {
  let taken = 0;
  const check = async (text: string): Promise<void> => {
    const cause = await refusedBy(async () => {
      const config = parseKubeconfig(text, "kubeconfig");
      taken++;
      const { credentials } = await accessFromKubeconfig(config, { clock: new FakeClock(), log });
      await credentials.current();
    });
    expectWords(cause, ClusterAccessError);
  };
  for (const text of LONG_YAML) await check(text);
  await fc.assert(fc.asyncProperty(kubeconfigs, check), RUNS);
  expect(taken).toBeGreaterThan(20);
});

test("a configuration that is found in the cluster gets its gates, or one line says why not", async () => {
  const check = async (base: string): Promise<void> => {
    const cause = await refusedBy(() => {
      hasInternalCertificates(managerConfig({ base, featureGates: { RestartJob: true }, hasCertManager: true }));
    });
    expectWords(cause, Error);
    if (cause !== undefined) expect(linesOf(cause).join()).not.toStartWith("unexpected");
  };
  for (const text of LONG_YAML) await check(text);
  // What is written back is indented: of a deep nest a megabyte.
  await fc.assert(fc.asyncProperty(configs.filter((text) => !DEEP_JSON.test(text)), check), RUNS);
});

const VALUES = [
  "",
  "true",
  "false",
  "x",
  "0",
  "1",
  "-1",
  "1e9",
  "0.5",
  ":8080",
  "10.0.0.1:80",
  "[::1]:1",
  "debug",
  "none",
];
const flagText = fc.oneof(
  fc.constantFrom(...VALUES, "RestartJob=true", "https://head:9443", "a=b,c", "registry/a:v1"),
  oddText,
);

function flagsOf(names: readonly string[]): fc.Arbitrary<Readonly<Record<string, string>>> {
  const one = fc.tuple(fc.constantFrom(...names), flagText);
  return fc.array(one, { maxLength: 3 }).map((entries) => Object.fromEntries(entries));
}

test("flags of the controller are taken or refused in one line that names the flag", async () => {
  const names = ["namespace", "kube-api-qps", "kube-api-burst", "zap-log-level", "health-probe-bind-address"];
  const more = ["metrics-bind-address", "leader-elect", "feature-gates"];
  await fc.assert(
    fc.asyncProperty(flagsOf([...names, ...more]), async (flags) => {
      const cause = await refusedBy(() => readFlags(flags));
      expectWords(cause, UsageError);
      if (cause !== undefined) expect(linesOf(cause).join()).toMatch(/^--[a-z-]+: /);
    }),
    RUNS,
  );
});

test("choices of an installation are taken or refused in one line, and what is taken can be printed", async () => {
  const names = ["namespace", "skip-namespace", "image", "image-pull-secret", "replicas", "feature-gates"];
  const more = ["cert-manager", "prometheus", "webhook-url"];
  const base = defaultInstallOptions("0.0.0");
  await fc.assert(
    fc.asyncProperty(flagsOf([...names, ...more]), async (flags) => {
      const cause = await refusedBy(() => {
        const objects = installObjects(readInstallOptions(flags, base));
        expect(objects.length).toBeGreaterThan(5);
      });
      expectWords(cause, UsageError);
    }),
    { seed: SEED, numRuns: 80 },
  );
});

test("the environment of an agent is taken or refused in one line", async () => {
  const variables = [
    "JOBSET_NAME",
    "POD_NAME",
    "WORKER_COMMAND",
    "STARTUP_PROBE_PATH",
    "STARTUP_PROBE_PORT",
    "NAMESPACE",
  ];
  await fc.assert(
    fc.asyncProperty(flagsOf([...variables, "IN_PLACE_RESTART_EXIT_CODE"]), flagText, async (env, file) => {
      const readFile = () => Promise.resolve(file);
      const cause = await refusedBy(() => readAgentSettings({ env, readFile, which: (name) => `/bin/${name}` }));
      if (cause === undefined) return;
      expect(linesOf(cause).join()).not.toMatch(/^unexpected|\n/);
      expect(cause).toHaveProperty("name", "AgentSettingsError");
    }),
    RUNS,
  );
});

test("any words after jobset end in an exit code, and a failure in lines that begin with error", async () => {
  const words = [
    "controller",
    "manifests",
    "version",
    "help",
    "--help",
    "--output",
    "--crds-only",
    "--",
    "-",
    "--config",
  ];
  const line = fc.array(fc.oneof(fc.constantFrom(...words, "--feature-gates", "--namespace=x"), flagText), {
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(line, async (args) => {
      let error = "";
      const code = await runCommandLine({
        name: "jobset",
        args,
        env: {},
        writeOut: () => {},
        writeError: (text) => void (error += text),
        signal: new AbortController().signal,
        loadController: () => Promise.resolve(() => Promise.resolve(0)),
      });
      if (code === 0) return expect(error).toBe("");
      expect(error).toMatch(/^(?:error: [^\n]+\n)+$/);
      expect(error).not.toMatch(/unexpected \w*Error/);
    }),
    { seed: SEED, numRuns: 100 },
  );
});
