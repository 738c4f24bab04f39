/** Exclusive placement by affinity (spec 4) with the real scheduler: who lands where. */
import { expect } from "bun:test";
import { asArray, asStringMap, at, type JsonObject } from "../../src/base/json.ts";
import { type Cluster, labelsOf } from "./cluster.ts";
import { group, jobSet } from "./job_sets.ts";
import { checkPlacement } from "./placement_checker.ts";
import { PlacementRecord } from "./placement_record.ts";
import {
  EXCLUSIVE_TOPOLOGY,
  isLeader,
  isReady,
  JOB_KEY,
  PRIORITY,
  withPriority,
  withZones,
  zoneOf,
  type Zones,
} from "./placement_zones.ts";
import { suite } from "./suite.ts";

const { test } = suite();

const LANDED_MS = 60_000;
const MOST_MS = 2_000;

test(
  "an exclusive JobSet of 3 Jobs of 8 Pods has one of 3 zones for each; others wait or go elsewhere (R47)",
  (cluster) =>
    withZones(cluster, {}, async (zones) => {
      const record = PlacementRecord.start(cluster.api);
      try {
        await cluster.create("jobsets", zones.exclusive("first", { jobs: 3, pods: 8 }));
        await expectOneZoneEach(zones, "first", { jobs: 3, pods: 8 });
        // In one zone, or they might leave none to the second of the exclusive ones.
        const inZoneA = { nodeSelector: { [zones.key]: "a" } };
        await cluster.create("jobsets", zones.exclusive("second", { jobs: 2, pods: 4 }));
        await cluster.create("jobsets", zones.plain("plain", { jobs: 2, pods: 2, pod: inZoneA }));
        await expectPending(cluster, "plain", 4);
        // Followers are not let in before their leader has a place.
        await expectPending(cluster, "second", 2);
        await withPriority(cluster, 7, async (priorityClassName) => {
          await cluster.create("jobsets", zones.plain("other", { jobs: 1, pods: 2, priorityClassName, pod: inZoneA }));
          await zones.ready("other", 2, LANDED_MS);
        });
        await cluster.delete("jobsets", "first");
        await cluster.eventually("the others to have their places", async () => {
          const pods = [...await cluster.pods("second"), ...await cluster.pods("plain")];
          return pods.filter(isReady).length === pods.length && pods.length >= 8;
        }, LANDED_MS);
        await expectPending(cluster, "first", 0);
        await record.stop();
      } finally {
        record.abort();
      }
      expect(checkPlacement(record.frames, { topologyKey: zones.key, mostMs: MOST_MS })).toEqual([]);
    }),
  180_000,
);

test(
  "every Pod of a JobSet is labelled with its priority, in its template, a negative one too (R48)",
  (cluster) =>
    withZones(cluster, { nodesPerZone: 2 }, (zones) =>
      withPriority(cluster, -1, async (priorityClassName) => {
        await cluster.create("jobsets", zones.exclusive("low", { jobs: 2, pods: 2, priorityClassName }));
        await expectOneZoneEach(zones, "low", { jobs: 2, pods: 2 });
        await cluster.create("jobsets", zones.plain("plain", { jobs: 1, pods: 2 }));
        await zones.ready("plain", 2, LANDED_MS);
        for (const [name, label] of [["low", "n1"], ["plain", "0"]] as const) {
          const templates = (await cluster.jobs(name)).map((job) => at(job, "spec", "template", "metadata", "labels"));
          const pods = (await cluster.pods(name)).map(labelsOf);
          expect([...templates, ...pods].map((labels) => asStringMap(labels)[PRIORITY])).toEqual(
            Array.from({ length: templates.length + pods.length }, () => label),
          );
        }
      })),
  120_000,
);

test("a leader asks for its own Job and no other of its priority; a follower for its leader's zone (spec 4.1)", (cluster) =>
  withZones(cluster, { zones: ["a", "b"], nodesPerZone: 2 }, async (zones) => {
    await cluster.create("jobsets", zones.exclusive("one", { jobs: 1, pods: 3 }));
    await zones.ready("one", 3, LANDED_MS);
    const pods = await cluster.pods("one");
    const [leader = {}] = pods.filter(isLeader);
    const zone = zoneOf(String(at(leader, "spec", "nodeName")));
    const own = { key: JOB_KEY, operator: "In", values: [labelsOf(leader)[JOB_KEY]] };
    const term = (matchExpressions: readonly JsonObject[]) => ({
      labelSelector: { matchExpressions },
      topologyKey: zones.key,
      namespaceSelector: {},
    });
    const required = (kind: string) =>
      at(leader, "spec", "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution");
    expect(required("podAffinity")).toEqual([term([own])]);
    const [anti] = asArray(required("podAntiAffinity"));
    expect({ ...Object(anti), labelSelector: undefined }).toEqual({ ...term([]), labelSelector: undefined });
    expect(asArray(at(anti, "labelSelector", "matchExpressions"))).toEqual(expect.arrayContaining([
      { key: JOB_KEY, operator: "Exists" },
      { ...own, operator: "NotIn" },
      { key: PRIORITY, operator: "In", values: ["0"] },
    ]));
    for (const follower of pods.filter((pod) => !isLeader(pod))) {
      expect(asStringMap(at(follower, "spec", "nodeSelector"))[zones.key]).toBe(zone);
      expect(at(follower, "spec", "affinity")).toBeUndefined();
    }
  }));

test("the annotation on one replicatedJob makes only that one exclusive (R50)", (cluster) =>
  withZones(cluster, { nodesPerZone: 2 }, async (zones) => {
    const metadata = { annotations: { [EXCLUSIVE_TOPOLOGY]: zones.key } };
    const groups = [
      group("driver", { pod: zones.pod }),
      group("workers", { replicas: 2, parallelism: 2, pod: zones.pod, jobMetadata: metadata }),
    ];
    await cluster.create("jobsets", jobSet("mixed", groups));
    const places = await zones.ready("mixed", 5, LANDED_MS);
    const workers = [...places].filter(([job]) => job.includes("-workers-")).map(([, found]) => found.join());
    expect(workers.toSorted()).toEqual([...new Set(workers)].toSorted());
    for (const pod of await cluster.pods("mixed")) {
      const isExclusive = labelsOf(pod)["jobset.sigs.k8s.io/replicatedjob-name"] === "workers";
      const isPinned = asStringMap(at(pod, "spec", "nodeSelector"))[zones.key] !== undefined;
      const hasAffinity = at(pod, "spec", "affinity") !== undefined;
      expect({ isPinned, hasAffinity }).toEqual({
        isPinned: isExclusive && !isLeader(pod),
        hasAffinity: isExclusive && isLeader(pod),
      });
    }
  }));

test("exclusive Jobs must be Indexed (R51)", async (cluster) => {
  const metadata = { name: "loose", annotations: { [EXCLUSIVE_TOPOLOGY]: "example.com/zone" } };
  const loose = jobSet("loose", [group("w", { job: { completionMode: "NonIndexed" } })]);
  const answer = await cluster.api.request("POST", cluster.path("jobsets"), { ...loose, metadata });
  expect(answer.code).toBe(422);
  expect(String(answer.body["message"])).toContain("completionMode");
});

async function expectOneZoneEach(
  zones: Zones,
  name: string,
  { jobs, pods }: { readonly jobs: number; readonly pods: number },
): Promise<void> {
  const places = await zones.ready(name, jobs * pods, LANDED_MS);
  expect([...places.values()].map((found) => found.length)).toEqual(Array.from({ length: jobs }, () => 1));
  expect(new Set([...places.values()].flat()).size).toBe(jobs);
}

/** So many Pods, which the scheduler has looked at and found no place for. */
async function expectPending(cluster: Cluster, name: string, count: number): Promise<void> {
  const isUnschedulable = (pod: JsonObject) =>
    asArray(at(pod, "status", "conditions")).some((condition) => at(condition, "reason") === "Unschedulable");
  await cluster.eventually(`${count} Pods of ${name} to wait`, async () => {
    const pods = await cluster.pods(name);
    return pods.length === count && pods.every(isUnschedulable);
  });
}
