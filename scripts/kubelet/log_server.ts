/** The part of a kubelet's HTTPS server that `kubectl logs` needs: /containerLogs/NAMESPACE/POD/CONTAINER. */
import { createAuthority, createLeaf } from "../control_plane/certificates.ts";
import type { LogLine, PodLog } from "./pod_log.ts";

export interface LogServer {
  readonly port: number;
  stop(): Promise<void>;
}

export type FindLog = (namespace: string, pod: string) => PodLog | undefined;

export function serveLogs(findLog: FindLog): LogServer {
  // The API server is not told a kubelet authority, so it takes any certificate.
  const { certPem, keyPem } = createLeaf(createAuthority("kubelet"), {
    commonName: "kubelet",
    ipAddresses: ["127.0.0.1"],
  });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: certPem, key: keyPem },
    idleTimeout: 0,
    fetch(request) {
      const url = new URL(request.url);
      const [, kind, namespace = "", pod = "", container = ""] = url.pathname.split("/").map(decodeURIComponent);
      const log = kind === "containerLogs" ? findLog(namespace, pod) : undefined;
      if (log === undefined) return new Response(`no log of ${namespace}/${pod}\n`, { status: 404 });
      return logResponse(log, container, url.searchParams, request.signal);
    },
  });
  return { port: server.port ?? 0, stop: () => server.stop(true) };
}

function logResponse(log: PodLog, container: string, query: URLSearchParams, signal: AbortSignal): Response {
  const withTimes = query.get("timestamps") === "true";
  const text = (lines: readonly LogLine[]) =>
    lines.map((line) => `${withTimes ? `${line.at} ` : ""}${line.text}\n`).join("");
  const tail = query.get("tailLines");
  const first = tail === null ? log.of(container) : lastOf(log.of(container), Number(tail));
  if (query.get("follow") !== "true") return new Response(text(first));
  let sent = log.of(container).length;
  const body = new ReadableStream<string>({
    start(controller) {
      controller.enqueue(text(first));
      const unfollow = log.follow(() => {
        const lines = log.of(container);
        if (lines.length > sent) controller.enqueue(text(lines.slice(sent)));
        sent = lines.length;
        if (log.isClosed) end();
      });
      const end = () => {
        unfollow();
        signal.removeEventListener("abort", unfollow);
        controller.close();
      };
      signal.addEventListener("abort", unfollow, { once: true });
      if (log.isClosed) end();
    },
  });
  return new Response(body);
}

function lastOf(lines: readonly LogLine[], count: number): readonly LogLine[] {
  return count <= 0 ? [] : lines.slice(-count);
}
