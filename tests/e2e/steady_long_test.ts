/** A steady cluster sees no write of the controller for a minute. */
import { expect } from "bun:test";
import { asInteger, at } from "../../src/base/json.ts";
import { countersOf } from "./cluster.ts";
import { group, jobSet } from "./job_sets.ts";
import { soloSuite } from "./suite.ts";
import { expectNoWrites, writesEnd } from "./writes.ts";

const e2e = soloSuite();
const QUIET_MS = 60_000;

e2e.test(
  "60 s without one write: running, in order, suspended, completed, failed (R12, K20)",
  async (cluster, controller) => {
    await controller.start();
    const began = cluster.environment.auditPosition();
    const ends = (fate: Readonly<Record<string, string>>) => [group("a", { fate })];
    const startupPolicy = { startupPolicyOrder: "InOrder" };
    await cluster.create(
      "jobsets",
      jobSet("running", [group("a", { replicas: 5 })], { failurePolicy: { maxRestarts: 3 } }),
    );
    await cluster.create("jobsets", jobSet("inorder", [group("a"), group("b")], { startupPolicy }));
    await cluster.create("jobsets", jobSet("suspended", [group("a")], { suspend: true }));
    await cluster.create(
      "jobsets",
      jobSet("completed", ends({ "succeed-after": "0s" }), { ttlSecondsAfterFinished: 3600 }),
    );
    await cluster.create("jobsets", jobSet("failed", ends({ "fail-after": "0s" })));
    await cluster.terminal("completed", "Completed");
    await cluster.terminal("failed", "Failed");
    await cluster.condition("suspended", "Suspended");
    await cluster.condition("inorder", "StartupPolicyCompleted");
    await cluster.eventually("5 ready", async () => countersOf(await cluster.jobSet("running"), "a")["ready"] === 5);
    await writesEnd(cluster, began);
    const generations = async () =>
      (await cluster.list("jobsets")).map((each) => asInteger(at(each, "metadata", "generation")));
    const before = await generations();
    await expectNoWrites(cluster, { position: cluster.environment.auditPosition(), forMs: QUIET_MS });
    expect(await generations()).toEqual(before);
  },
  150_000,
);
