import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { WorkQueue } from "../queue/work_queue.ts";
import type { ReconcileResult } from "./controller_metrics.ts";
import { createMetrics } from "./metrics.ts";
import { reconcileResult } from "./reconcile_result.ts";
import { samplesOf, testMetrics } from "./test_metrics.ts";

const CONTROLLER = 'controller="jobset"';
const QUEUE = 'name="jobset",controller="jobset"';

test("a controller has all its series from the start", () => {
  const { metrics, scrape } = testMetrics();
  expect(Object.keys(scrape()).filter((series) => series.includes('jobset"'))).toEqual([]);
  metrics.controller("jobset", { workers: 8 });
  expect(scrape()).toMatchObject({
    [`controller_runtime_reconcile_total{${CONTROLLER},result="success"}`]: 0,
    [`controller_runtime_reconcile_total{${CONTROLLER},result="error"}`]: 0,
    [`controller_runtime_reconcile_total{${CONTROLLER},result="requeue"}`]: 0,
    [`controller_runtime_reconcile_total{${CONTROLLER},result="requeue_after"}`]: 0,
    [`controller_runtime_reconcile_errors_total{${CONTROLLER}}`]: 0,
    [`controller_runtime_terminal_reconcile_errors_total{${CONTROLLER}}`]: 0,
    [`controller_runtime_reconcile_panics_total{${CONTROLLER}}`]: 0,
    [`controller_runtime_reconcile_time_seconds_count{${CONTROLLER}}`]: 0,
    [`controller_runtime_max_concurrent_reconciles{${CONTROLLER}}`]: 8,
    [`controller_runtime_active_workers{${CONTROLLER}}`]: 0,
    [`workqueue_depth{${QUEUE},priority="0"}`]: 0,
    [`workqueue_adds_total{${QUEUE}}`]: 0,
    [`workqueue_retries_total{${QUEUE}}`]: 0,
    [`workqueue_queue_duration_seconds_count{${QUEUE}}`]: 0,
    [`workqueue_work_duration_seconds_count{${QUEUE}}`]: 0,
    [`workqueue_unfinished_work_seconds{${QUEUE}}`]: 0,
    [`workqueue_longest_running_processor_seconds{${QUEUE}}`]: 0,
  });
});

test("controllers are told apart", async () => {
  const { metrics, scrape } = testMetrics();
  metrics.controller("jobset", { workers: 8 });
  const pod = metrics.controller("pod", { workers: 2 });
  await pod.measure(() => Promise.resolve(), () => "success");
  expect(scrape()).toMatchObject({
    'controller_runtime_reconcile_total{controller="pod",result="success"}': 1,
    'controller_runtime_reconcile_total{controller="jobset",result="success"}': 0,
  });
});

test("a reconcile is timed, and counted by its result", async () => {
  const { clock, metrics, scrape } = testMetrics();
  const controller = metrics.controller("jobset", { workers: 8 });
  const results: readonly ReconcileResult[] = ["success", "success", "requeue", "requeue_after", "error"];
  for (const result of results) {
    const value = await controller.measure(() => {
      clock.advance(300);
      return Promise.resolve(result);
    }, (given) => given);
    expect(value).toBe(result);
  }
  expect(scrape()).toMatchObject({
    [`controller_runtime_reconcile_total{${CONTROLLER},result="success"}`]: 2,
    [`controller_runtime_reconcile_total{${CONTROLLER},result="requeue"}`]: 1,
    [`controller_runtime_reconcile_total{${CONTROLLER},result="requeue_after"}`]: 1,
    [`controller_runtime_reconcile_total{${CONTROLLER},result="error"}`]: 1,
    [`controller_runtime_reconcile_errors_total{${CONTROLLER}}`]: 1,
    [`controller_runtime_reconcile_panics_total{${CONTROLLER}}`]: 0,
    [`controller_runtime_reconcile_time_seconds_bucket{${CONTROLLER},le="0.25"}`]: 0,
    [`controller_runtime_reconcile_time_seconds_bucket{${CONTROLLER},le="0.3"}`]: 5,
    [`controller_runtime_reconcile_time_seconds_sum{${CONTROLLER}}`]: 1.5,
  });
});

test("a reconcile that throws is an error, and an unexpected one", async () => {
  const { metrics, scrape } = testMetrics();
  const controller = metrics.controller("jobset", { workers: 8 });
  const failing = controller.measure(() => Promise.reject(new Error("broken")), () => "success");
  await expect(failing).rejects.toThrow("broken");
  expect(scrape()).toMatchObject({
    [`controller_runtime_reconcile_total{${CONTROLLER},result="error"}`]: 1,
    [`controller_runtime_reconcile_errors_total{${CONTROLLER}}`]: 1,
    [`controller_runtime_reconcile_panics_total{${CONTROLLER}}`]: 1,
    [`controller_runtime_active_workers{${CONTROLLER}}`]: 0,
  });
});

test("reconciles under way are told", async () => {
  const { metrics, scrape } = testMetrics();
  const controller = metrics.controller("jobset", { workers: 8 });
  const { promise, resolve } = Promise.withResolvers<void>();
  const running = [1, 2].map(() => controller.measure(() => promise, () => "success"));
  expect(scrape()[`controller_runtime_active_workers{${CONTROLLER}}`]).toBe(2);
  resolve();
  await Promise.all(running);
  expect(scrape()[`controller_runtime_active_workers{${CONTROLLER}}`]).toBe(0);
});

test("outcomes are told in the words of the metric", () => {
  expect(reconcileResult({ kind: "done" })).toBe("success");
  expect(reconcileResult({ kind: "done", lookAgainMs: 5 })).toBe("requeue_after");
  expect(reconcileResult({ kind: "again" })).toBe("requeue_after");
  expect(reconcileResult({ kind: "backOff", isError: true })).toBe("error");
  expect(reconcileResult({ kind: "backOff", isError: false })).toBe("requeue");
});

test("a work queue tells its depth, adds, retries, waits and work", async () => {
  const clock = new FakeClock();
  const metrics = createMetrics({ clock });
  const controller = metrics.controller("jobset", { workers: 8 });
  const queue = new WorkQueue({ clock, metrics: controller.queue });
  controller.observe(queue);
  const never = new AbortController().signal;
  for (const key of ["a", "b", "c"]) queue.add(key);
  clock.advance(2000);
  await queue.next(never);
  await queue.next(never);
  clock.advance(30_000);
  queue.done("a");
  queue.addRateLimited("a");
  expect(samplesOf(metrics.text())).toMatchObject({
    [`workqueue_depth{${QUEUE},priority="0"}`]: 1,
    [`workqueue_adds_total{${QUEUE}}`]: 3,
    [`workqueue_retries_total{${QUEUE}}`]: 1,
    [`workqueue_queue_duration_seconds_count{${QUEUE}}`]: 2,
    [`workqueue_queue_duration_seconds_sum{${QUEUE}}`]: 4,
    [`workqueue_queue_duration_seconds_bucket{${QUEUE},le="1"}`]: 0,
    [`workqueue_queue_duration_seconds_bucket{${QUEUE},le="10"}`]: 2,
    [`workqueue_work_duration_seconds_sum{${QUEUE}}`]: 30,
    [`workqueue_unfinished_work_seconds{${QUEUE}}`]: 30,
    [`workqueue_longest_running_processor_seconds{${QUEUE}}`]: 30,
  });
});

test("the bounds of histograms are those of Go programs, to the letter", () => {
  const { metrics, scrape } = testMetrics();
  metrics.controller("jobset", { workers: 8 });
  const samples = Object.keys(scrape());
  const bounds = (name: string) =>
    samples.filter((series) => series.startsWith(`${name}_bucket`)).map((series) => /le="([^"]*)"/.exec(series)?.[1]);
  expect(bounds("workqueue_work_duration_seconds")).toEqual(
    "1e-08 1e-07 1e-06 9.999999999999999e-06 9.999999999999999e-05 0.001 0.01 0.1 1 10 100 1000 +Inf".split(" "),
  );
  expect(bounds("workqueue_queue_duration_seconds")).toEqual(bounds("workqueue_work_duration_seconds"));
  expect(bounds("controller_runtime_reconcile_time_seconds")).toEqual(
    ("0.005 0.01 0.025 0.05 0.1 0.15 0.2 0.25 0.3 0.35 0.4 0.45 0.5 0.6 0.7 0.8 0.9 1 1.25 1.5 1.75 2 2.5 3 3.5 4 4.5 " +
      "5 6 7 8 9 10 15 20 25 30 40 50 60 +Inf").split(" "),
  );
});
