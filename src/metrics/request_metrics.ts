import type { MetricRegistry } from "./metric_registry.ts";

/** One request to the API server as it went. */
export interface SentRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** The HTTP code, 0 where none came. */
  readonly code: number;
}

const JOBS = /^\/apis\/batch\/v1\/namespaces\/[^/]+\/jobs(\/[^/]+)?$/;

/** What the client reports of each request: also how many Jobs were made and deleted, as that is told by the answers. */
export function createRequestMetrics(registry: MetricRegistry): (request: SentRequest) => void {
  const requests = registry.counter({
    name: "rest_client_requests_total",
    help: "Requests to the API server, by the answer's code, method and host",
    labels: ["code", "method", "host"],
  });
  const created = registry.counter({ name: "jobset_jobs_created_total", help: "Jobs that were created" });
  const deleted = registry.counter({ name: "jobset_jobs_deleted_total", help: "Jobs that were deleted" });
  return ({ method, host, path, code }) => {
    requests.inc({ code: code === 0 ? "<error>" : String(code), method, host });
    if (method !== "POST" && method !== "DELETE" || code < 200 || code > 299) return;
    const match = JOBS.exec(path);
    if (match === null) return;
    const isOneJob = match[1] !== undefined;
    if (method === "POST" && !isOneJob) created.inc({});
    if (method === "DELETE" && isOneJob) deleted.inc({});
  };
}
