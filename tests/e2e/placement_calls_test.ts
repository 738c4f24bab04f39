/** Which Pods the webhooks are called for (spec 4.1, R52), as the API server counts its calls. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { at } from "../../src/base/json.ts";
import { Cluster, nameOf } from "./cluster.ts";
import { group } from "./job_sets.ts";
import { type PlacementInstallation, startPlacementInstallation } from "./placement_installation.ts";
import { EXCLUSIVE_TOPOLOGY, isReady, withZones, type Zones } from "./placement_zones.ts";
import { webhookCalls, webhookRejections, webhookSeries } from "./webhook_calls.ts";

const SETUP_TIMEOUT_MS = 20 * 60_000;
const TEST_TIMEOUT_MS = 180_000;
const READY_MS = 60_000;
const NAMES = ["mpod.kb.io", "vpod.kb.io"] as const;
const NODE_SELECTOR = "alpha.jobset.sigs.k8s.io/node-selector";

/** Of a Job that makes lost Pods anew. */
const PATIENT = { backoffLimit: 6, backoffLimitPerIndex: 6 };

let installation: PlacementInstallation;

beforeAll(async () => {
  installation = await startPlacementInstallation();
}, SETUP_TIMEOUT_MS);

afterAll(() => installation.stop(), SETUP_TIMEOUT_MS);

test("the webhooks are called for Pods of exclusive JobSets only; without them no other Pod waits (R52)", async () => {
  const { controller } = installation;
  const cluster = await Cluster.create(installation.environment);
  await withZones(cluster, { nodesPerZone: 4 }, async (zones) => {
    const before = await series(cluster);
    await createOthers(zones, "up");
    expect(await series(cluster)).toEqual(before);

    await cluster.create("jobsets", zones.exclusive("exclusive", { jobs: 2, pods: 4, job: PATIENT }));
    await zones.ready("exclusive", 8, READY_MS);
    // The validating webhook only for followers that came too early; the other for those too, and once for each Pod let in.
    const early = await webhookCalls(cluster.api, "vpod.kb.io");
    expect(await webhookRejections(cluster.api, "vpod.kb.io")).toBe(early);
    expect(await webhookCalls(cluster.api, "mpod.kb.io")).toBe(8 + early);

    const called = await series(cluster);
    await controller.terminate();
    await createOthers(zones, "down", false);
    // A Pod of a JobSet is made anew from a template that has its label already.
    const [lost = {}] = await cluster.pods("up-plain");
    await cluster.delete("pods", nameOf(lost));
    await cluster.eventually("the Pod to be made anew", async () => {
      const pods = await cluster.pods("up-plain");
      return pods.filter(isReady).length === 3 && pods.every((pod) => nameOf(pod) !== nameOf(lost));
    }, READY_MS);
    expect(await series(cluster)).toEqual(called);

    // What does need them waits, and comes once they are back.
    const [pinned = {}] = (await cluster.pods("exclusive")).filter((pod) => at(pod, "spec", "affinity") === undefined);
    await cluster.delete("pods", nameOf(pinned));
    await cluster.eventually("a Pod of the exclusive JobSet to be refused", async () => {
      return await webhookRejections(cluster.api, "mpod.kb.io") > 0;
    }, READY_MS);
    await controller.start();
    await zones.ready("exclusive", 8, READY_MS);
  });
  await cluster.remove();
}, TEST_TIMEOUT_MS);

/** Pods of a Job, of a plain JobSet, and of an exclusive one by node selector; all come to run. JobSets need the controller. */
async function createOthers(zones: Zones, prefix: string, hasController = true): Promise<void> {
  const { cluster } = zones;
  const { template } = Object(group("w", { parallelism: 3, pod: zones.pod }));
  await cluster.create("jobs", { metadata: { name: `${prefix}-job` }, ...template });
  await cluster.create("pods", {
    metadata: { name: `${prefix}-pod` },
    spec: { ...zones.pod, containers: [{ name: "main", image: "example.com/none" }] },
  });
  if (hasController) {
    // In one zone, so that two are left.
    const pod = { nodeSelector: { [zones.key]: "a" } };
    await cluster.create("jobsets", zones.plain(`${prefix}-plain`, { jobs: 1, pods: 3, job: PATIENT, pod }));
    const selected = zones.plain(`${prefix}-selected`, { jobs: 1, pods: 2 });
    const annotations = { [EXCLUSIVE_TOPOLOGY]: zones.key, [NODE_SELECTOR]: "true" };
    await cluster.create("jobsets", { ...selected, metadata: { name: `${prefix}-selected`, annotations } });
    await zones.ready(`${prefix}-plain`, 3, READY_MS);
    await cluster.eventually(
      "the Pods by node selector",
      async () => (await cluster.pods(`${prefix}-selected`)).length === 2,
    );
  }
  await cluster.eventually("the Pods of the Job", async () => {
    const pods = await cluster.list("pods", `labelSelector=job-name%3D${prefix}-job`);
    return pods.filter(isReady).length === 3 && isReady(await cluster.get("pods", `${prefix}-pod`));
  }, READY_MS);
}

async function series(cluster: Cluster): Promise<readonly unknown[]> {
  return await Promise.all(NAMES.map((name) => webhookSeries(cluster.api, name)));
}
