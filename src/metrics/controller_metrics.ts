import type { Clock } from "../base/clock.ts";
import type { QueueMetrics } from "../queue/queue_metrics.ts";
import { QUEUE_BUCKETS, RECONCILE_BUCKETS } from "./buckets.ts";
import type { MetricRegistry } from "./metric_registry.ts";

/** Spec 6.4: what the controllers are called. */
export type ControllerName = "jobset" | "pod";

/** Spec 6.4: how a reconcile ended. */
export type ReconcileResult = "success" | "error" | "requeue" | "requeue_after";

const RESULTS: readonly ReconcileResult[] = ["error", "requeue", "requeue_after", "success"];

/** Every key of ours is of the same priority. */
const PRIORITY = "0";

/** What a queue says when it is asked. */
export interface QueueGauges {
  readonly unfinishedSeconds: number;
  readonly longestRunningSeconds: number;
}

/** What one controller reports. */
export interface ControllerMetrics {
  /** For its work queue. */
  readonly queue: QueueMetrics;
  /** The queue itself, which is asked at each scrape. */
  observe(queue: QueueGauges): void;
  /** One reconcile: how long it takes, how many run at once, how it ends. What it throws counts as an error and goes on. */
  measure<T>(reconcile: () => Promise<T>, resultOf: (value: T) => ReconcileResult): Promise<T>;
}

/** Makes what the controllers of a process report; each has its series from the start, at zero. */
export function createControllerMetrics(
  registry: MetricRegistry,
  clock: Clock,
): (name: ControllerName, options: { readonly workers: number }) => ControllerMetrics {
  const reconciles = reconcileMetrics(registry);
  const queues = queueMetrics(registry);
  return (name, { workers }) => {
    const controller = { controller: name };
    reconciles.start(controller, workers);
    return {
      ...queues(name),
      async measure(reconcile, resultOf) {
        const startedAt = clock.monotonic();
        let result: ReconcileResult = "error";
        reconciles.activeWorkers.change(controller, 1);
        try {
          const value = await reconcile();
          result = resultOf(value);
          return value;
        } catch (cause) {
          reconciles.panics.inc(controller);
          throw cause;
        } finally {
          reconciles.activeWorkers.change(controller, -1);
          reconciles.seconds.observe(controller, (clock.monotonic() - startedAt) / 1000);
          reconciles.total.inc({ ...controller, result });
          if (result === "error") reconciles.errors.inc(controller);
        }
      },
    };
  };
}

function reconcileMetrics(registry: MetricRegistry) {
  const labels = ["controller"] as const;
  const total = registry.counter({
    name: "controller_runtime_reconcile_total",
    help: "Reconciles, by controller and by how they ended",
    labels: ["controller", "result"],
  });
  const errors = registry.counter({
    name: "controller_runtime_reconcile_errors_total",
    help: "Reconciles that ended in an error, by controller",
    labels,
  });
  const terminalErrors = registry.counter({
    name: "controller_runtime_terminal_reconcile_errors_total",
    help: "Reconciles that ended in an error and are not tried again, by controller: none, here all are",
    labels,
  });
  const panics = registry.counter({
    name: "controller_runtime_reconcile_panics_total",
    help: "Reconciles that ended unexpectedly, by controller",
    labels,
  });
  const seconds = registry.histogram({
    name: "controller_runtime_reconcile_time_seconds",
    help: "How long reconciles took, by controller",
    labels,
    buckets: RECONCILE_BUCKETS,
  });
  const maxConcurrent = registry.gauge({
    name: "controller_runtime_max_concurrent_reconciles",
    help: "How many reconciles may run at once, by controller",
    labels,
  });
  const activeWorkers = registry.gauge({
    name: "controller_runtime_active_workers",
    help: "How many reconciles are running, by controller",
    labels,
  });
  const start = (controller: { readonly controller: ControllerName }, workers: number) => {
    for (const result of RESULTS) total.inc({ ...controller, result }, 0);
    for (const counter of [errors, terminalErrors, panics]) counter.inc(controller, 0);
    seconds.start(controller);
    maxConcurrent.set(controller, workers);
    activeWorkers.set(controller, 0);
  };
  return { start, total, errors, panics, seconds, activeWorkers };
}

function queueMetrics(
  registry: MetricRegistry,
): (name: ControllerName) => Pick<ControllerMetrics, "queue" | "observe"> {
  const labels = ["name", "controller"] as const;
  const observed = new Map<ControllerName, QueueGauges>();
  const read = (value: (queue: QueueGauges) => number, set: (name: ControllerName, value: number) => void) => () => {
    for (const [name, queue] of observed) set(name, value(queue));
  };
  const depth = registry.gauge({
    name: "workqueue_depth",
    help: "Keys that wait to be worked on, by queue and priority",
    labels: ["name", "controller", "priority"],
  });
  const adds = registry.counter({ name: "workqueue_adds_total", help: "Keys added, by queue", labels });
  const retries = registry.counter({
    name: "workqueue_retries_total",
    help: "Keys put back with back-off, by queue",
    labels,
  });
  const waits = registry.histogram({
    name: "workqueue_queue_duration_seconds",
    help: "How long keys waited before they were worked on, by queue",
    labels,
    buckets: QUEUE_BUCKETS,
  });
  const works = registry.histogram({
    name: "workqueue_work_duration_seconds",
    help: "How long keys were worked on, by queue",
    labels,
    buckets: QUEUE_BUCKETS,
  });
  const unfinished = registry.gauge({
    name: "workqueue_unfinished_work_seconds",
    help: "How long the keys that are being worked on have been so, all together, by queue",
    labels,
    collect: read((queue) => queue.unfinishedSeconds, (name, value) => unfinished.set(labelsOf(name), value)),
  });
  const longest = registry.gauge({
    name: "workqueue_longest_running_processor_seconds",
    help: "How long the key that has been worked on longest has been so, by queue",
    labels,
    collect: read((queue) => queue.longestRunningSeconds, (name, value) => longest.set(labelsOf(name), value)),
  });
  return (name) => {
    const queue = labelsOf(name);
    const withPriority = { ...queue, priority: PRIORITY };
    depth.set(withPriority, 0);
    for (const counter of [adds, retries]) counter.inc(queue, 0);
    for (const histogram of [waits, works]) histogram.start(queue);
    for (const gauge of [unfinished, longest]) gauge.set(queue, 0);
    return {
      queue: {
        added: () => adds.inc(queue),
        depth: (keys) => depth.set(withPriority, keys),
        waited: (seconds) => waits.observe(queue, seconds),
        worked: (seconds) => works.observe(queue, seconds),
        retried: () => retries.inc(queue),
      },
      observe: (gauges) => observed.set(name, gauges),
    };
  };
}

/** The queue of a controller has its name. */
function labelsOf(name: ControllerName): { readonly name: ControllerName; readonly controller: ControllerName } {
  return { name, controller: name };
}
