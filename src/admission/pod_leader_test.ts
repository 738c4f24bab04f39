import { expect, test } from "bun:test";
import { domainProblem, leaderOf, selectorProblem } from "./pod_leader.ts";
import type { Follower } from "./pod_role.ts";
import { KEY, leader, UID, ZONE } from "./test_pods.ts";

const OTHER = "99999999-2222-3333-4444-555555555555";

function follower(more: Partial<Follower> = {}): Follower {
  const nodeSelector = { [ZONE]: "zone-1" };
  return { kind: "follower", topologyKey: ZONE, jobKey: KEY, jobUid: UID, jobName: "a-b-0", nodeSelector, ...more };
}

test("a follower without node selector, or without the one for its topology", () => {
  expect(selectorProblem(follower({ nodeSelector: undefined }))).toBe("follower pod node selector not set");
  expect(selectorProblem(follower({ nodeSelector: { pool: "a" } }))).toBe(
    `follower pod node selector for topology domain not found. missing selector: ${ZONE}`,
  );
  expect(selectorProblem(follower())).toBeUndefined();
  // An empty value is a value: such nodes are a domain too.
  expect(selectorProblem(follower({ nodeSelector: { [ZONE]: "" } }))).toBeUndefined();
  expect(selectorProblem(follower({ nodeSelector: { pool: "a" }, topologyKey: "toString" }))).toBe(
    domainProblem(follower({ topologyKey: "toString" })),
  );
});

test("no leader, or two of the same Job", () => {
  const expected = (count: number) =>
    `expected 1 leader pod (a-b-0-0), but got ${count}. this is an expected, transient error`;
  expect(leaderOf(follower(), [])).toBe(expected(0));
  expect(leaderOf(follower(), [leader(), leader({ name: "other" })])).toBe(expected(2));
  const stale = [leader({ ownerUid: OTHER }), leader({ ownerUid: OTHER })];
  expect(leaderOf(follower(), stale)).toBe(expected(2));
});

test("a leader of an earlier Job of the same name is none (R42)", () => {
  expect(leaderOf(follower(), [leader({ ownerUid: OTHER })])).toBe(
    `follower pod owner UID (${UID}) != leader pod owner UID (${OTHER})`,
  );
  // Once the new one is there, the old one is not counted.
  expect(leaderOf(follower(), [leader({ ownerUid: OTHER }), leader()])).toEqual(
    leader({ nodeName: "node-1" }) as never,
  );
});

test("a leader that waits for a node", () => {
  for (const nodeName of [undefined, ""]) {
    expect(leaderOf(follower(), [leader({ nodeName })])).toBe(
      "leader pod not yet scheduled, not creating follower pod. this is an expected, transient error",
    );
  }
});

test("a leader that has succeeded leads where its Job has no other, and counts nowhere else", () => {
  const succeeded = leader({ isSucceeded: true, nodeName: "node-1" });
  expect(leaderOf(follower(), [succeeded])).toEqual(succeeded as never);
  const running = leader({ name: "other", nodeName: "node-2" });
  expect(leaderOf(follower(), [succeeded, running])).toEqual(running as never);
  expect(leaderOf(follower(), [leader({ isSucceeded: true, ownerUid: OTHER })])).toBe(
    "expected 1 leader pod (a-b-0-0), but got 0. this is an expected, transient error",
  );
});

test("Pods that no Job controls do not belong together", () => {
  expect(leaderOf(follower({ jobUid: "" }), [leader({ ownerUid: "" })])).toBe(
    "follower pod owner UID () != leader pod owner UID ()",
  );
});
