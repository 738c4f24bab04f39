/** Which followers are let in (spec 4.1), Pod by Pod: leaders that are gone, moved, terminating, failed, or another Job's. */
import { expect } from "bun:test";
import { asStringMap, at, type JsonObject } from "../../src/base/json.ts";
import type { ApiAnswer } from "../../scripts/control_plane/api.ts";
import { conditionOf } from "./cluster.ts";
import { FATE } from "./job_sets.ts";
import { JobByHand } from "./placement_pods.ts";
import { withZones, type Zones } from "./placement_zones.ts";
import { suite } from "./suite.ts";

const { test, testWithoutWebhooks } = suite();

const TWO = { zones: ["a", "b"], nodesPerZone: 2 };
const DENIED = (name: string) => `admission webhook "${name}" denied the request: `;
const TRANSIENT = "this is an expected, transient error";

test("a follower is let in once its leader is scheduled, and pinned to the leader's zone whatever it asked for", (cluster) =>
  withZones(cluster, TWO, async (zones) => {
    const job = await JobByHand.create(zones, "hand");
    expectRefused(await job.ask({ name: "early", index: 1 }), "follower pod node selector not set");
    expectRefused(
      await job.ask({ name: "preset", index: 1, pin: "a" }),
      `expected 1 leader pod (${job.name}-0), but got 0. ${TRANSIENT}`,
    );
    const selector = { "example.com/pool": "p" };
    const missing = `follower pod node selector for topology domain not found. missing selector: ${zones.key}`;
    expectRefused(await job.ask({ name: "elsewhere", index: 1, selector }), missing);
    await cordon(zones, true);
    await job.create({ name: "lead", index: 0 });
    expectRefused(await job.ask({ name: "early", index: 1 }), "follower pod node selector not set");
    expectRefused(
      await job.ask({ name: "preset", index: 1, pin: "a" }),
      `leader pod not yet scheduled, not creating follower pod. ${TRANSIENT}`,
    );
    await cordon(zones, false);
    const zone = await zoneOfLeader(job, "lead");
    const other = zone === "a" ? "b" : "a";
    expect(pinOf(await job.create({ name: "bare", index: 1 }), zones)).toBe(zone);
    expect(pinOf(await job.create({ name: "right", index: 2, pin: zone }), zones)).toBe(zone);
    expect(pinOf(await job.create({ name: "wrong", index: 3, pin: other }), zones)).toBe(zone);
  }));

test("a follower is refused while its leader's Node is gone or has no zone, never let in unpinned (R44)", (cluster) =>
  withZones(cluster, TWO, async (zones) => {
    const job = await JobByHand.create(zones, "hand");
    const node = zones.node("a", 0);
    await job.create({ name: "lead", index: 0, node });
    expect(pinOf(await job.create({ name: "first", index: 1 }), zones)).toBe("a");
    const comeBack = await zones.remove(node);
    await refused(job, "follower pod node selector not set");
    await comeBack();
    await admitted(job, "back", "a");
    await zones.setZone(node, null);
    await refused(job, "follower pod node selector not set");
    // Nothing was deleted for it: the leader's domain was not known.
    expect((await cluster.pods("hand")).map((pod) => at(pod, "metadata", "name"))).toEqual(["back", "first", "lead"]);
    await zones.setZone(node, "a");
    await admitted(job, "again", "a");
  }));

test("of a terminating and a new leader the new one counts (R43), of a failed and a running one the running one (R46)", (cluster) =>
  withZones(cluster, { zones: ["a", "b", "c"], nodesPerZone: 1 }, async (zones) => {
    const job = await JobByHand.create(zones, "hand");
    await job.create({ name: "held", index: 0, node: zones.node("a", 0), isHeld: true });
    await job.kill("held");
    await job.create({ name: "second", index: 0, node: zones.node("b", 0) });
    await admitted(job, "of-second", "b");
    const metadata = { annotations: { [`${FATE}fail-after`]: "0s" } };
    await cluster.patch("pods", "second", { metadata });
    await cluster.eventually(
      "the second leader to fail",
      async () => at(await cluster.get("pods", "second"), "status", "phase") === "Failed",
    );
    await job.create({ name: "third", index: 0, node: zones.node("c", 0) });
    await admitted(job, "of-third", "c");
    await cluster.eventually(
      "the follower of the failed leader to be deleted",
      async () => await cluster.find("pods", "of-second") === undefined,
    );
    await cluster.patch("pods", "held", { metadata: { finalizers: null } });
  }));

test("the leader of another generation of the same Job does not count (R09, R42)", (cluster) =>
  withZones(cluster, TWO, async (zones) => {
    const job = await JobByHand.create(zones, "hand");
    const old = await JobByHand.create(zones, "other");
    // A Pod of the same job-key whose owner is another Job.
    await job.create({ name: "stale", index: 0, node: zones.node("a", 0), owner: old });
    expectRefused(await job.ask({ name: "early", index: 1 }), "follower pod node selector not set");
    expectRefused(
      await job.ask({ name: "preset", index: 1, pin: "a" }),
      `follower pod owner UID (${job.uid}) != leader pod owner UID (${old.uid})`,
    );
    await job.create({ name: "lead", index: 0, node: zones.node("b", 0) });
    await admitted(job, "follow", "b");
    await job.create({ name: "of-stale", index: 1, owner: old });
    expect(pinOf(await cluster.get("pods", "of-stale"), zones)).toBe("a");
  }));

testWithoutWebhooks(
  "the Pod controller deletes followers in a wrong domain, marked first, and no other Pod (R45, R09)",
  (cluster) =>
    withZones(cluster, TWO, async (zones) => {
      const job = await JobByHand.create(zones, "hand");
      const other = await JobByHand.create(zones, "other");
      const pods = await cluster.record("pods");
      await job.create({ name: "right", index: 1, pin: "a" });
      await job.create({ name: "wrong", index: 2, pin: "b" });
      await job.create({ name: "bare", index: 3 });
      await job.create({ name: "others", index: 3, pin: "b", owner: other });
      await job.create({ name: "lead", index: 0, node: zones.node("a", 0) });
      await cluster.eventually(
        "the wrong followers to be gone",
        async () =>
          (await cluster.pods("hand")).map((pod) => at(pod, "metadata", "name")).join() === "lead,others,right",
      );
      // A follower that comes later, and a leader that moves.
      await job.create({ name: "late", index: 2, pin: "b" });
      await cluster.eventually("the late one to be gone", async () => await cluster.find("pods", "late") === undefined);
      await job.kill("lead");
      await job.create({ name: "moved", index: 0, node: zones.node("b", 0) });
      await cluster.eventually(
        "the follower left behind to be gone",
        async () => await cluster.find("pods", "right") === undefined,
      );
      expect((await cluster.pods("hand")).map((pod) => at(pod, "metadata", "name"))).toEqual(["moved", "others"]);
      await pods.stop();
      for (const name of ["wrong", "bare", "late", "right"]) {
        const marked = pods.frames.map(({ object }) => object).filter((pod) => at(pod, "metadata", "name") === name)
          .find((pod) => conditionOf(pod, "DisruptionTarget") !== undefined);
        expect(conditionOf(marked, "DisruptionTarget")).toMatchObject({
          status: "True",
          reason: "ExclusivePlacementViolation",
          message: "Pod violated JobSet exclusive placement policy",
        });
      }
    }),
);

/** By either webhook: the mutating one refuses what the validating one is not asked about. */
function expectRefused({ code, body }: ApiAnswer, message: string): void {
  const texts = ["mpod.kb.io", "vpod.kb.io"].map((name) => DENIED(name) + message);
  expect({ code, message: texts.find((text) => text === body["message"]) ?? body["message"] })
    .toEqual({ code: 403, message: texts.find((text) => text === body["message"]) ?? texts.at(-1) });
}

async function refused(job: JobByHand, message: string): Promise<void> {
  // The replica may still believe the Node that it read a moment ago; what it lets in meanwhile is pinned all the same.
  await job.zones.cluster.eventually(`a follower to be refused: ${message}`, async () => {
    const answer = await job.ask({ name: "probe", index: 3 });
    if (answer.code === 201) {
      expect(pinOf(answer.body, job.zones)).toBe("a");
      await job.kill("probe");
      return false;
    }
    expectRefused(answer, message);
    return true;
  });
}

async function admitted(job: JobByHand, name: string, zone: string): Promise<void> {
  await job.zones.cluster.eventually(`${name} to be let in`, async () => {
    const answer = await job.ask({ name, index: 1 });
    if (answer.code !== 201) throw new Error(String(answer.body["message"]));
    expect(pinOf(answer.body, job.zones)).toBe(zone);
    return true;
  });
}

function pinOf(pod: JsonObject, { key }: Zones): string | undefined {
  return asStringMap(at(pod, "spec", "nodeSelector"))[key];
}

async function zoneOfLeader({ zones }: JobByHand, name: string): Promise<string> {
  return await zones.cluster.eventually("the leader to be scheduled", async () => {
    const node = at(await zones.cluster.get("pods", name), "spec", "nodeName");
    return typeof node === "string" ? /-([ab])-\d$/.exec(node)?.[1] : undefined;
  });
}

async function cordon(zones: Zones, isCordoned: boolean): Promise<void> {
  await Promise.all(zones.names.map((name) => zones.setCordoned(name, isCordoned)));
}
