/** Any Pod gets an answer, and what the mutating call lets through the validating call lets through. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { FakeClock } from "../base/fake_clock.ts";
import { asObject, at, type JsonObject } from "../base/json.ts";
import { applyPatch, type JsonPatchOperation } from "./json_patch.ts";
import type { Leader } from "./pod_leader.ts";
import { podRole } from "./pod_role.ts";
import { PodReviews } from "./routes_pods.ts";
import {
  EXCLUSIVE,
  FakeCluster,
  INDEX,
  JOB_KEY,
  jobOwner,
  JOBSET_NAME,
  KEY,
  NODE_SELECTOR,
  PRIORITY,
  requestFor,
  UID,
  ZONE,
} from "./test_pods.ts";

/** A second on a machine of its own, and the gate runs beside other work. */
setDefaultTimeout(30_000);

const RUNS = { numRuns: 3_000 };
const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";

const odd = fc.constantFrom(undefined, null, {}, [], "", "text", 0, -1, true);
/** What belongs there, now and then something odd. */
const mostly = (expected: fc.Arbitrary<unknown>) => fc.oneof({ weight: 24, arbitrary: expected }, odd);
const oneOf = (...values: readonly unknown[]) => mostly(fc.constantFrom(...values));
const term = { topologyKey: ZONE, labelSelector: { matchLabels: { a: "b" } } };
const affinity = mostly(fc.record({ [REQUIRED]: oneOf([], [term], [term, 1]) }));

/** Pods with all that the rules read, each part as it should be or odd. */
const pods: fc.Arbitrary<JsonObject> = fc.record({
  metadata: mostly(fc.record({
    annotations: mostly(fc.oneof(
      { weight: 5, arbitrary: fc.record(annotations(oneOf(ZONE, ZONE, "a/b~c"))) },
      fc.record({ ...annotations(oneOf(ZONE)), [NODE_SELECTOR]: oneOf("true", "") }),
      fc.record({ [JOBSET_NAME]: oneOf("train"), [INDEX]: oneOf("0") }),
    )),
    labels: mostly(fc.record({ [JOB_KEY]: oneOf(KEY), [PRIORITY]: oneOf("0", "n1") }, { requiredKeys: [JOB_KEY] })),
    ownerReferences: oneOf([jobOwner(UID)], [jobOwner(UID)], [jobOwner("other")], [null, 1, {}]),
  })),
  spec: mostly(fc.record({
    priority: oneOf(0, -1, 7, 2_000_000_000, -2_147_483_648),
    nodeSelector: oneOf(undefined, {}, { pool: "a" }, { [ZONE]: "zone-9" }),
    affinity: mostly(fc.record({ podAffinity: affinity, podAntiAffinity: affinity }, { requiredKeys: [] })),
  }, { requiredKeys: [] })),
});

function annotations(topology: fc.Arbitrary<unknown>) {
  return { [JOBSET_NAME]: oneOf("train"), [EXCLUSIVE]: topology, [INDEX]: oneOf("0", "1", "2") };
}

const OWN: Leader = { name: "leader", ownerUid: UID, nodeName: "node-1", isSucceeded: false };
const leaders: fc.Arbitrary<readonly Leader[]> = fc.oneof(
  fc.constant([OWN]),
  fc.array(
    fc.record({
      name: fc.constant("leader"),
      ownerUid: fc.constantFrom(UID, UID, UID, "other", ""),
      nodeName: fc.constantFrom("node-1", "node-2", "node-2", "gone", "", undefined),
      isSucceeded: fc.boolean(),
    }),
    { maxLength: 2 },
  ),
);

async function mutated(reviews: PodReviews, pod: JsonObject): Promise<JsonObject | undefined> {
  const verdict = await reviews.mutate(requestFor(pod));
  if (verdict.kind === "refused") return undefined;
  if (verdict.kind === "allowed") return pod;
  const patch = JSON.parse(Buffer.from(verdict.patch, "base64").toString()) as readonly JsonPatchOperation[];
  return asObject(applyPatch(pod, patch));
}

test("any Pod gets an answer: never more than it needs, the same the second time", async () => {
  let followers = 0;
  await fc.assert(
    fc.asyncProperty(pods, leaders, async (pod, leadersNow) => {
      const cluster = new FakeCluster();
      cluster.leadersNow = leadersNow;
      const reviews = new PodReviews({ podLookUps: cluster, clock: new FakeClock() });
      const before = JSON.stringify(pod);
      const after = await mutated(reviews, pod);
      expect(JSON.stringify(pod)).toBe(before);
      if (after === undefined) return;
      expect(await mutated(reviews, after)).toEqual(after);
      const [role, verdict] = [podRole(after), await reviews.validate(requestFor(after))];
      if (role.kind !== "follower") return expect(verdict).toEqual({ kind: "allowed" });
      const domain = at(after, "spec", "nodeSelector", role.topologyKey);
      // A selector that the Pod came with and that nothing stands behind was refused above.
      expect(verdict.kind).toBe(typeof domain === "string" ? "allowed" : "refused");
      if (typeof domain !== "string") return;
      expect(["zone-1", "zone-2"]).toContain(domain);
      followers += 1;
    }),
    RUNS,
  );
  expect(followers).toBeGreaterThan(100);
}, 60_000);
