/** SIGTERM (spec 6.3): what is under way is finished, the next instance goes on from there. */
import { expect } from "bun:test";
import { behindProxy, errorLines } from "./behind_proxy.ts";
import { JobRecord } from "./job_record.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();
const JOBS = 200;

e2e.test("SIGTERM in the middle of 200 creates: exit code 0 within 10 s, and the next instance makes just the rest", async (cluster) => {
  // Slow enough to be met in the middle.
  await behindProxy(cluster, async ({ controller }) => {
    const record = await JobRecord.start(cluster);
    const position = cluster.environment.auditPosition();
    await controller.start();
    await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: JOBS })]));
    await cluster.eventually("the first Jobs", () => Promise.resolve(record.of("js").length > 20));
    const startedAt = performance.now();
    expect(await controller.terminate()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    const made = (await cluster.jobs("js")).length;
    expect(made).toBeLessThan(JOBS);
    expect(controller.logLines("").at(-1)).toMatch(/ INFO stopped$/);
    await controller.start();
    await cluster.jobCount("js", JOBS, 0);
    await record.stop();
    expect(record.of("js")).toHaveLength(JOBS);
    const creates = cluster.environment.auditSince(position, cluster.namespace)
      .filter(({ verb, objectRef }) => verb === "create" && Object(objectRef).resource === "jobs");
    expect(creates).toHaveLength(JOBS);
    expect(errorLines(controller)).toEqual([]);
    console.log(`SIGTERM: stopped after ${made} of ${JOBS} Jobs`);
  }, ["--kube-api-qps=60", "--kube-api-burst=30"]);
});

e2e.test(
  "SIGTERM while requests are not answered: given up after 10 s, exit code 0; a second SIGTERM ends it at once",
  async (cluster) => {
    await behindProxy(cluster, async ({ proxy, controller }) => {
      await controller.start();
      const held = proxy.rule({ match: (method, path) => method === "POST" && path.endsWith("/jobs"), silence: true });
      await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 3 })]));
      await cluster.eventually("creates under way", () => Promise.resolve(held.hits === 3));
      const patient = performance.now();
      expect(await controller.terminate(20_000)).toBe(0);
      const tookMs = performance.now() - patient;
      expect(tookMs).toBeGreaterThan(9_000);
      expect(tookMs).toBeLessThan(12_000);
      held.remove();
      await controller.start();
      await cluster.jobCount("js", 3, 0);

      const again = proxy.rule({ match: (method, path) => method === "POST" && path.endsWith("/jobs"), silence: true });
      await cluster.create("jobsets", jobSet("other", [byHand("a", { replicas: 3 })]));
      await cluster.eventually("creates under way", () => Promise.resolve(again.hits === 3));
      const { pid } = controller;
      const impatient = performance.now();
      const ended = controller.terminate(20_000);
      const secondTimer = setInterval(
        () => pid !== undefined && controller.isRunning() && process.kill(pid, "SIGTERM"),
        500,
      );
      expect(await ended.finally(() => clearInterval(secondTimer))).toBe(143);
      expect(performance.now() - impatient).toBeLessThan(3_000);
    });
  },
  60_000,
);

e2e.test("SIGTERM before the caches are filled: exit code 0 at once", async (cluster) => {
  await behindProxy(cluster, async ({ proxy, controller }) => {
    const held = proxy.rule({ match: (_method, _path, query) => query.has("watch"), silence: true });
    await controller.launch();
    await cluster.eventually("the watches to be asked for", () => Promise.resolve(held.hits === 3));
    const startedAt = performance.now();
    expect(await controller.terminate()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
