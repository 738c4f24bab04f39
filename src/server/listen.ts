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
  { host, port }: BindAddress,
  { what, flag }: Served,
  fetch: (request: Request) => Response | Promise<Response>,
): Bun.Server<undefined> {
  const hosts = host === undefined ? ["::", "0.0.0.0"] : [host];
  let failure: unknown;
  for (const hostname of hosts) {
    try {
      // With development off Bun shares the port among processes unless told not to: two would answer by turns.
      return Bun.serve({ hostname, port, fetch, idleTimeout: IDLE_SECONDS, development: false, reusePort: false });
    } catch (cause) {
      failure = cause;
      if (codeOf(cause) === "EADDRINUSE") break;
    }
  }
  const address = `${host === undefined ? "" : host.includes(":") ? `[${host}]` : host}:${port}`;
  const found = codeOf(failure) === "EADDRINUSE"
    ? "the port is taken by another process"
    : failure instanceof Error
    ? failure.message
    : String(failure);
  throw new Error(`serve ${what} on "${address}": ${found}; choose another address with ${flag}`, { cause: failure });
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && "code" in cause ? cause.code : undefined;
}
