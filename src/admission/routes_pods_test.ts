import { describe, expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { at, type JsonObject } from "../base/json.ts";
import type { Verdict } from "./admission_review.ts";
import { applyPatch, type JsonPatchOperation } from "./json_patch.ts";
import { type PodLookUps, PodReviews } from "./routes_pods.ts";
import {
  EXCLUSIVE,
  FakeCluster,
  JOB_KEY,
  leader,
  NODE_SELECTOR,
  podOf,
  PRIORITY,
  requestFor,
  terms,
  UID,
  ZONE,
} from "./test_pods.ts";

const PINNED = { nodeSelector: { [ZONE]: "zone-9" } };
const UNSCHEDULED = leader({ nodeName: undefined });
const NOT_SCHEDULED = "leader pod not yet scheduled, not creating follower pod. this is an expected, transient error";
const NO_DOMAIN = `follower pod node selector for topology domain not found. missing selector: ${ZONE}`;

function reviews(podLookUps: PodLookUps, clock = new FakeClock()): PodReviews {
  return new PodReviews({ podLookUps, clock });
}

/** The Pod as it is after the mutating call; throws where it was refused. */
function patched(pod: JsonObject, verdict: Verdict): JsonObject {
  if (verdict.kind === "allowed") return pod;
  if (verdict.kind === "refused") throw new Error(String(verdict.status["message"]));
  const patch = JSON.parse(Buffer.from(verdict.patch, "base64").toString()) as readonly JsonPatchOperation[];
  return applyPatch(pod, patch) as JsonObject;
}

function forbidden(message: string): Verdict {
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", message, reason: "Forbidden", code: 403 };
  return { kind: "refused", status };
}

describe("the mutating call", () => {
  test("looks nothing up for Pods that need no domain", async () => {
    const cluster = new FakeCluster();
    const pods = reviews(cluster);
    const plain = podOf({ index: "3", annotations: { [EXCLUSIVE]: undefined }, spec: { priority: -1 } });
    expect(at(patched(plain, await pods.mutate(requestFor(plain))), "metadata", "labels", PRIORITY)).toBe("n1");
    const first = podOf({ index: "0", spec: { priority: 0 } });
    const led = patched(first, await pods.mutate(requestFor(first)));
    expect([terms(led, "podAffinity").length, terms(led, "podAntiAffinity").length]).toEqual([1, 1]);
    for (const pod of [podOf({ index: "1", annotations: { [NODE_SELECTOR]: "true" }, spec: { priority: 1 } }), {}]) {
      expect(await pods.mutate(requestFor(pod))).toEqual({ kind: "allowed" });
    }
    expect(await pods.mutate(requestFor(podOf({ index: "0" }), "UPDATE"))).toEqual({ kind: "allowed" });
    expect(await pods.mutate(requestFor(undefined))).toEqual({ kind: "allowed" });
    expect(cluster.asked).toEqual([]);
  });

  test("sends a follower to its leader's domain by what the cache knows", async () => {
    const cluster = new FakeCluster();
    cluster.leadersNow = [leader()];
    for (const spec of [{ priority: 1 }, { priority: 1, ...PINNED }]) {
      const pod = podOf({ index: "1", spec });
      const after = patched(pod, await reviews(cluster).mutate(requestFor(pod)));
      expect(at(after, "spec", "nodeSelector")).toEqual({ [ZONE]: "zone-1" });
      expect(at(after, "metadata", "labels", PRIORITY)).toBe("1");
      expect(terms(after, "podAffinity")).toEqual([]);
    }
    expect(new Set(cluster.asked)).toEqual(new Set(["leaders ns/0123", "domain node-1"]));
  });

  test("asks the API server before it gives up on a leader that the cache does not know (R43, R46)", async () => {
    const cluster = new FakeCluster();
    cluster.leadersNow = [leader({ nodeName: "node-2" })];
    for (const stale of [[], [UNSCHEDULED], [leader({ ownerUid: "old" })], [leader(), leader({ name: "other" })]]) {
      cluster.stale = stale;
      cluster.asked.length = 0;
      const pod = podOf({ index: "1" });
      const after = patched(pod, await reviews(cluster).mutate(requestFor(pod)));
      expect(at(after, "spec", "nodeSelector")).toEqual({ [ZONE]: "zone-2" });
      expect(cluster.asked).toEqual(["leaders ns/0123", "leaders ns/0123 for certain", "domain node-2 for certain"]);
    }
  });

  test("asks the API server before it gives up on a node's label", async () => {
    const cluster = new FakeCluster();
    cluster.leadersNow = [leader()];
    cluster.staleZones = {};
    const pod = podOf({ index: "1" });
    const after = patched(pod, await reviews(cluster).mutate(requestFor(pod)));
    expect(at(after, "spec", "nodeSelector")).toEqual({ [ZONE]: "zone-1" });
  });

  test("leaves a follower without a domain as it is, but for its label", async () => {
    const cluster = new FakeCluster();
    const pod = podOf({ index: "1", spec: { priority: 1 } });
    for (const leaders of [[], [UNSCHEDULED], [leader({ nodeName: "gone" })]]) {
      cluster.leadersNow = leaders;
      const after = patched(pod, await reviews(cluster).mutate(requestFor(pod)));
      expect(after["spec"]).toEqual(pod["spec"]);
      expect(await reviews(cluster).validate(requestFor(after))).toEqual(
        forbidden("follower pod node selector not set"),
      );
    }
  });

  test("refuses a follower that comes with a selector and has no leader there (R42, R44)", async () => {
    const cluster = new FakeCluster();
    const cases: readonly (readonly [FakeCluster["leadersNow"], string])[] = [
      [[], "expected 1 leader pod (train-a-0-0), but got 0. this is an expected, transient error"],
      [[leader({ ownerUid: "old" })], `follower pod owner UID (${UID}) != leader pod owner UID (old)`],
      [[UNSCHEDULED], NOT_SCHEDULED],
      [[leader({ nodeName: "gone" })], NO_DOMAIN],
    ];
    for (const [leaders, message] of cases) {
      cluster.leadersNow = leaders;
      const pod = podOf({ index: "1", spec: PINNED });
      expect(await reviews(cluster).mutate(requestFor(pod))).toEqual(forbidden(message));
    }
  });

  test("says what a Pod lacks whose terms nothing could match", async () => {
    for (const index of ["0", "1"]) {
      for (const jobKey of [undefined, ""]) {
        const pod = podOf({ index, labels: { [JOB_KEY]: jobKey }, spec: PINNED });
        expect(await reviews(new FakeCluster()).mutate(requestFor(pod))).toEqual(
          forbidden(`exclusive placement needs the label "${JOB_KEY}" on each pod`),
        );
      }
    }
  });
});

describe("the validating call", () => {
  test("refuses a follower by the first check that fails, in their order", async () => {
    const cluster = new FakeCluster();
    cluster.leadersNow = [leader({ ownerUid: "old", nodeName: undefined })];
    const ask = async (spec: JsonObject) => await reviews(cluster).validate(requestFor(podOf({ index: "1", spec })));
    expect(await ask({})).toEqual(forbidden("follower pod node selector not set"));
    expect(await ask({ nodeSelector: { pool: "a" } })).toEqual(forbidden(NO_DOMAIN));
    expect(cluster.asked).toEqual([]);
    expect(await ask(PINNED)).toEqual(forbidden(`follower pod owner UID (${UID}) != leader pod owner UID (old)`));
    cluster.leadersNow = [UNSCHEDULED];
    expect(await ask(PINNED)).toEqual(forbidden(NOT_SCHEDULED));
    cluster.leadersNow = [leader({ nodeName: "gone" })];
    expect(await ask(PINNED)).toEqual(forbidden(NO_DOMAIN));
    cluster.leadersNow = [leader()];
    expect(await ask(PINNED)).toEqual({ kind: "allowed" });
  });

  test("lets leaders and all other Pods through", async () => {
    const cluster = new FakeCluster();
    for (
      const pod of [
        podOf({ index: "0" }),
        podOf({ index: "1", annotations: { [EXCLUSIVE]: undefined } }),
        podOf({ index: "1", annotations: { [NODE_SELECTOR]: "true" } }),
        {},
      ]
    ) {
      expect(await reviews(cluster).validate(requestFor(pod))).toEqual({ kind: "allowed" });
    }
    expect(await reviews(cluster).validate(requestFor(podOf({ index: "1" }), "UPDATE"))).toEqual({ kind: "allowed" });
    expect(cluster.asked).toEqual([]);
  });

  test("a follower without a job key has no leader", async () => {
    const pod = podOf({ index: "1", labels: { [JOB_KEY]: undefined }, spec: PINNED });
    const cluster = new FakeCluster();
    expect(await reviews(cluster).validate(requestFor(pod))).toEqual(
      forbidden("expected 1 leader pod (train-a-0-0), but got 0. this is an expected, transient error"),
    );
    expect(cluster.asked).toEqual([]);
  });
});

describe("a look-up", () => {
  const refused = (message: string) => {
    return { kind: "refused", status: { message, code: 500, reason: "InternalError" } };
  };

  test("that fails refuses, and says how", async () => {
    const failing = { ...new FakeCluster(), domain: () => Promise.resolve("") };
    const podLookUps = { ...failing, leaders: () => Promise.reject(new Error('list Pods of namespace "ns": no')) };
    const pod = podOf({ index: "1" });
    const expected = refused('look up the leader pod: list Pods of namespace "ns": no');
    expect(await reviews(podLookUps).mutate(requestFor(pod))).toMatchObject(expected);
    const pinned = podOf({ index: "1", spec: PINNED });
    expect(await reviews(podLookUps).validate(requestFor(pinned))).toMatchObject(expected);
  });

  test("that takes too long refuses before the API server gives us up", async () => {
    const clock = new FakeClock();
    const podLookUps: PodLookUps = { leaders: () => new Promise(() => {}), domain: () => Promise.resolve("") };
    const verdict = reviews(podLookUps, clock).mutate(requestFor(podOf({ index: "1" })));
    clock.advance(5_000);
    expect(await verdict).toMatchObject(refused("look up the leader pod: no answer within 5 s"));
  });
});
