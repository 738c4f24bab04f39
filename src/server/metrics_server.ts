import { Hono } from "hono";
import { parseBindAddress } from "../base/bind_address.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ServingCertificate } from "../base/serving_certificate.ts";
import { type Access, AccessCheck, type ReviewClient } from "./access_check.ts";
import { SMALL_LIMITS } from "./limits.ts";
import { startTlsServer, type TlsServer, type TlsServerOptions } from "./tls_server.ts";

export interface MetricsRoutesOptions {
  readonly metrics: { readonly contentType: string; text(): string };
  /** The API server, asked who may read. */
  readonly client: ReviewClient;
  readonly clock: Clock;
  readonly log: Log;
}

export interface MetricsServerOptions extends MetricsRoutesOptions {
  /** As Go writes it: `:8443`; `0` is off. */
  readonly address: string;
  /** What is served, as soon as there is one. */
  readonly certificates: {
    readonly current: ServingCertificate | undefined;
    onChange(listener: (certificate: ServingCertificate) => void): void;
  };
  readonly tls: Pick<TlsServerOptions, "minVersion" | "cipherSuites">;
}

export interface MetricsServer {
  /** Undefined until there is a certificate. */
  readonly port: number | undefined;
  /** Never resolves; rejects with one clear line where it can't listen once there is a certificate. */
  readonly failed: Promise<never>;
  /** Answers what was asked, for at most `drainMs`, and closes. */
  stop(drainMs: number): Promise<void>;
}

const PATH = "/metrics";
const TOLD_AGAIN_MS = 60_000;

/** `GET /metrics` for those who may (spec 6.4): 401 without a valid token, 403 for those who may not, 500 where nobody says. */
export function metricsRoutes({ metrics, client, clock, log }: MetricsRoutesOptions): Hono {
  const access = new AccessCheck({ client, clock });
  let toldAtMs = -Infinity;
  const tell = (problem: string) => {
    const nowMs = clock.monotonic();
    if (nowMs - toldAtMs < TOLD_AGAIN_MS) return;
    toldAtMs = nowMs;
    log.error("metrics are not served: who asks for them cannot be checked", { error: problem });
  };
  const app = new Hono();
  app.get(PATH, async (context) => {
    const authorization = context.req.header("authorization") ?? null;
    const checked = await access.check({ authorization, path: PATH, verb: "get" });
    if (checked.kind === "unknown") tell(checked.problem);
    if (checked.kind !== "allowed") return refusal(checked);
    return context.body(metrics.text(), 200, {
      "content-type": metrics.contentType,
      "cache-control": "no-store",
    });
  });
  app.all(PATH, (context) => context.text("405 only GET is served\n", 405, { allow: "GET, HEAD" }));
  app.notFound((context) => context.text("404 page not found\n", 404));
  return app;
}

/** Serves `/metrics` over HTTPS; undefined where the address turns it off. Throws one clear line. */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer | undefined> {
  const { certificates, clock, log, tls } = options;
  const address = parseBindAddress(options.address);
  if (address === "off") return undefined;
  if (address === undefined) throw new Error(`serve metrics: "${options.address}" is not an address`);
  const app = metricsRoutes(options);
  const start = (certificate: ServingCertificate) =>
    startTlsServer({
      ...tls,
      address,
      served: { what: "metrics", flag: "--metrics-bind-address" },
      fetch: app.fetch,
      certificate,
      limits: SMALL_LIMITS,
      clock,
      log,
    });
  let server: TlsServer | undefined;
  let starting: Promise<void> | undefined;
  let isStopped = false;
  const failed = Promise.withResolvers<never>();
  // Whoever awaits `failed` hears of it; before that it is no unhandled rejection.
  failed.promise.catch(() => undefined);
  /** Called with the first certificate; if another has come by the time the server listens, that one is served. */
  const serve = async (certificate: ServingCertificate) => {
    const started = await start(certificate);
    const { current } = certificates;
    if (current !== undefined && current !== certificate) started.setCertificate(current);
    server = started;
  };
  if (certificates.current !== undefined) await serve(certificates.current);
  certificates.onChange((certificate) => {
    if (server !== undefined) return server.setCertificate(certificate);
    if (isStopped || starting !== undefined) return;
    starting = serve(certificate).catch(failed.reject);
  });
  return {
    failed: failed.promise,
    get port() {
      return server?.port;
    },
    async stop(drainMs) {
      isStopped = true;
      await starting;
      await server?.stop(drainMs);
    },
  };
}

function refusal(access: Exclude<Access, { kind: "allowed" }>): Response {
  switch (access.kind) {
    case "unauthenticated":
      return answer(401, "a valid bearer token is needed", { "www-authenticate": "Bearer" });
    case "forbidden":
      return answer(403, `user ${JSON.stringify(access.user)} may not get ${PATH}`);
    case "unknown":
      return answer(500, "who asks could not be checked: the API server gave no answer");
  }
}

function answer(status: number, line: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${line}\n`, { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers } });
}
