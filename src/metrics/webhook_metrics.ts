import type { Clock } from "../base/clock.ts";
import { REQUEST_BUCKETS } from "./buckets.ts";
import type { MetricRegistry } from "./metric_registry.ts";

/** A server's handler. */
export type Serve = (request: Request) => Response | Promise<Response>;

/** Series that are there from the start: what a webhook answers, and what it must not. */
const CODES = ["200", "500"];

/** Makes of a handler one that measures; only `paths` are, as anybody may ask for any other. */
export function createWebhookMetrics(
  registry: MetricRegistry,
  clock: Clock,
): (paths: readonly string[], serve: Serve) => Serve {
  const labels = ["webhook"] as const;
  const requests = registry.counter({
    name: "controller_runtime_webhook_requests_total",
    help: "Admission requests, by webhook and by the answer's HTTP code",
    labels: ["webhook", "code"],
  });
  const seconds = registry.histogram({
    name: "controller_runtime_webhook_latency_seconds",
    help: "How long admission requests took, by webhook",
    labels,
    buckets: REQUEST_BUCKETS,
  });
  const inFlight = registry.gauge({
    name: "controller_runtime_webhook_requests_in_flight",
    help: "Admission requests that are being served, by webhook",
    labels,
  });
  const measured = async (webhook: string, serve: () => Response | Promise<Response>) => {
    const startedAt = clock.monotonic();
    let code = "500";
    inFlight.change({ webhook }, 1);
    try {
      const response = await serve();
      code = String(response.status);
      return response;
    } finally {
      inFlight.change({ webhook }, -1);
      seconds.observe({ webhook }, (clock.monotonic() - startedAt) / 1000);
      requests.inc({ webhook, code });
    }
  };
  return (paths, serve) => {
    const known = new Set(paths);
    for (const webhook of known) {
      for (const code of CODES) requests.inc({ webhook, code }, 0);
      seconds.start({ webhook });
      inFlight.set({ webhook }, 0);
    }
    return (request) => {
      const { pathname } = new URL(request.url);
      return known.has(pathname) ? measured(pathname, () => serve(request)) : serve(request);
    };
  };
}
