/** What the queue reports as it happens (spec 6.4: workqueue_*). Durations in seconds, as Prometheus has them. */
export interface QueueMetrics {
  /** A key was added that was not waiting already. */
  added(): void;
  /** Keys that wait to be handed out. */
  depth(keys: number): void;
  /** How long a key waited between being added and being handed out. */
  waited(seconds: number): void;
  /** How long a key was worked on. */
  worked(seconds: number): void;
  /** A key was put back with back-off. */
  retried(): void;
}

/** For those who do not measure. */
export const NO_QUEUE_METRICS: QueueMetrics = {
  added() {},
  depth() {},
  waited() {},
  worked() {},
  retried() {},
};
