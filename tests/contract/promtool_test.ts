import { expect, test } from "bun:test";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { createMetrics, type Metrics } from "../../src/metrics/metrics.ts";
import { fetchDebianPackage } from "../../scripts/debian_package.ts";

/** Debian 12's. A mirror keeps only the newest: where it has gone, this says so, and the new digest is to be set here. */
const PROMETHEUS = {
  name: "prometheus",
  version: "2.42.0+ds-5+deb12u1",
  arch: "amd64",
  sha256: "81d59a24fce84f7fbe97a45a4f2914b6a5881b5cd1db2a6a0e129e515e1a5f55",
};

/** promtool, from a package that is not installed; else why there is none. */
async function findPromtool(): Promise<{ readonly path: string } | { readonly reason: string }> {
  if (process.platform !== "linux" || process.arch !== "x64") return { reason: "the package is for linux-x64" };
  try {
    return { path: join(await fetchDebianPackage(PROMETHEUS, console.log), "usr", "bin", "promtool") };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

async function check(promtool: string, text: string): Promise<{ readonly code: number; readonly output: string }> {
  const child = Bun.spawn([promtool, "check", "metrics"], {
    stdin: new TextEncoder().encode(text),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, output: out + err };
}

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
  expect(await check(promtool.path, metrics.text())).toEqual({ code: 0, output: "" });
  await observeAll(metrics);
  expect(await check(promtool.path, metrics.text())).toEqual({ code: 0, output: "" });
  const broken = await check(promtool.path, `${metrics.text()}# TYPE x counter\nx{a="b} 1\n`);
  expect(broken.code).not.toBe(0);
});
