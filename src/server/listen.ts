import type { BindAddress } from "../base/bind_address.ts";

/** What is served, for the message where it can't be. */
export interface Served {
  readonly what: string;
  /** The flag that moves it elsewhere. */
  readonly flag: string;
}

/** Seconds without a byte after which a connection is closed; Bun's own 10 would race clients that reuse theirs. */
const IDLE_SECONDS = 120;

/** Serves plain HTTP. Without a host it listens on IPv6 and IPv4, on IPv4 alone where the machine has no IPv6. */
export function listen(
  address: BindAddress,
  served: Served,
  fetch: (request: Request) => Response | Promise<Response>,
): Bun.Server<undefined> {
  const { port } = address;
  let failure: unknown;
  for (const hostname of hostsOf(address)) {
    try {
      // With development off Bun shares the port among processes unless told not to: two would answer by turns.
      return Bun.serve({ hostname, port, fetch, idleTimeout: IDLE_SECONDS, development: false, reusePort: false });
    } catch (cause) {
      failure = cause;
      if (codeOf(cause) === "EADDRINUSE") break;
    }
  }
  throw listenError(address, served, failure);
}

/** The addresses to try, one after the other. */
export function hostsOf({ host }: BindAddress): readonly string[] {
  return host === undefined ? ["::", "0.0.0.0"] : [host];
}

/** One line that says what could not be served, where, why, and what to do. */
export function listenError({ host, port }: BindAddress, { what, flag }: Served, cause: unknown): Error {
  const address = `${host === undefined ? "" : host.includes(":") ? `[${host}]` : host}:${port}`;
  const found = codeOf(cause) === "EADDRINUSE"
    ? "the port is taken by another process"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new Error(`serve ${what} on "${address}": ${found}; choose another address with ${flag}`, { cause });
}

/** The code of a system error, such as EADDRINUSE. */
export function codeOf(cause: unknown): unknown {
  return cause instanceof Error && "code" in cause ? cause.code : undefined;
}
