/**
 * What the Pod controller does about followers in a wrong domain (spec 4.2). They are made by hand where no webhook pins them, and held
 * by a finalizer, so that what was written into them can be read.
 */
import { expect } from "bun:test";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import { type Cluster, conditionOf, isDeleting, nameOf } from "./cluster.ts";
import { JobByHand } from "./placement_pods.ts";
import { withZones } from "./placement_zones.ts";
import { suite } from "./suite.ts";
import { writesSince } from "./writes.ts";

const e2e = suite();
const TWO = { zones: ["a", "b"], nodesPerZone: 2 };
const QUIET_MS = 3_000;

function isMarked(pod: JsonObject): boolean {
  return conditionOf(pod, "DisruptionTarget")?.status === "True";
}

/** Lets Pods that are held go for good. */
async function letGo(cluster: Cluster, names: readonly string[]): Promise<void> {
  for (const name of names) await cluster.patch("pods", name, { metadata: { finalizers: null } });
}

/** Names of the Pods being deleted, once there are so many. */
function deleted(cluster: Cluster, count: number): Promise<readonly string[]> {
  return cluster.eventually(`${count} Pods to be deleted`, async () => {
    const names = (await cluster.list("pods")).filter(isDeleting).map(nameOf).toSorted();
    return names.length >= count ? names : undefined;
  });
}

/** So long no Pod is written to. */
async function untouched(cluster: Cluster, position: number): Promise<void> {
  const end = performance.now() + QUIET_MS;
  await cluster.eventually("some seconds to pass", () => Promise.resolve(performance.now() > end));
  expect(writesSince(cluster, position).filter((write) => write.includes(" pods"))).toEqual([]);
}

e2e.testWithoutWebhooks(
  "followers outside their leader's zone are marked and deleted, no other Pod is (R09, R45)",
  (cluster) =>
    withZones(cluster, TWO, async (zones) => {
      const job = await JobByHand.create(zones, "hand");
      const other = await JobByHand.create(zones, "other");
      const position = cluster.environment.auditPosition();
      await job.create({ name: "lead", index: 0, node: zones.node("a", 0) });
      await job.create({ name: "right", index: 1, pin: "a" });
      // Of a Job without a leader: nobody says where it belongs.
      await job.create({ name: "stranger", index: 1, pin: "b", owner: other });
      await job.create({ name: "wrong", index: 2, pin: "b", isHeld: true });
      await job.create({ name: "unpinned", index: 3, isHeld: true });
      expect(await deleted(cluster, 2)).toEqual(["unpinned", "wrong"]);
      const wrong = await cluster.get("pods", "wrong");
      expect(conditionOf(wrong, "DisruptionTarget")).toMatchObject({
        status: "True",
        reason: "ExclusivePlacementViolation",
        message: "Pod violated JobSet exclusive placement policy",
      });
      await untouched(cluster, cluster.environment.auditPosition());
      for (const name of ["lead", "right", "stranger"]) {
        const pod = await cluster.get("pods", name);
        expect([name, isDeleting(pod), isMarked(pod)]).toEqual([name, false, false]);
      }
      const writes = writesSince(cluster, position).filter((write) => write.includes(" pods")).toSorted();
      expect(writes).toEqual([
        "delete pods unpinned 200",
        "delete pods wrong 200",
        "patch pods/status unpinned 200",
        "patch pods/status wrong 200",
      ]);
      await letGo(cluster, ["wrong", "unpinned"]);
    }),
);

e2e.testWithoutWebhooks(
  "what others wrote into a Pod's conditions stays",
  (cluster) =>
    withZones(cluster, TWO, async (zones) => {
      const job = await JobByHand.create(zones, "hand");
      await job.create({ name: "wrong", index: 1, pin: "b", isHeld: true });
      const before = await cluster.eventually("the follower to run", async () => {
        const pod = await cluster.get("pods", "wrong");
        return conditionOf(pod, "Ready")?.status === "True" ? pod : undefined;
      });
      const types = (pod: JsonObject) =>
        asArray(at(pod, "status", "conditions")).map((each) => asString(at(each, "type")));
      // A Pod that runs has several conditions by now; its leader comes late.
      await job.create({ name: "lead", index: 0, node: zones.node("a", 0) });
      await deleted(cluster, 1);
      const after = await cluster.get("pods", "wrong");
      expect(types(before).length).toBeGreaterThan(1);
      expect(types(after)).toEqual(expect.arrayContaining([...types(before), "DisruptionTarget"]));
      await letGo(cluster, ["wrong"]);
    }),
);

e2e.testWithoutWebhooks(
  "while the leader's node lacks the label nothing is deleted; once it has it again, all that is wrong",
  (cluster) =>
    withZones(cluster, TWO, async (zones) => {
      const node = zones.node("a", 0);
      await zones.setZone(node, null);
      const job = await JobByHand.create(zones, "hand");
      const position = cluster.environment.auditPosition();
      await job.create({ name: "lead", index: 0, node });
      await job.create({ name: "right", index: 1, pin: "a" });
      await job.create({ name: "wrong", index: 2, pin: "b", isHeld: true });
      await untouched(cluster, position);
      await zones.setZone(node, "a");
      expect(await deleted(cluster, 1)).toEqual(["wrong"]);
      await letGo(cluster, ["wrong"]);
      // Moved to the other zone by its label, the Node takes the leader with it.
      const second = cluster.environment.auditPosition();
      await job.create({ name: "pinned", index: 3, pin: "a", isHeld: true });
      await zones.setZone(node, "b");
      await cluster.eventually("both followers of the old zone to be deleted", () => {
        const writes = writesSince(cluster, second);
        return Promise.resolve(["right", "pinned"].every((name) => writes.includes(`delete pods ${name} 200`)));
      });
      await letGo(cluster, ["pinned"]);
    }),
);
