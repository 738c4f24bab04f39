import type { ServingCertificate } from "../base/serving_certificate.ts";

/** Where the webhook server's certificate comes from (spec 6.2): our own CA, or files that somebody else renews. */
export interface CertificateSource {
  /** What to serve now; undefined until there is one. */
  readonly current: ServingCertificate | undefined;
  /** Calls `listener` with each new certificate, the first one included, once `current` is it. */
  onChange(listener: (certificate: ServingCertificate) => void): void;
  /** Why it is not ready yet, for /readyz; undefined from the moment that calls can succeed, and from then on. */
  readonly problem: string | undefined;
  /** Keeps the certificate good until the signal aborts. Rejects only where a rule of ours is broken. Call it once. */
  run(signal: AbortSignal): Promise<void>;
}
