/** The acceptance of exclusive placement (spec 4): 3 zones of 8 Nodes, the real scheduler, the controller as installed. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { asStringMap, at, type JsonObject } from "../../src/base/json.ts";
import { Cluster, isDeleting, nameOf, uidOf } from "./cluster.ts";
import { checkPlacement, undueDeletions } from "./placement_checker.ts";
import { deleteNodes } from "./placement_deletions.ts";
import { readPod } from "./placement_frames.ts";
import { type PlacementInstallation, podsDeletedSince, startPlacementInstallation } from "./placement_installation.ts";
import { PlacementRecord } from "./placement_record.ts";
import {
  isLeader,
  isReady,
  withPriority,
  withZones,
  zoneOf,
  type Zones,
  type ZonesOptions,
} from "./placement_zones.ts";
import { seeded } from "./seeded.ts";

const SETUP_TIMEOUT_MS = 20 * 60_000;
const TEST_TIMEOUT_MS = 10 * 60_000;
const LANDED_MS = 90_000;
const HEALED_MS = 10_000;
/** The Job controller waits for 10 s, 20 s and so on before it makes an index anew. */
const BACK_OFF_MS = 240_000;
/** One reconcile: watch, decision, two requests. */
const MOST_MS = 2_000;
const DELETIONS = 20;
/** Of a Job that makes lost Pods anew. */
const PATIENT = { backoffLimit: 1000, backoffLimitPerIndex: 1000 };

let installation: PlacementInstallation;

beforeAll(async () => {
  installation = await startPlacementInstallation();
}, SETUP_TIMEOUT_MS);

afterAll(() => installation.stop(), SETUP_TIMEOUT_MS);

/** Runs a body on Nodes of its own; all that the checker finds in the record of it, or an undue deletion, fails the test. */
async function checked(options: ZonesOptions, body: (zones: Zones) => Promise<void>): Promise<void> {
  const { environment, controller } = installation;
  const cluster = await Cluster.create(environment);
  try {
    await withZones(cluster, options, async (zones) => {
      const position = environment.auditPosition();
      const record = PlacementRecord.start(cluster.api);
      try {
        await body(zones);
        await record.stop();
      } finally {
        record.abort();
      }
      const deleted = podsDeletedSince(environment, position, cluster.namespace);
      const marked = new Set(
        record.frames.filter(({ kind, object }) => kind === "pod" && readPod(object, zones.key)?.isMarked === true).map(
          ({ object }) => uidOf(object),
        ),
      );
      console.log(
        `${record.frames.length} frames; violating followers: ${marked.size} marked, ${deleted.length} deleted`,
      );
      expect(checkPlacement(record.frames, { topologyKey: zones.key, mostMs: MOST_MS })).toEqual([]);
      expect(undueDeletions(record.frames, deleted)).toEqual([]);
    });
  } catch (error) {
    console.error(`the controller's log ends:\n${controller.logTail()}`);
    throw error;
  } finally {
    await cluster.remove();
  }
}

test("a higher priority takes a whole domain from a lower one (R49)", () =>
  checked({}, async (zones) => {
    const { cluster } = zones;
    await cluster.create("jobsets", zones.exclusive("low", { jobs: 3, pods: 8, isWide: true }));
    await zones.ready("low", 24, LANDED_MS);
    await withPriority(cluster, 100, async (priorityClassName) => {
      const startedAt = performance.now();
      await cluster.create("jobsets", zones.exclusive("high", { jobs: 1, pods: 8, isWide: true, priorityClassName }));
      const [taken] = (await zones.ready("high", 8, LANDED_MS)).values();
      console.log(`a domain taken after ${seconds(startedAt)}`);
      expect(taken).toHaveLength(1);
      const left = await zones.ready("low", 16, LANDED_MS);
      expect([...left.values()].flat().toSorted()).toEqual(["a", "b", "c"].filter((zone) => zone !== taken?.[0]));
      expect((await zones.ready("high", 8)).size).toBe(1);
    });
  }), TEST_TIMEOUT_MS);

test("a JobSet whose leader is killed is whole again within 10 s (R41)", () =>
  checked({}, async (zones) => {
    const { cluster } = zones;
    await cluster.create("jobsets", zones.exclusive("first", { jobs: 3, pods: 8 }));
    await zones.ready("first", 24, LANDED_MS);
    const tookMs: number[] = [];
    for (let round = 0; round < 5; round++) {
      const before = new Set((await cluster.pods("first")).map(uidOf));
      const [leader = {}] = (await cluster.pods("first")).filter(isLeader).slice(round % 3);
      const startedAt = performance.now();
      await cluster.api.delete(cluster.path("pods", nameOf(leader)), { gracePeriodSeconds: 0 });
      await cluster.eventually("24 new Pods", async () => {
        const pods = (await cluster.pods("first")).filter(isReady);
        return pods.length === 24 && pods.every((pod) => !before.has(uidOf(pod)));
      }, LANDED_MS);
      tookMs.push(performance.now() - startedAt);
    }
    console.log(`leader killed to all Pods ready, s: ${tookMs.map((ms) => (ms / 1000).toFixed(1)).join(" ")}`);
    expect(Math.max(...tookMs)).toBeLessThan(HEALED_MS);
  }), TEST_TIMEOUT_MS);

test(
  "a rival takes the place of a leader: the followers go where the new leader is, and the rival stays (R41)",
  () =>
    checked({ zones: ["a", "b"], nodesPerZone: 2 }, async (zones) => {
      const { cluster } = zones;
      const cordon = (names: readonly string[], isCordoned: boolean) =>
        Promise.all(names.map((name) => zones.setCordoned(name, isCordoned)));
      // One place in all: the leader's. Its follower waits, pinned to the zone; were it to run, the new leader would follow it.
      await cordon([zones.node("a", 1), ...zones.nodesOf("b")], true);
      await cluster.create("jobsets", zones.exclusive("first", { jobs: 1, pods: 2, isWide: true, job: PATIENT }));
      const [follower = {}] = await cluster.eventually("a follower pinned to the zone", async () => {
        const found = (await cluster.pods("first")).filter((pod) => !isLeader(pod));
        return found.length === 1 ? found : undefined;
      });
      expect(asStringMap(at(follower, "spec", "nodeSelector"))[zones.key]).toBe("a");
      await withPriority(cluster, 100, async (priorityClassName) => {
        const rival = { jobs: 1, pods: 1, isWide: true, priorityClassName };
        await cluster.create("jobsets", zones.exclusive("rival", rival));
        expect([...(await zones.ready("rival", 1, LANDED_MS)).values()]).toEqual([["a"]]);
        const [winner] = (await cluster.pods("rival")).map(uidOf);
        await cordon(zones.nodesOf("b"), false);
        const startedAt = performance.now();
        const places = await zones.ready("first", 2, BACK_OFF_MS);
        console.log(`whole again after ${seconds(startedAt)}, most of it the Job controller's back-off`);
        expect([...places.values()]).toEqual([["b"]]);
        // The Job controller keeps the old one's remains until it has another of that index.
        const left = (await cluster.pods("first")).filter((pod) => !isDeleting(pod));
        expect(left.map(uidOf)).not.toContain(uidOf(follower));
        expect((await cluster.pods("rival")).map(uidOf)).toEqual([winner ?? ""]);
      });
    }),
  TEST_TIMEOUT_MS,
);

test(
  "a leader whose Node moves to another zone draws its followers after it (R45)",
  () =>
    checked({}, async (zones) => {
      const { cluster } = zones;
      await cluster.create("jobsets", zones.exclusive("first", { jobs: 2, pods: 8, job: PATIENT }));
      await zones.ready("first", 16, LANDED_MS);
      const [leader = {}] = (await cluster.pods("first")).filter(isLeader);
      const node = String(at(leader, "spec", "nodeName"));
      const others = zones.names.filter((name) => zoneOf(name) === zoneOf(node) && name !== node).slice(0, 3);
      for (const name of [...others, node]) await zones.setZone(name, "new");
      const isInNewZone = (pod: JsonObject) => asStringMap(at(pod, "spec", "nodeSelector"))[zones.key] === "new";
      await cluster.eventually("7 followers in the new zone", async () => {
        return (await cluster.pods("first")).filter((pod) => isReady(pod) && isInNewZone(pod)).length === 7;
      }, BACK_OFF_MS);
      await zones.ready("first", 16);
    }),
  TEST_TIMEOUT_MS,
);

test(
  `${DELETIONS} Nodes are deleted at random: nothing is ever in a wrong domain for longer than one reconcile`,
  () =>
    checked({}, async (zones) => {
      const { cluster } = zones;
      const random = seeded("placement");
      await cluster.create("jobsets", zones.exclusive("brittle", { jobs: 2, pods: 6 }));
      await cluster.create("jobsets", zones.exclusive("patient", { jobs: 1, pods: 6, job: PATIENT }));
      await zones.ready("brittle", 12, LANDED_MS);
      await zones.ready("patient", 6, LANDED_MS);
      await cluster.create("jobsets", zones.exclusive("rival", { jobs: 1, pods: 4, job: PATIENT }));
      const startedAt = performance.now();
      await deleteNodes(zones, random, DELETIONS);
      console.log(`${DELETIONS} deletions took ${seconds(startedAt)}`);
      await cluster.eventually("three whole Jobs", () => areThreeWhole(cluster), BACK_OFF_MS);
      console.log(`whole again after ${seconds(startedAt)}`);
    }),
  TEST_TIMEOUT_MS,
);

/** As many Jobs as there are zones run with all their Pods; of the fourth there is nothing but its leader, which waits. */
async function areThreeWhole(cluster: Cluster): Promise<boolean> {
  const sizes = { brittle: 6, patient: 6, rival: 4 };
  let whole = 0;
  for (const [name, size] of Object.entries(sizes)) {
    for (const job of await cluster.jobs(name)) {
      const pods = (await cluster.pods(name)).filter((pod) =>
        at(pod, "metadata", "labels", "job-name") === nameOf(job)
      );
      if (pods.length === size && pods.every(isReady)) whole++;
      else if (pods.some(isReady)) return false;
    }
  }
  return whole === 3;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
