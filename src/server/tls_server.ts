/**
 * HTTPS whose certificate changes without a dropped connection. Bun's own TLS server keeps the certificate it began with, and
 * so does node:https (Bun 1.4.5); node:tls takes a new one. So node:tls ends the encryption and hands the bytes to Bun.serve, by
 * a socket of their own.
 */
import { messageOf } from "../base/message_of.ts";
import { connect } from "node:net";
import { createServer, type Server, type TlsOptions, type TLSSocket } from "node:tls";
import type { BindAddress } from "../base/bind_address.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ServingCertificate } from "../base/serving_certificate.ts";
import { isCipherSuite, leavesNothing, OPENSSL_CIPHERS, servedCipherSuites } from "../config/cipher_suites.ts";
import { ByteBudget } from "./byte_budget.ts";
import { innerPlace } from "./inner_place.ts";
import type { ServerLimits } from "./limits.ts";
import { codeOf, hostsOf, listenError, type Served } from "./listen.ts";
import { RequestGate } from "./request_gate.ts";
import { TlsConnection } from "./tls_connection.ts";

export interface TlsServerOptions {
  readonly address: BindAddress;
  readonly served: Served;
  readonly fetch: (request: Request) => Response | Promise<Response>;
  readonly certificate: ServingCertificate;
  readonly minVersion: "VersionTLS12" | "VersionTLS13";
  /** IANA names; none: the library's choice. */
  readonly cipherSuites: readonly string[];
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly log: Log;
}

export interface TlsServer {
  readonly port: number;
  /** That stand now, their handshakes done. */
  readonly connections: number;
  /** Under way. */
  readonly handshakes: number;
  /** For every handshake from now on; connections that stand are not touched. */
  setCertificate(certificate: ServingCertificate): void;
  /** Goes on as before, but asks each client with its next answer to come again by another connection: `stop` is near. */
  retire(): void;
  /** Takes no new connection, answers what was asked, and closes each connection once it is idle; after `drainMs` all of them. */
  stop(drainMs: number): Promise<void>;
}

/** How often deadlines are looked at. */
const CHECK_MS = 1_000;
/** While stopping: a connection that was quiet so long is closed; one that is in use hears it with its next answer. */
const QUIET_MS = 500;
const DRAIN_CHECK_MS = 50;
const LOOPBACK = "127.0.0.1";
/** The connections' own deadline comes first. */
const INNER_IDLE_SECONDS = 240;

/** Throws one clear line where the address is taken, or the certificate or the cipher suites are of no use. */
export async function startTlsServer(options: TlsServerOptions): Promise<TlsServer> {
  const server = new Front(options);
  await server.listen();
  return server;
}

class Front implements TlsServer {
  readonly #options: TlsServerOptions;
  readonly #behind: Bun.Server<undefined>;
  readonly #behindAddress: { readonly path: string } | { readonly host: string; readonly port: number };
  readonly #budget: ByteBudget;
  readonly #gate: RequestGate;
  /** In the order in which they came. */
  readonly #handshaking = new Set<{ destroy(): unknown }>();
  readonly #connections = new Set<TlsConnection>();
  #server: Server | undefined;
  #port = 0;
  #checkTimer: Timer | undefined;
  #isRetired = false;
  #isStopping = false;

  constructor(options: TlsServerOptions) {
    this.#options = options;
    this.#budget = new ByteBudget(options.limits.totalBytes);
    this.#gate = new RequestGate(options.limits.requests);
    const place = innerPlace({ platform: process.platform, env: process.env, id: crypto.randomUUID() });
    const behind: Bun.Serve.Options<undefined> = {
      ...("path" in place ? { unix: place.path } : { hostname: LOOPBACK, port: place.port }),
      development: false,
      // The front refuses what is too large: an answer amid the body would be lost with a reset.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request: Request) => this.#answer(request),
      error: (error: Error) => this.#failed(error),
    };
    // Bun heeds it for unix sockets too, but its types do not have it there.
    this.#behind = Bun.serve(Object.assign(behind, { idleTimeout: INNER_IDLE_SECONDS }));
    this.#behindAddress = "path" in place ? place : { host: LOOPBACK, port: this.#behind.port ?? 0 };
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get handshakes(): number {
    return this.#handshaking.size;
  }

  async listen(): Promise<void> {
    const { address, served, certificate } = this.#options;
    let failure: unknown;
    try {
      for (const host of hostsOf(address)) {
        const server = this.#createServer(this.#context(certificate));
        const problem = await listenOn(server, { host, port: address.port });
        if (problem === undefined) {
          this.#server = server;
          this.#port = portOf(server);
          return;
        }
        failure = problem;
        if (codeOf(problem) === "EADDRINUSE") break;
      }
    } catch (cause) {
      failure = cause;
    }
    await this.#behind.stop(true);
    throw listenError(address, served, failure);
  }

  setCertificate(certificate: ServingCertificate): void {
    try {
      this.#server?.setSecureContext(this.#context(certificate));
    } catch (error) {
      const found = messageOf(error);
      this.#options.log.error("the new certificate is not used, the one before stays", {
        server: this.#options.served.what,
        error: found,
      });
    }
  }

  retire(): void {
    this.#isRetired = true;
  }

  async stop(drainMs: number): Promise<void> {
    const { clock } = this.#options;
    this.retire();
    this.#isStopping = true;
    const closed = new Promise<void>((resolve) => {
      if (this.#server === undefined) resolve();
      else this.#server.close(() => resolve());
    });
    const startedAt = clock.monotonic();
    const isWithin = (mostMs: number) => clock.monotonic() < startedAt + Math.min(mostMs, drainMs);
    let quiet: ReadonlySet<TlsConnection> = new Set();
    while ((this.#connections.size > 0 && isWithin(drainMs)) || (this.#handshaking.size > 0 && isWithin(QUIET_MS))) {
      quiet = this.#closeQuiet(quiet);
      await new Promise<void>((resolve) => clock.after(DRAIN_CHECK_MS, resolve));
    }
    for (const connection of this.#connections) connection.destroy();
    for (const socket of this.#handshaking) socket.destroy();
    this.#checkTimer?.cancel();
    await this.#behind.stop(true);
    await closed;
  }

  /**
   * Closes who was quiet at the last check and still is, and says who is quiet now. Between two checks what has come in is read: a
   * process that was held up may have a request of any age in a socket.
   */
  #closeQuiet(before: ReadonlySet<TlsConnection>): ReadonlySet<TlsConnection> {
    const quietSince = this.#options.clock.monotonic() - QUIET_MS;
    const quiet = [...this.#connections].filter(({ isIdle, lastByteAt }) => isIdle && lastByteAt <= quietSince);
    for (const connection of quiet) if (before.has(connection)) connection.close();
    for (const connection of this.#connections) connection.check();
    return new Set(quiet);
  }

  #context({ certPem, keyPem }: ServingCertificate): TlsOptions {
    const { minVersion, cipherSuites } = this.#options;
    const ciphers = cipherList(cipherSuites);
    return {
      cert: certPem,
      key: keyPem,
      minVersion: minVersion === "VersionTLS13" ? "TLSv1.3" : "TLSv1.2",
      ...(ciphers === undefined ? {} : { ciphers }),
    };
  }

  #createServer(context: TlsOptions): Server {
    const { limits, log, served } = this.#options;
    const server = createServer({ ...context, handshakeTimeout: limits.handshakeMs, noDelay: true });
    server.on("connection", (socket) => this.#arrived(socket));
    server.on("secureConnection", (socket) => this.#accepted(socket));
    server.on("tlsClientError", (error, socket) => {
      log.info(4, "a handshake failed", { server: served.what, error: error.message });
      socket.destroy();
    });
    return server;
  }

  /** Before its handshake. */
  #arrived(socket: { destroy(): unknown; once(event: "close", listener: () => void): unknown }): void {
    if (!this.#makeRoom()) {
      socket.destroy();
      return;
    }
    this.#handshaking.add(socket);
    socket.once("close", () => this.#handshaking.delete(socket));
  }

  #makeRoom(): boolean {
    const { limits, log, served } = this.#options;
    if (this.#handshaking.size + this.#connections.size < limits.connections) return true;
    log.info(4, "there are too many connections", { server: served.what, connections: limits.connections });
    const leaving = this.#mostDispensable();
    if (leaving === undefined) return false;
    this.#handshaking.delete(leaving);
    leaving.destroy();
    return true;
  }

  /** A handshake takes milliseconds: the oldest under way is a client that says nothing. Else whoever has been quiet longest. */
  #mostDispensable(): { destroy(): unknown } | undefined {
    for (const socket of this.#handshaking) return socket;
    let quietest: TlsConnection | undefined;
    for (const connection of this.#connections) {
      if (connection.isIdle && connection.lastByteAt < (quietest?.lastByteAt ?? Infinity)) quietest = connection;
    }
    return quietest;
  }

  #accepted(outer: TLSSocket): void {
    this.#handshaking.delete(outer);
    const { limits, clock } = this.#options;
    const inner = connect(this.#behindAddress);
    const connection = new TlsConnection({ outer, inner, limits, budget: this.#budget, clock });
    this.#connections.add(connection);
    outer.once("close", () => this.#connections.delete(connection));
    this.#checkTimer ??= clock.after(CHECK_MS, () => this.#check());
  }

  #check(): void {
    this.#checkTimer = undefined;
    for (const connection of this.#connections) connection.check();
    if (this.#connections.size === 0 || this.#isStopping) return;
    this.#checkTimer = this.#options.clock.after(CHECK_MS, () => this.#check());
  }

  async #answer(request: Request): Promise<Response> {
    // Bun puts the Host header into the URL, whatever it is.
    const response = URL.canParse(request.url)
      ? await this.#gate.run(() => this.#options.fetch(request))
      : new Response("the Host header is not valid\n", { status: 400 });
    // Bytes that come after the answer would look like the next request.
    if (request.body !== null && !request.bodyUsed) await request.arrayBuffer().catch(() => undefined);
    if (this.#isRetired) response.headers.set("connection", "close");
    return response;
  }

  #failed(error: Error): Response {
    this.#options.log.error("a request failed", { server: this.#options.served.what, error: error.message });
    return new Response("internal error\n", { status: 500 });
  }
}

/** As OpenSSL writes them; undefined: the library's choice. The configuration has refused such names already. */
function cipherList(ianaNames: readonly string[]): string | undefined {
  const unknown = ianaNames.find((name) => !isCipherSuite(name));
  if (unknown !== undefined) throw new Error(`the cipher suite "${unknown}" is unknown`);
  if (leavesNothing(ianaNames)) throw new Error(`none of the cipher suites ${ianaNames.join(", ")} can be served`);
  const served = servedCipherSuites(ianaNames).flatMap((name) => OPENSSL_CIPHERS[name] ?? []);
  return served.length === 0 ? undefined : served.join(":");
}

/** Resolves with what went wrong, or with nothing once the server listens. */
function listenOn(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<unknown> {
  return new Promise((resolve) => {
    server.once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => {
      server.off("error", resolve);
      server.on("error", () => undefined); // of single connections: their own handlers tell
      resolve(undefined);
    });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
