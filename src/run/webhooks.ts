/** Serves the admission webhooks as soon as there is a certificate, on every replica (spec 6.3). */
import { aborted } from "../base/aborted.ts";
import type { FeatureGates } from "../api/feature_gates.ts";
import {
  admissionRoutes,
  MUTATE_PATH,
  MUTATE_POD_PATH,
  VALIDATE_PATH,
  VALIDATE_POD_PATH,
} from "../admission/routes.ts";
import type { PodLookUps } from "../admission/routes_pods.ts";
import type { CertificateSource } from "../certs/certificate_source.ts";
import type { TlsSettings, WebhookSettings } from "../config/settings.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { WEBHOOK_LIMITS } from "../server/limits.ts";
import { startTlsServer, type TlsServer } from "../server/tls_server.ts";
import { claimLookUps } from "./claim_look_ups.ts";
import type { Parts } from "./watches.ts";

const PATHS = [MUTATE_PATH, VALIDATE_PATH, MUTATE_POD_PATH, VALIDATE_POD_PATH];

export interface WebhooksOptions extends Parts {
  readonly settings: WebhookSettings;
  readonly tls: TlsSettings;
  readonly gates: FeatureGates;
  readonly metrics: Metrics;
  readonly certificates: CertificateSource;
  readonly podLookUps: PodLookUps;
}

export class Webhooks {
  readonly #options: WebhooksOptions;
  #server: TlsServer | undefined;
  #isStopped = false;

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  /** Why calls can't succeed yet, for /readyz. */
  get problem(): string | undefined {
    const { problem } = this.#options.certificates;
    if (problem !== undefined) return `webhooks: ${problem}`;
    return this.#server === undefined ? "webhooks: the server does not listen yet" : undefined;
  }

  /** Resolves once the server listens, or the signal aborts. Throws one clear line where it can't. */
  async start(signal: AbortSignal): Promise<void> {
    const { certificates, settings, tls, metrics, clock, log, gates, client, podLookUps } = this.#options;
    const certificate = certificates.current ?? await Promise.race([next(certificates), aborted(signal)]);
    if (certificate === undefined || this.#isStopped) return;
    const routes = admissionRoutes({
      gates,
      clock,
      log,
      getClaim: claimLookUps(client),
      podLookUps,
    });
    const server = await startTlsServer({
      address: { host: settings.host, port: settings.port },
      served: { what: "webhooks", flag: "webhook.port of the configuration file" },
      fetch: metrics.measureWebhooks(PATHS, (request) => routes.fetch(request)),
      certificate,
      ...tls,
      limits: WEBHOOK_LIMITS,
      clock,
      log,
    });
    certificates.onChange((changed) => server.setCertificate(changed));
    if (certificates.current !== undefined) server.setCertificate(certificates.current);
    this.#server = server;
    log.info(0, "serving webhooks", { port: server.port });
    if (this.#isStopped) await server.stop(0);
  }

  /** From now on clients are told with each answer to connect anew: their next connection finds another replica. */
  retire(): void {
    this.#server?.retire();
  }

  /** Answers what was asked, for at most `drainMs`. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopped = true;
    await this.#server?.stop(drainMs);
  }
}

function next(certificates: CertificateSource) {
  return new Promise<NonNullable<CertificateSource["current"]>>((resolve) => certificates.onChange(resolve));
}
