import { DEFAULT_FEATURE_GATES, type FeatureGates } from "../api/feature_gates.ts";

export type TlsVersion = "VersionTLS12" | "VersionTLS13";

/** Everything that the controller is told from outside, checked and with its defaults (spec 6.1). */
export interface ControllerSettings {
  /** A kubeconfig file; undefined: KUBECONFIG, then in-cluster, then `~/.kube/config`. */
  readonly kubeconfig: string | undefined;
  /** The context of that file; undefined: its current one. */
  readonly context: string | undefined;
  /** The only namespace that is watched and reconciled; undefined: all of them. */
  readonly namespace: string | undefined;
  /** Requests per second to the API server. */
  readonly kubeApiQps: number;
  /** Requests that may go out at once after a pause. */
  readonly kubeApiBurst: number;
  /** What is logged: entries V(n) up to this n; -1 errors only. */
  readonly logVerbosity: number;
  readonly health: HealthSettings;
  readonly metrics: MetricsSettings;
  readonly webhook: WebhookSettings;
  readonly leaderElection: LeaderElectionSettings;
  readonly internalCertManagement: InternalCertSettings;
  readonly tls: TlsSettings;
  readonly featureGates: FeatureGates;
}

/** Where the probes are served; the names are paths without their leading slash. */
export interface HealthSettings {
  /** `0`: nowhere. */
  readonly bindAddress: string;
  readonly livenessEndpointName: string;
  readonly readinessEndpointName: string;
}

export interface MetricsSettings {
  /** `0`: nowhere. */
  readonly bindAddress: string;
  /** The folder of tls.crt and tls.key; undefined: a self-signed certificate. */
  readonly certDir: string | undefined;
}

export interface WebhookSettings {
  readonly isOn: boolean;
  /** Without brackets; undefined: every address. */
  readonly host: string | undefined;
  readonly port: number;
  /** The folder of tls.crt and tls.key where certificates are not managed internally. */
  readonly certDir: string;
}

export interface LeaderElectionSettings {
  readonly leaderElect: boolean;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  readonly resourceName: string;
  /** undefined: our own namespace. */
  readonly resourceNamespace: string | undefined;
}

export interface InternalCertSettings {
  readonly enable: boolean;
  readonly webhookServiceName: string;
  readonly webhookSecretName: string;
}

/** For the webhook and the metrics server. */
export interface TlsSettings {
  readonly minVersion: TlsVersion;
  /** IANA names that `isCipherSuite` knows; none: what the library holds good. */
  readonly cipherSuites: readonly string[];
}

export const DEFAULT_SETTINGS: ControllerSettings = {
  kubeconfig: undefined,
  context: undefined,
  namespace: undefined,
  kubeApiQps: 500,
  kubeApiBurst: 500,
  logVerbosity: 0,
  health: { bindAddress: ":8081", livenessEndpointName: "healthz", readinessEndpointName: "readyz" },
  metrics: { bindAddress: ":8443", certDir: undefined },
  webhook: { isOn: true, host: undefined, port: 9443, certDir: "/tmp/k8s-webhook-server/serving-certs" },
  leaderElection: {
    leaderElect: true,
    leaseDurationMs: 15_000,
    renewDeadlineMs: 10_000,
    retryPeriodMs: 2_000,
    resourceName: "6d4f6a47.jobset.x-k8s.io",
    resourceNamespace: undefined,
  },
  internalCertManagement: {
    enable: true,
    webhookServiceName: "jobset-webhook-service",
    webhookSecretName: "jobset-webhook-server-cert",
  },
  tls: { minVersion: "VersionTLS12", cipherSuites: [] },
  featureGates: DEFAULT_FEATURE_GATES,
};

/** Outside a cluster nobody calls our webhooks, scrapes us or competes with us, unless flag or file say so (spec 6.1). */
export const DEFAULT_SETTINGS_OUTSIDE: ControllerSettings = {
  ...DEFAULT_SETTINGS,
  metrics: { ...DEFAULT_SETTINGS.metrics, bindAddress: "0" },
  webhook: { ...DEFAULT_SETTINGS.webhook, isOn: false },
  leaderElection: { ...DEFAULT_SETTINGS.leaderElection, leaderElect: false },
};
