import type { Clock } from "../base/clock.ts";
import { type ControllerMetrics, type ControllerName, createControllerMetrics } from "./controller_metrics.ts";
import { createJobSetMetrics, type JobSetMetrics } from "./job_set_metrics.ts";
import { MetricRegistry } from "./metric_registry.ts";
import { type ProcessFacts, readProcessFacts, registerProcessMetrics } from "./process_metrics.ts";
import { createRequestMetrics, type SentRequest } from "./request_metrics.ts";
import { createWatchMetrics, type ObserveWatch } from "./watch_metrics.ts";
import { createWebhookMetrics, type Serve } from "./webhook_metrics.ts";

export interface MetricsOptions {
  readonly clock: Clock;
  readonly readProcess?: () => ProcessFacts;
  /** How many timers wait to fire; none where absent. */
  readonly timers?: () => number;
}

/** Everything that is measured (spec 6.4, 7.5): whoever has something to report is handed its part. */
export interface Metrics {
  /** Of `text`. */
  readonly contentType: string;
  /** All metrics, in Prometheus' text format. */
  text(): string;
  /** What a controller and its queue report. */
  readonly controller: (name: ControllerName, options: { readonly workers: number }) => ControllerMetrics;
  /** What is counted per JobSet. */
  readonly jobSets: JobSetMetrics;
  /** For the client of the API server. */
  readonly onRequest: (request: SentRequest) => void;
  /** A webhook server's handler, measured; the paths are those of the webhooks. */
  readonly measureWebhooks: (paths: readonly string[], serve: Serve) => Serve;
  /** A watch and its cache, asked at each scrape until it is taken back. */
  readonly observeWatch: ObserveWatch;
  /** Whether we hold the lease of this name. To be told once at the start, and at each change. */
  readonly leading: (lease: string, isLeader: boolean) => void;
  /** A certificate was read from files, or could not be. */
  readonly certificateRead: (isRead: boolean) => void;
  /** R28: whether the API server's CRD lacks fields that we know. */
  readonly crdChecked: (isOutdated: boolean) => void;
}

/** A registry of its own with everything in it; one per process. */
export function createMetrics({ clock, readProcess = readProcessFacts, timers = () => 0 }: MetricsOptions): Metrics {
  const registry = new MetricRegistry();
  const crdOutdated = registry.gauge({
    name: "jobset_crd_outdated",
    help: "1 where the CRD of the API server lacks fields that this controller knows, else 0",
  });
  const leader = registry.gauge({
    name: "leader_election_master_status",
    help: "1 where this process holds the lease of this name, else 0",
    labels: ["name"],
  });
  const reads = registry.counter({
    name: "certwatcher_read_certificate_total",
    help: "How often a certificate was read from files",
  });
  const readErrors = registry.counter({
    name: "certwatcher_read_certificate_errors_total",
    help: "How often a certificate could not be read from files",
  });
  const waiting = registry.gauge({
    name: "jobset_timers",
    help: "Timers that wait to fire",
    collect: () => waiting.set({}, timers()),
  });
  registerProcessMetrics(registry, { clock, read: readProcess });
  return {
    contentType: registry.contentType,
    text: () => registry.text(),
    controller: createControllerMetrics(registry, clock),
    jobSets: createJobSetMetrics(registry, clock),
    onRequest: createRequestMetrics(registry),
    measureWebhooks: createWebhookMetrics(registry, clock),
    observeWatch: createWatchMetrics(registry),
    leading: (name, isLeader) => leader.set({ name }, isLeader ? 1 : 0),
    certificateRead(isRead) {
      reads.inc({});
      if (!isRead) readErrors.inc({});
    },
    crdChecked: (isOutdated) => crdOutdated.set({}, isOutdated ? 1 : 0),
  };
}
