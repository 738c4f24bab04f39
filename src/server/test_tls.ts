/** For tests: TLS servers with certificates of a test CA, and clients that do what no HTTP library would. */
import { connect as connectTcp, type Socket } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ServingCertificate } from "../base/serving_certificate.ts";
import { makeTestCertificate } from "../client/test_certificates.ts";
import { WEBHOOK_LIMITS } from "./limits.ts";
import { startTlsServer, type TlsServer, type TlsServerOptions } from "./tls_server.ts";

const CA = makeTestCertificate({ commonName: "ca" });
const DEADLINE_MS = 10_000;

export function servingCertificate(commonName: string): ServingCertificate {
  return makeTestCertificate({
    commonName,
    issuer: CA,
    dnsNames: ["localhost"],
    ipAddresses: ["127.0.0.1"],
  });
}

export type TestServerOptions = Partial<Omit<TlsServerOptions, "limits">> & {
  readonly limits?: Partial<TlsServerOptions["limits"]>;
};

/** Ends what a test began. */
export class TlsTest {
  readonly errors: string[] = [];
  readonly #servers: TlsServer[] = [];
  readonly #sockets: Socket[] = [];

  async serve(options: TestServerOptions = {}): Promise<TlsServer> {
    const log: Log = { info: () => undefined, error: (message) => this.errors.push(message) };
    const server = await startTlsServer({
      address: { host: "127.0.0.1", port: 0 },
      served: { what: "webhooks", flag: "--webhook" },
      fetch: async (request) => new Response(`${(await request.text()).length} bytes`),
      certificate: servingCertificate("first"),
      minVersion: "VersionTLS12",
      cipherSuites: [],
      clock: systemClock(),
      log,
      ...options,
      limits: { ...WEBHOOK_LIMITS, ...options.limits },
    });
    this.#servers.push(server);
    return server;
  }

  /** A connection that stands. */
  async connect(server: TlsServer, options: ConnectionOptions = {}): Promise<RawClient> {
    const socket = connect({ host: "127.0.0.1", port: server.port, ca: CA.certPem, ...options });
    this.#sockets.push(socket);
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("closed before the handshake was done")));
    });
    return client;
  }

  /** A connection without TLS. */
  plain(server: TlsServer): RawClient {
    const socket = connectTcp({ host: "127.0.0.1", port: server.port });
    this.#sockets.push(socket);
    return new RawClient(socket);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.splice(0)) socket.destroy();
    for (const server of this.#servers.splice(0)) await server.stop(0);
    this.errors.length = 0;
  }
}

/** What a raw connection received, and whether it was closed. */
export class RawClient {
  readonly socket: Socket;
  received = "";
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Uint8Array) => this.received += Buffer.from(chunk).toString("latin1"));
    socket.on("error", () => undefined); // "close" follows
    socket.on("close", () => this.isClosed = true);
  }

  get commonName(): unknown {
    return (this.socket as TLSSocket).getPeerCertificate().subject.CN;
  }

  /** Sends a request and waits until its answer is there. */
  async post(body: string, path = "/"): Promise<string> {
    const before = this.received.length;
    this.socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await eventually("an answer", () => /\r\n\r\n.+/s.test(this.received.slice(before)) || this.isClosed);
    return this.received.slice(before);
  }

  closed(): Promise<void> {
    return eventually("the connection to be closed", () => this.isClosed);
  }
}

/** HTTPS by Bun's own client. */
export async function post(server: TlsServer, body: string, init: RequestInit = {}): Promise<Response> {
  const { port } = server;
  return await fetch(`https://127.0.0.1:${port}/`, { method: "POST", body, ...init, tls: { ca: CA.certPem } });
}

/** Waits for a condition; throws after ten seconds. */
export async function eventually(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`wait for ${what}: it did not come`);
    await Bun.sleep(5);
  }
}
