/** Where the servers' certificates come from (spec 6.2, 6.4). */
import { FileCertificates } from "../certs/file_certificates.ts";
import { InternalCertificates } from "../certs/internal_certificates.ts";
import type { CertificateSource } from "../certs/certificate_source.ts";
import { SelfSignedCertificate } from "../certs/self_signed_certificate.ts";
import type { ControllerSettings } from "../config/settings.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Parts } from "./watches.ts";

export interface CertificateSources {
  /** Undefined where no webhooks are served. */
  readonly webhooks: CertificateSource | undefined;
  /** Undefined where no metrics are served. */
  readonly metrics: CertificateSource | undefined;
}

/** The sources that the settings ask for; one may be both. Each has to be run. */
export function certificateSources(
  { settings, parts, metrics, namespace }: {
    readonly settings: ControllerSettings;
    readonly parts: Parts;
    readonly metrics: Metrics;
    readonly namespace: string;
  },
): CertificateSources {
  const { webhook, internalCertManagement } = settings;
  const { clock, log } = parts;
  const fromFiles = (dir: string) => new FileCertificates({ dir, clock, log, onRead: metrics.certificateRead });
  const webhooks = !webhook.isOn ? undefined : internalCertManagement.enable
    ? new InternalCertificates({
      ...parts,
      namespace,
      serviceName: internalCertManagement.webhookServiceName,
      secretName: internalCertManagement.webhookSecretName,
    })
    : fromFiles(webhook.certDir);
  return { webhooks, metrics: metricsCertificates(settings, { webhooks, fromFiles, parts }) };
}

/** Whoever scrapes without a folder of certificates checks none: that of the webhooks does, where it is our own. */
function metricsCertificates(
  { metrics: { bindAddress, certDir }, internalCertManagement }: ControllerSettings,
  { webhooks, fromFiles, parts }: {
    readonly webhooks: CertificateSource | undefined;
    readonly fromFiles: (dir: string) => CertificateSource;
    readonly parts: Parts;
  },
): CertificateSource | undefined {
  if (bindAddress === "0") return undefined;
  if (certDir !== undefined) return fromFiles(certDir);
  return internalCertManagement.enable && webhooks !== undefined ? webhooks : new SelfSignedCertificate(parts);
}
