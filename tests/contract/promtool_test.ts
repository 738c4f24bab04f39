import { expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { createMetrics, type Metrics } from "../../src/metrics/metrics.ts";
import { checkMetrics, findPromtool } from "./promtool.ts";

/** At least one series of each metric, with values that were observed. */
async function observeAll(metrics: Metrics): Promise<void> {
  for (const name of ["jobset", "pod"] as const) {
    const controller = metrics.controller(name, { workers: 8 });
    controller.observe({ unfinishedSeconds: 0.25, longestRunningSeconds: 1e-7 });
    controller.queue.added();
    controller.queue.depth(3);
    controller.queue.waited(1e-7);
    controller.queue.worked(2000);
    controller.queue.retried();
    await controller.measure(() => Promise.resolve(), () => "requeue_after");
  }
  metrics.jobSets.finished({ namespace: "default", name: "a" }, "Completed");
  metrics.jobSets.finished({ namespace: "default", name: "b" }, "Failed");
  metrics.onRequest({ method: "GET", host: "[::1]:6443", path: "/", code: 0 });
  metrics.onRequest({ method: "GET", host: 'a "quoted" \\ host\n', path: "/", code: 200 });
  metrics.observeWatch("jobs", () => ({ restarts: 1, relists: 2, objects: 3 }));
  metrics.leading("6d4f6a47.jobset.x-k8s.io", true);
  metrics.certificateRead(false);
  metrics.crdChecked(true);
  const serve = metrics.measureWebhooks(["/validate"], () => new Response());
  await serve(new Request("https://host/validate"));
}

test("promtool accepts all metrics, and finds nothing to say of them", async () => {
  const promtool = await findPromtool();
  if ("reason" in promtool) return console.log(`promtool was not asked: ${promtool.reason}`);
  const metrics = createMetrics({ clock: systemClock() });
  expect(await checkMetrics(promtool.path, metrics.text())).toEqual({ code: 0, output: "" });
  await observeAll(metrics);
  expect(await checkMetrics(promtool.path, metrics.text())).toEqual({ code: 0, output: "" });
  const broken = await checkMetrics(promtool.path, `${metrics.text()}# TYPE x counter\nx{a="b} 1\n`);
  expect(broken.code).not.toBe(0);
});
