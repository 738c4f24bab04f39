/** Who is left alone, and that nothing is written without need (spec 3, 9: K20, K30). */
import { expect } from "bun:test";
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { type Cluster, countersOf, terminalState } from "./cluster.ts";
import { byHand, group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";
import { expectNoWrites, writesEnd } from "./writes.ts";

const e2e = suite();
const FOREIGN = "kueue.x-k8s.io/multikueue";
const QUIET_MS = 5_000;

/** A JobSet that we do manage, done after the others were seen: what was to happen to them has happened. */
async function doneMeanwhile(cluster: Cluster): Promise<void> {
  await cluster.create("jobsets", jobSet("ours", [group("a", { fate: { "succeed-after": "0s" } })]));
  await cluster.terminal("ours", "Completed");
}

function spec(jobSetBody: JsonObject): unknown {
  return jobSetBody["spec"];
}

e2e.test("managedBy absent or our own value: handled (R39)", async (cluster) => {
  const own = { managedBy: "jobset.sigs.k8s.io/jobset-controller" };
  const groups = [group("a", { fate: { "succeed-after": "0s" } })];
  await cluster.create("jobsets", jobSet("absent", groups));
  await cluster.create("jobsets", jobSet("own", groups, own));
  await cluster.terminal("absent", "Completed");
  await cluster.terminal("own", "Completed");
});

e2e.test("a foreign managedBy: untouched, nothing defaulted, no Jobs, Service, claims, status or Events (R39, K30)", async (cluster) => {
  const position = cluster.environment.auditPosition();
  const groups = [byHand("a", { replicas: 2 })];
  const running = await cluster.create("jobsets", jobSet("running", groups, { managedBy: FOREIGN }));
  const suspended = await cluster.create("jobsets", jobSet("suspended", groups, { managedBy: FOREIGN, suspend: true }));
  await expectNoWrites(cluster, { position, forMs: QUIET_MS });
  expect(await cluster.jobSet("running")).toEqual(running);
  expect(await cluster.jobSet("suspended")).toEqual(suspended);
  await doneMeanwhile(cluster);
  expect(await cluster.jobs("running")).toEqual([]);
  expect(await cluster.find("services", "running")).toBeUndefined();
});

e2e.test("a foreign JobSet that is terminal is not deleted, with ttl 0 or without (R40, K33)", async (cluster) => {
  const condition = {
    type: "Completed",
    status: "True",
    reason: "AllJobsCompleted",
    message: "jobset completed successfully",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  for (const [name, ttl] of [["without", {}], ["with", { ttlSecondsAfterFinished: 0 }]] as const) {
    await cluster.create("jobsets", jobSet(name, [byHand("a")], { managedBy: FOREIGN, ...ttl }));
    await cluster.patchStatus("jobsets", name, { terminalState: "Completed", restarts: 0, conditions: [condition] });
  }
  const position = cluster.environment.auditPosition();
  await expectNoWrites(cluster, { position, forMs: QUIET_MS });
  for (const name of ["without", "with"]) {
    const stored = await cluster.jobSet(name);
    expect(at(stored, "metadata", "deletionTimestamp")).toBeUndefined();
    expect(terminalState(stored)).toBe("Completed");
    expect(spec(stored)).toMatchObject({ managedBy: FOREIGN });
  }
});

e2e.test("nothing is written for running, suspended and finished JobSets at rest (R12, K20; a minute of it: steady_long_test.ts)", async (cluster) => {
  const began = cluster.environment.auditPosition();
  const groups = [group("a", { replicas: 2, parallelism: 2 })];
  await cluster.create("jobsets", jobSet("running", groups));
  await cluster.create("jobsets", jobSet("suspended", groups, { suspend: true }));
  await doneMeanwhile(cluster);
  await cluster.condition("suspended", "Suspended");
  await cluster.eventually(
    "both to be ready",
    async () => countersOf(await cluster.jobSet("running"), "a")["ready"] === 2,
  );
  await cluster.eventually(
    "two suspended Jobs",
    async () => countersOf(await cluster.jobSet("suspended"), "a")["suspended"] === 2,
  );
  await writesEnd(cluster, began);
  const versions = async () =>
    (await cluster.list("jobsets")).map((each) => asString(at(each, "metadata", "resourceVersion")));
  const before = await versions();
  const position = cluster.environment.auditPosition();
  // Each of these wakes its JobSet: there is nothing to write all the same.
  for (let round = 0; round < 10; round++) {
    for (const name of ["running-a-0", "running-a-1", "suspended-a-0", "ours-a-0"]) {
      await cluster.patch("jobs", name, { metadata: { annotations: { touched: String(round) } } });
    }
  }
  await expectNoWrites(cluster, { position, forMs: QUIET_MS });
  expect(await versions()).toEqual(before);
});
