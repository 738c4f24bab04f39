/** The API server is killed and comes back, with its history or without. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { asString, at } from "../../src/base/json.ts";
import {
  collectJobs,
  killApiServerAtRandomMoments,
  type OwnEnvironment,
  startOwnEnvironment,
} from "./api_server_moments.ts";
import { Cluster, restartsOf } from "./cluster.ts";
import { startController } from "./controller.ts";
import { JobRecord } from "./job_record.ts";
import { complete, fail } from "./job_status.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { seeded } from "./seeded.ts";

const SETUP_TIMEOUT_MS = 20 * 60_000;
const TEST_TIMEOUT_MS = 5 * 60_000;
const RESTARTS = { failurePolicy: { maxRestarts: 5 } };

let environment: OwnEnvironment;
beforeAll(async () => {
  environment = await startOwnEnvironment();
}, SETUP_TIMEOUT_MS);
afterAll(() => environment.stop(), SETUP_TIMEOUT_MS);

// One after the other: they share the API server that they kill.
test(
  "kill -9 of the API server at two random moments of restarts: each counted once, every Job made once (R84)",
  async () => {
    await killApiServerAtRandomMoments(environment, { moments: 2, random: seeded("API server killed") });
  },
  TEST_TIMEOUT_MS,
);

test(
  "etcd compacted and the API server restarted: the watches are let go (410), and a new list finds what happened",
  async () => {
    const { controlPlane } = environment;
    const cluster = await Cluster.create(environment);
    const controller = await startController(environment, { flags: [`--namespace=${cluster.namespace}`] });
    const end = new AbortController();
    const collected = collectJobs(cluster, end.signal);
    try {
      const record = await JobRecord.start(cluster);
      for (const name of ["fails", "completes"]) {
        await cluster.create("jobsets", jobSet(name, [byHand("a", { replicas: 3 })], RESTARTS));
        await cluster.jobCount(name, 3, 0);
      }
      // While the controller is stopped by a signal it reads nothing, so that its watches fall behind.
      if (controller.pid === undefined) throw new Error("the controller does not run");
      process.kill(controller.pid, "SIGSTOP");
      await fail(cluster, "fails-a-0");
      for (const index of [0, 1, 2]) await complete(cluster, `completes-a-${index}`);
      await controlPlane.killApiServer();
      await controlPlane.compactEtcd();
      await controlPlane.startApiServer();
      const position = environment.auditPosition();
      process.kill(controller.pid, "SIGCONT");
      await cluster.jobCount("fails", 3, 1, 60_000);
      await cluster.terminal("completes", "Completed", 60_000);
      expect(restartsOf(await cluster.jobSet("fails"))).toBe(1);
      const anew = environment.auditSince(position, cluster.namespace)
        .filter((entry) => asString(entry["requestURI"])?.includes("sendInitialEvents=true"))
        .map((entry) => at(entry, "objectRef", "resource"));
      expect(anew.length).toBeGreaterThan(0);
      await record.stop();
      expect(record.counts("fails")).toEqual({ 0: 3, 1: 3 });
      expect(record.counts("completes")).toEqual({ 0: 3 });
    } finally {
      end.abort();
      await collected;
      await controller.dispose();
    }
  },
  TEST_TIMEOUT_MS,
);
