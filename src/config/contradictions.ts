import { formatDuration } from "../base/duration.ts";
import { leavesNothing } from "./cipher_suites.ts";
import type { ConfigFile } from "./config_file.ts";
import { isDns1035Label, isDns1123Subdomain } from "./names.ts";
import type { ControllerSettings, LeaderElectionSettings } from "./settings.ts";

interface Contradiction {
  /** The fields that do not fit each other; the first that the file gives is blamed. */
  readonly fields: readonly string[];
  readonly why: string;
}

/** client-go waits up to this much longer between two tries. */
const JITTER = 1.2;

/** What the settings do not allow together, each as a line that names file, line, column and field. */
export function contradictions(settings: ControllerSettings, file: ConfigFile): readonly string[] {
  const found = [
    ...(settings.leaderElection.leaderElect ? leaseTimes(settings.leaderElection) : []),
    ...names(settings),
    ...ciphers(settings),
    ...endpoints(settings),
  ];
  return found.map(({ fields, why }) => {
    const field = fields.find((candidate) => file.positions[candidate] !== undefined) ?? fields[0] ?? "";
    return `${file.path}:${file.positions[field] ?? "1:1"}: ${field}: ${why}`;
  });
}

/** As client-go demands: a holder must have noticed that it lost the lease before another may take it. */
function leaseTimes({ leaseDurationMs, renewDeadlineMs, retryPeriodMs }: LeaderElectionSettings): Contradiction[] {
  const [lease, renew, retry] = ["leaseDuration", "renewDeadline", "retryPeriod"].map((name) =>
    `leaderElection.${name}`
  );
  const [leaseText, renewText, retryText] = [leaseDurationMs, renewDeadlineMs, retryPeriodMs].map(formatDuration);
  const found: Contradiction[] = [];
  if (lease === undefined || renew === undefined || retry === undefined) return found;
  if (leaseDurationMs < 1000) {
    found.push({ fields: [lease], why: `${leaseText} is too short: a Lease counts whole seconds, so at least 1s` });
  }
  if (leaseDurationMs <= renewDeadlineMs) {
    found.push({
      fields: [lease, renew],
      why: `leaseDuration (${leaseText}) must be greater than renewDeadline (${renewText})`,
    });
  }
  if (renewDeadlineMs <= retryPeriodMs * JITTER) {
    found.push({
      fields: [renew, retry],
      why: `renewDeadline (${renewText}) must be greater than ${JITTER} times retryPeriod (${retryText})`,
    });
  }
  return found;
}

/** Spec 6.1: with internal certificates the names are used for objects and for the certificate's host. */
function names({ internalCertManagement: { enable, webhookServiceName, webhookSecretName } }: ControllerSettings) {
  const found: Contradiction[] = [];
  if (!enable) return found;
  if (!isDns1035Label(webhookServiceName)) {
    found.push({
      fields: ["internalCertManagement.webhookServiceName"],
      why: `"${webhookServiceName}" is not a DNS-1035 label: lower case letters, digits and '-', ` +
        "a letter first, no '-' last, at most 63",
    });
  }
  if (!isDns1123Subdomain(webhookSecretName)) {
    found.push({
      fields: ["internalCertManagement.webhookSecretName"],
      why: `"${webhookSecretName}" is not a DNS-1123 subdomain: lower case letters, digits, '-' and '.', ` +
        "a letter or digit first and last, at most 253",
    });
  }
  return found;
}

function ciphers({ tls: { minVersion, cipherSuites } }: ControllerSettings): Contradiction[] {
  const fields = ["tls.cipherSuites"];
  if (cipherSuites.length === 0) return [];
  if (minVersion === "VersionTLS13") {
    return [{ fields, why: "must be absent where minVersion is VersionTLS13: TLS 1.3 chooses its suites itself" }];
  }
  return leavesNothing(cipherSuites) ? [{ fields, why: "none of these can be served: all are broken or gone" }] : [];
}

function endpoints({ health: { livenessEndpointName, readinessEndpointName } }: ControllerSettings): Contradiction[] {
  if (livenessEndpointName !== readinessEndpointName) return [];
  return [{
    fields: ["health.livenessEndpointName", "health.readinessEndpointName"],
    why: `liveness and readiness need two names, not "${livenessEndpointName}" for both`,
  }];
}
