import { Hono } from "hono";
import { parseBindAddress } from "../base/bind_address.ts";
import { listen } from "./listen.ts";

/** What is wrong, one line for each failing check, such as `jobsets: the cache is not synced`. */
export type Problem = readonly string[];

export interface HealthChecks {
  /** The loops of the process run. Failing it has the kubelet restart the process. */
  alive(): Problem | undefined;
  /** The process can do its work. */
  ready(): Problem | undefined;
}

export interface HealthServerOptions {
  /** As Go writes it: `:8081`, `127.0.0.1:8081`, `[::1]:8081`; `0` is off. */
  readonly address: string;
  readonly checks: HealthChecks;
  /** With or without a leading slash: `healthz` if left out (spec 6.1). */
  readonly livenessPath?: string;
  /** `readyz` if left out. */
  readonly readinessPath?: string;
}

export interface HealthServer {
  readonly port: number;
  /** Stops listening and closes what is open. */
  stop(): Promise<void>;
}

/** Routes of the health server: 200 `ok`, or 500 with one line for each failing check; `?verbose` tells what passed. */
export function healthRoutes(
  { checks, livenessPath = "healthz", readinessPath = "readyz" }: HealthServerOptions,
): Hono {
  const app = new Hono();
  const route = (path: string, check: () => Problem | undefined) => {
    const name = path.replace(/^\/+/, "");
    app.get(`/${name}`, (context) => {
      const problem = check() ?? [];
      if (problem.length > 0) {
        return context.text([...problem.map((line) => `[-]${line}`), `${name} check failed`, ""].join("\n"), 500);
      }
      return context.text(context.req.query("verbose") === undefined ? "ok" : `[+]${name} ok\n${name} check passed\n`);
    });
  };
  route(livenessPath, () => checks.alive());
  route(readinessPath, () => checks.ready());
  app.notFound((context) => context.text("404 page not found\n", 404));
  return app;
}

/** Serves the probes over plain HTTP; undefined where the address turns them off. Throws one clear line. */
export function startHealthServer(options: HealthServerOptions): HealthServer | undefined {
  const address = parseBindAddress(options.address);
  if (address === "off") return undefined;
  if (address === undefined) throw new Error(`serve health probes: "${options.address}" is not an address`);
  const app = healthRoutes(options);
  const server = listen(address, { what: "health probes", flag: "--health-probe-bind-address" }, app.fetch);
  return { port: server.port ?? address.port, stop: () => server.stop(true) };
}
