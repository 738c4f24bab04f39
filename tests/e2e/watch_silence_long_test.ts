/** A watch that falls silent without an end: the API server, or something on the way, has forgotten it. */
import { expect } from "bun:test";
import { behindProxy, errorLines } from "./behind_proxy.ts";
import { restartsOf } from "./cluster.ts";
import { JobRecord } from "./job_record.ts";
import { fail } from "./job_status.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();
/** API servers send a bookmark a minute: a watch that misses it for half a minute is renewed. */
const RENEWED_WITHIN_MS = 100_000;
const RESTARTS = { failurePolicy: { maxRestarts: 3 } };

e2e.test("silent watches are renewed within 100 s, and what happened meanwhile is acted on once", async (cluster) => {
  await behindProxy(cluster, async ({ proxy, controller }) => {
    await controller.start();
    const record = await JobRecord.start(cluster);
    await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 5 })], RESTARTS));
    await cluster.jobCount("js", 5, 0);
    expect(proxy.silenceWatches()).toBe(3);
    const before = proxy.seen.length;
    await fail(cluster, "js-a-3");
    await cluster.jobCount("js", 5, 1, RENEWED_WITHIN_MS);
    expect(restartsOf(await cluster.jobSet("js"))).toBe(1);
    await record.stop();
    expect(record.counts("js")).toEqual({ 0: 5, 1: 5 });
    // Renewed from where they were: no list.
    const watches = proxy.seen.slice(before).filter(({ query }) => query.has("watch"));
    expect(watches.length).toBeGreaterThanOrEqual(3);
    expect(watches.filter(({ query }) => query.has("sendInitialEvents"))).toEqual([]);
    expect(errorLines(controller)).toEqual([]);
  });
}, 150_000);

e2e.test("a silent watch of Jobs holds up neither new JobSets nor their deletion", async (cluster) => {
  await behindProxy(cluster, async ({ proxy, controller }) => {
    proxy.rule({
      match: (_method, path, query) => query.has("watch") && path.endsWith("/jobs"),
      times: 1,
      silenceAfterBytes: 2_000,
    });
    await controller.start();
    for (const name of ["one", "two", "three"]) {
      await cluster.create("jobsets", jobSet(name, [byHand("a", { replicas: 4 })]));
      await cluster.jobCount(name, 4, 0, 10_000);
    }
    await cluster.delete("jobsets", "two");
    await cluster.eventually("two to be gone", async () => (await cluster.jobs("two")).length === 0);
    await fail(cluster, "one-a-0");
    await cluster.terminal("one", "Failed", RENEWED_WITHIN_MS);
  });
}, 150_000);
