/** A permission is missing (R61, spec 6.3): which one is said in one line; then it ends, or tries again until it is granted. */
import { expect } from "bun:test";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import type { Cluster } from "./cluster.ts";
import { Controller } from "./controller.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { grantAllBut, type Grants, type Missing } from "./roles_without.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();
const END_MS = 15_000;

interface Subject {
  readonly controller: Controller;
  readonly grants: Grants;
}

/** A controller with all that the manifest grants but for this; it takes part in an election of its own namespace. */
async function run(cluster: Cluster, missing: Missing, body: (subject: Subject) => Promise<void>): Promise<void> {
  const grants = await grantAllBut(cluster, missing);
  const flags = [`--namespace=${cluster.namespace}`, "--leader-elect"];
  const env = { POD_NAMESPACE: cluster.namespace };
  const controller = new Controller(cluster.environment, grants.kubeconfig, { flags, env });
  try {
    await body({ controller, grants });
  } catch (error) {
    console.error(`${cluster.namespace}: the controller's log ends:\n${controller.logTail()}`);
    throw error;
  } finally {
    await controller.dispose();
    await grants.remove();
  }
}

/** The lines that an operator must act upon. */
function complaints(controller: Controller): readonly string[] {
  return controller.logLines("").filter((line) => / ERROR |^error:|^panic/.test(line));
}

async function works(cluster: Cluster): Promise<void> {
  await cluster.create("jobsets", jobSet("js", [byHand("a")]));
  await cluster.jobCount("js", 1);
}

for (const resource of ["jobsets", "jobs", "services"]) {
  e2e.test(`may not watch ${resource}: the cache can't start, one line says so, and it ends with 1 (R61)`, async (cluster) => {
    await run(cluster, { resource, verbs: ["list", "watch"] }, async ({ controller }) => {
      await controller.launch();
      await waitFor("its end", { timeoutMs: END_MS, check: () => !controller.isRunning() });
      expect(await controller.terminate()).toBe(1);
      const said = complaints(controller);
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(/^error: watch \w+: .*is forbidden: User "system:serviceaccount:/);
      expect(said[0]).toContain(`cannot watch resource "${resource}"`);
    });
  });
}

e2e.test("may not touch the lease: one line says so, it waits, and leads once that is granted (R61)", async (cluster) => {
  await run(cluster, { resource: "leases" }, async ({ controller, grants }) => {
    await controller.start();
    await cluster.eventually("a complaint", () => Promise.resolve(complaints(controller).length > 0));
    expect(controller.isRunning()).toBe(true);
    await grants.complete();
    await works(cluster);
    const said = complaints(controller);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain("the lease can't be used, it is tried again");
    expect(said[0]).toMatch(/cannot \w+ resource \\"leases\\" in API group \\"coordination.k8s.io\\"/);
  });
});

e2e.test("may see the lease and not update it: one line says so, and it leads once that is granted (R61)", async (cluster) => {
  await run(cluster, { resource: "leases", verbs: ["update", "create"] }, async ({ controller, grants }) => {
    await controller.start();
    await cluster.eventually("a complaint", () => Promise.resolve(complaints(controller).length > 0));
    await grants.complete();
    await works(cluster);
    const said = complaints(controller);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/cannot create resource \\"leases\\"/);
  });
});

e2e.test("may not create Jobs: an Event names it, and the Jobs come once that is granted (R61)", async (cluster) => {
  await run(cluster, { resource: "jobs", verbs: ["create"] }, async ({ controller, grants }) => {
    await controller.start();
    await cluster.create("jobsets", jobSet("js", [byHand("a")]));
    const { note } = await cluster.event("js", "JobCreationFailed");
    expect(note).toContain('cannot create resource "jobs" in API group "batch"');
    await grants.complete();
    await cluster.jobCount("js", 1, undefined, 60_000);
    expect(controller.isRunning()).toBe(true);
  });
});

e2e.test("may not write Events: told in the log, and the Jobs are made all the same (R61)", async (cluster) => {
  await run(cluster, { resource: "events" }, async ({ controller }) => {
    await controller.start();
    await cluster.create("jobsets", jobSet("js", [byHand("a")], { suspend: true }));
    await cluster.condition("js", "Suspended");
    await cluster.patch("jobsets", "js", { spec: { suspend: false } });
    await cluster.condition("js", "Suspended", "False");
    await cluster.eventually(
      "the log to tell",
      () => Promise.resolve(controller.logLines('cannot create resource \\"events\\"').length > 0),
    );
    await cluster.jobCount("js", 1);
    expect(controller.isRunning()).toBe(true);
  });
});
