import { featureGates } from "../api/feature_gates.ts";
import type { ConfigFile } from "./config_file.ts";
import { ConfigFileError } from "./config_file_error.ts";
import { contradictions } from "./contradictions.ts";
import { type ControllerFlags, type FlagValues, readFlags } from "./flags.ts";
import { type ControllerSettings, DEFAULT_SETTINGS, DEFAULT_SETTINGS_OUTSIDE } from "./settings.ts";

export interface SettingsSources {
  readonly flags: ControllerFlags;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads and checks the file of `--config`; throws where it can't be used. */
  readonly readConfigFile: (path: string) => Promise<ConfigFile>;
}

/** Where metrics certificates lie that nobody else places; with internal certificates one is self-signed instead. */
const METRICS_CERT_DIR = "/tmp/k8s-metrics-server/serving-certs";

/** Flags over file over defaults (spec 6.1). Throws a UsageError or a ConfigFileError. */
export async function loadSettings({ flags, env, readConfigFile }: SettingsSources): Promise<ControllerSettings> {
  const given = readFlags(flags);
  const file = given.config === undefined ? undefined : await readConfigFile(given.config);
  const defaults = file === undefined && !isInCluster(given, env) ? DEFAULT_SETTINGS_OUTSIDE : DEFAULT_SETTINGS;
  const settings = combine(defaults, file?.values ?? {}, given);
  const problems = file === undefined ? [] : contradictions(settings, file);
  if (problems.length > 0) throw new ConfigFileError(problems);
  return settings;
}

/** The cluster that we talk to is the one that we run in: in the order in which access to it is looked for. */
function isInCluster({ kubeconfig, context }: FlagValues, env: SettingsSources["env"]): boolean {
  if (kubeconfig !== undefined || context !== undefined || env["KUBECONFIG"]) return false;
  return Boolean(env["KUBERNETES_SERVICE_HOST"] && env["KUBERNETES_SERVICE_PORT"]);
}

function combine(defaults: ControllerSettings, file: ConfigFile["values"], flags: FlagValues): ControllerSettings {
  const { webhook, leaderElection, metrics, health, internalCertManagement, clientConnection, tls } = file;
  const certs = overlay(defaults.internalCertManagement, internalCertManagement ?? {});
  return {
    kubeconfig: flags.kubeconfig,
    context: flags.context,
    namespace: flags.namespace,
    kubeApiQps: flags.kubeApiQps ?? clientConnection?.qps ?? defaults.kubeApiQps,
    kubeApiBurst: flags.kubeApiBurst ?? clientConnection?.burst ?? defaults.kubeApiBurst,
    logVerbosity: flags.logVerbosity ?? defaults.logVerbosity,
    health: overlay(defaults.health, {
      bindAddress: flags.healthBindAddress ?? health?.healthProbeBindAddress,
      livenessEndpointName: withoutSlash(health?.livenessEndpointName),
      readinessEndpointName: withoutSlash(health?.readinessEndpointName),
    }),
    metrics: {
      bindAddress: flags.metricsBindAddress ?? metrics?.bindAddress ?? defaults.metrics.bindAddress,
      certDir: metrics?.certDir ?? (certs.enable ? undefined : METRICS_CERT_DIR),
    },
    webhook: overlay(defaults.webhook, { host: webhook?.host, port: webhook?.port, certDir: webhook?.certDir }),
    leaderElection: overlay(defaults.leaderElection, {
      leaderElect: flags.leaderElect ?? leaderElection?.leaderElect,
      leaseDurationMs: leaderElection?.leaseDuration,
      renewDeadlineMs: leaderElection?.renewDeadline,
      retryPeriodMs: leaderElection?.retryPeriod,
      resourceName: leaderElection?.resourceName,
      resourceNamespace: leaderElection?.resourceNamespace,
    }),
    internalCertManagement: certs,
    tls: overlay(defaults.tls, {
      minVersion: tls?.minVersion === "VersionTLS13" ? "VersionTLS13" : undefined,
      cipherSuites: tls?.cipherSuites,
    }),
    featureGates: featureGates({ ...file.featureGates, ...flags.featureGates }),
  };
}

/** The defaults, but for what is given. */
function overlay<T extends object>(defaults: T, given: { readonly [K in keyof T]?: T[K] | undefined }): T {
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(present) };
}

function withoutSlash(path: string | undefined): string | undefined {
  return path?.replace(/^\/+/, "");
}
