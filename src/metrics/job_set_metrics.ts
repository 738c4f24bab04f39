import type { Clock } from "../base/clock.ts";
import { objectKey } from "../api/names.ts";
import type { MetricRegistry } from "./metric_registry.ts";

export interface JobSetName {
  readonly namespace: string;
  readonly name: string;
}

/** What is counted per JobSet. */
export interface JobSetMetrics {
  /** Its terminal condition was written. */
  finished(jobSet: JobSetName, state: "Completed" | "Failed"): void;
  /** It is there: its series stay, even where a JobSet of this name was deleted before. */
  seen(jobSet: JobSetName): void;
  /** It is gone: its series go an hour later. */
  deleted(jobSet: JobSetName): void;
}

/** Spec 6.4: how long the series of a deleted JobSet stay, and of how many JobSets there are any. */
const KEPT_MS = 3_600_000;
const MAX_JOB_SETS = 1000;

/**
 * `jobset_completed_total` and `jobset_failed_total`, with bounded series (R75): beyond 1,000 JobSets those of the longest deleted
 * go at once, then, as finished JobSets may stay for years and count no more, those of the longest finished.
 */
export function createJobSetMetrics(registry: MetricRegistry, clock: Clock): JobSetMetrics {
  const labels = ["jobset_name", "namespace"] as const;
  /** In the order in which they finished or were deleted. */
  const finished = new Map<string, JobSetName>();
  const deleted = new Map<string, JobSetName & { readonly atMs: number }>();
  const dropExpired = () => {
    const nowMs = clock.monotonic();
    for (const [key, jobSet] of deleted) {
      if (nowMs - jobSet.atMs < KEPT_MS) return;
      drop(key, jobSet);
    }
  };
  const completions = registry.counter({
    name: "jobset_completed_total",
    help: "How often a JobSet of this name completed",
    labels,
    collect: dropExpired,
  });
  const failures = registry.counter({
    name: "jobset_failed_total",
    help: "How often a JobSet of this name failed",
    labels,
    collect: dropExpired,
  });
  const drop = (key: string, jobSet: JobSetName) => {
    finished.delete(key);
    deleted.delete(key);
    for (const counter of [completions, failures]) counter.remove(seriesOf(jobSet));
  };
  const dropExcess = () => {
    for (const jobSets of [deleted, finished]) {
      for (const [key, jobSet] of jobSets) {
        if (finished.size + deleted.size <= MAX_JOB_SETS) return;
        drop(key, jobSet);
      }
    }
  };
  return {
    finished({ namespace, name }, state) {
      const key = objectKey(namespace, name);
      finished.delete(key);
      deleted.delete(key);
      finished.set(key, { namespace, name });
      (state === "Completed" ? completions : failures).inc(seriesOf({ namespace, name }));
      dropExpired();
      dropExcess();
    },
    seen({ namespace, name }) {
      const key = objectKey(namespace, name);
      if (deleted.delete(key)) finished.set(key, { namespace, name });
    },
    deleted({ namespace, name }) {
      const key = objectKey(namespace, name);
      if (finished.delete(key)) deleted.set(key, { namespace, name, atMs: clock.monotonic() });
    },
  };
}

function seriesOf({ namespace, name }: JobSetName): { readonly jobset_name: string; readonly namespace: string } {
  return { jobset_name: name, namespace };
}
