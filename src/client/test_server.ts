/** For tests: what they share to talk to a server within the process. */

import { createServer, type Server, type Socket } from "node:net";
import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ClusterAccess } from "./cluster_access.ts";
import { type Credentials, fixedCredentials } from "./credentials.ts";
import { createKubeClient, type KubeClient, type KubeClientOptions } from "./kube_client.ts";

export const NO_CREDENTIALS: Credentials = { headers: {}, ca: undefined, cert: undefined, key: undefined };

export function silentLog(): Log {
  return { info: () => {}, error: () => {} };
}

export function testAccess(server: string, options: Partial<ClusterAccess> = {}): ClusterAccess {
  return {
    server,
    namespace: undefined,
    proxyUrl: undefined,
    tlsServerName: undefined,
    insecureSkipTlsVerify: false,
    credentials: fixedCredentials(NO_CREDENTIALS),
    source: "a test",
    ...options,
  };
}

/** A client of `server` without a rate limit. */
export function testClient(server: string, options: Partial<KubeClientOptions> = {}): KubeClient & { close(): void } {
  const access = testAccess(server);
  return createKubeClient({ access, env: {}, qps: 0, burst: 1, userAgent: "test", clock: systemClock(), ...options });
}

/** Waits until the condition holds; throws after 5 s. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`wait until ${what}: not within 5 s`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection: it resolved");
}

/** The servers of one test, and what else must be undone after it. */
export class TestServers {
  readonly #undo: (() => unknown)[] = [];

  /** A server; its base URL. */
  serve(fetch: (request: Request) => Response | Promise<Response>, tls?: Bun.TLSOptions): string {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch, ...(tls === undefined ? {} : { tls }) });
    this.cleanUp(() => server.stop(true));
    return `http${tls === undefined ? "" : "s"}://127.0.0.1:${server.port}`;
  }

  /** A server of bare sockets, for what no proper server does. */
  async serveSockets(onData: (socket: Socket, text: string, count: number) => void): Promise<string> {
    let count = 0;
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => sockets.delete(socket));
      socket.on("data", (data) => onData(socket, data.toString(), ++count));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.cleanUp(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return `http://127.0.0.1:${portOf(server)}`;
  }

  /** Sets a variable of this process until the test has ended. */
  setEnvironment(name: string, value: string): void {
    const before = process.env[name];
    process.env[name] = value;
    this.cleanUp(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }

  cleanUp(undo: () => unknown): void {
    this.#undo.push(undo);
  }

  async stop(): Promise<void> {
    for (const undo of this.#undo.splice(0)) await undo();
  }
}

export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
