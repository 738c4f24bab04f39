import { expect, test } from "bun:test";
import type { Pod } from "../api/pod.ts";
import { isMisplaced, placementViolations, scheduledLeaders } from "./placement_violations.ts";

const ZONE = "topology.kubernetes.io/zone";
const RACK = "example.com/rack";

function pod(name: string, more: Partial<Pod> = {}): Pod {
  return {
    namespace: "ns",
    name,
    uid: `uid-${name}`,
    resourceVersion: "1",
    ownerKey: "ns/js",
    jobSetUid: undefined,
    jobKey: "key",
    jobUid: "j1",
    index: "1",
    isDeleting: false,
    phase: "Running",
    nodeName: "n1",
    topologyKey: ZONE,
    topologyValue: "a",
    restartCount: 0,
    inPlaceRestartAttempt: undefined,
    ...more,
  };
}

const LEADER = { topologyKey: ZONE, domain: "a" };

function violating(pods: readonly Pod[], leaders = [LEADER]): string[] {
  return placementViolations({ jobUid: "j1", leaders, pods }).map(({ name }) => name);
}

test("R45: every follower whose selector is missing or names another domain violates, and no other Pod", () => {
  const pods = [
    pod("leader", { index: "0", topologyValue: undefined }),
    pod("right"),
    pod("wrong", { topologyValue: "b" }),
    pod("missing", { topologyValue: undefined }),
    pod("waiting", { topologyValue: "b", nodeName: "", phase: "Pending" }),
    pod("without index", { index: undefined, topologyValue: "b" }),
    pod("without annotation", { topologyKey: undefined, topologyValue: undefined }),
  ];
  expect(violating(pods)).toEqual(["wrong", "missing", "waiting", "without index", "without annotation"]);
});

test("R09: Pods of another generation of the Job are left alone", () => {
  expect(violating([pod("older", { jobUid: "j0", topologyValue: "b" }), pod("nobody's", { jobUid: undefined })]))
    .toEqual([]);
});

test("followers that have finished or are being deleted are left alone", () => {
  const topologyValue = "b";
  const pods = [
    pod("succeeded", { topologyValue, phase: "Succeeded" }),
    pod("failed", { topologyValue, phase: "Failed" }),
    pod("deleting", { topologyValue, isDeleting: true }),
  ];
  expect(violating(pods)).toEqual([]);
});

test("without a leader that says where nothing violates", () => {
  expect(violating([pod("wrong", { topologyValue: "b" })], [])).toEqual([]);
});

test("of two leaders either will do", () => {
  const leaders = [LEADER, { topologyKey: ZONE, domain: "b" }];
  const pods = [pod("a"), pod("b", { topologyValue: "b" }), pod("c", { topologyValue: "c" })];
  expect(violating(pods, leaders)).toEqual(["c"]);
});

test("R43, R46: a leader is scheduled, asks for exclusive placement, and neither finished nor is being deleted", () => {
  const index = "0";
  const pods = [
    pod("leader", { index }),
    pod("waiting", { index, nodeName: "" }),
    pod("plain", { index, topologyKey: undefined }),
    pod("failed", { index, phase: "Failed" }),
    pod("succeeded", { index, phase: "Succeeded" }),
    pod("deleting", { index, isDeleting: true }),
    pod("nobody's", { index, jobUid: undefined }),
    pod("follower"),
  ];
  expect(scheduledLeaders(pods).map((leader) => leader.pod.name)).toEqual(["leader"]);
});

test("a node selector itself says whether it keeps to the domain", () => {
  const selectors = [undefined, {}, { [ZONE]: "b" }, { [RACK]: "a" }, { [ZONE]: "a", [RACK]: "r" }];
  expect(selectors.map((selector) => isMisplaced(selector, [LEADER]))).toEqual([true, true, true, true, false]);
});
