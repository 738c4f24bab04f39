import { messageOf } from "../base/message_of.ts";
import type { Barrier } from "./barrier.ts";

export interface ProbeBarrierOptions {
  readonly path: string;
  readonly port: number;
}

/** The kubelet asks on the Pod's address, be it IPv6 or IPv4; a machine may have no IPv6. */
const HOSTS = ["::", "0.0.0.0"];

/** Sidecar mode: a startup probe that answers 503 until the barrier is lifted, then 200 (spec 5.2). Throws one clear line. */
export function serveProbe({ path, port }: ProbeBarrierOptions): Barrier & { readonly port: number } {
  let isLifted = false;
  const wanted = pathOf(`http://probe${path}`);
  const server = listen(port, ({ url }) => {
    if (pathOf(url) !== wanted) return new Response("not found\n", { status: 404 });
    return isLifted ? new Response("lifted\n") : new Response("the barrier stands\n", { status: 503 });
  });
  return {
    port: server.port ?? port,
    lift: () => void (isLifted = true),
    pass: () => {},
    end: () => server.stop(true),
  };
}

/** As URLs write it, without a query. Of a request without a usable host Bun gives the path alone. */
function pathOf(url: string): string | undefined {
  return URL.parse(url.startsWith("/") ? `http://probe${url}` : url)?.pathname;
}

function listen(port: number, fetch: (request: Request) => Response): Bun.Server<undefined> {
  let failure: unknown;
  for (const hostname of HOSTS) {
    try {
      return Bun.serve({ hostname, port, fetch, development: false, reusePort: false });
    } catch (cause) {
      failure = cause;
      if (cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE") {
        throw new Error(
          `serve the startup probe on port ${port}: another process has it; choose another STARTUP_PROBE_PORT`,
        );
      }
    }
  }
  throw new Error(`serve the startup probe on port ${port}: ${messageOf(failure)}`);
}
