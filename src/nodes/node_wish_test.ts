import { expect, test } from "bun:test";
import { NAMESPACED_JOB, NO_SCHEDULE } from "../api/keys.ts";
import { type NodeWish, patchOf, stepOf } from "./node_wish.ts";
import { KEY, node } from "./test_nodes.ts";

const hold: NodeWish = { kind: "hold", node: "n", domain: "a", holder: "default_w-0" };
const release: NodeWish = { kind: "release", node: "n", domain: "a", holder: "default_w-0" };
const GPU = { key: "nvidia.com/gpu", effect: "NoSchedule", value: "present" };
const OURS = { key: NO_SCHEDULE, value: "true", effect: "NoSchedule" };

test("a node is labelled and tainted beside what it has, from the version that was read", () => {
  const found = node("n", { rack: "a", taints: [GPU] });
  expect(stepOf(hold, found, KEY)).toEqual({ kind: "change", label: true, taint: true });
  expect(patchOf(hold, found)).toEqual({
    metadata: { resourceVersion: "1", labels: { [NAMESPACED_JOB]: "default_w-0" } },
    spec: { taints: [GPU, OURS] },
  });
});

test("a node that has both is done; one that lost its taint gets it back, whatever value it has", () => {
  expect(stepOf(hold, node("n", { rack: "a", holder: "default_w-0" }), KEY)).toEqual({ kind: "done" });
  const bare = node("n", { rack: "a", holder: "default_w-0", isTainted: false });
  expect(stepOf(hold, bare, KEY)).toEqual({ kind: "change", label: false, taint: true });
  const other = node("n", { rack: "a", holder: "default_w-0", isTainted: false, taints: [{ ...OURS, value: "x" }] });
  expect(stepOf(hold, other, KEY)).toEqual({ kind: "done" });
});

test("a node that somebody else took meanwhile, or moved, is left alone", () => {
  expect(stepOf(hold, node("n", { rack: "a", holder: "x_y-0" }), KEY).kind).toBe("overtaken");
  expect(stepOf(hold, node("n", { rack: "b" }), KEY).kind).toBe("overtaken");
  expect(stepOf(release, node("n", { rack: "a", holder: "x_y-0" }), KEY)).toEqual({ kind: "done" });
});

test("a node that is given back loses label and taint, and keeps those of others", () => {
  const found = node("n", { rack: "a", holder: "default_w-0", taints: [GPU, { ...OURS, effect: "NoExecute" }] });
  expect(stepOf(release, found, KEY)).toEqual({ kind: "change", label: true, taint: true });
  expect(patchOf(release, found)).toEqual({
    metadata: { resourceVersion: "1", labels: { [NAMESPACED_JOB]: null } },
    spec: { taints: [GPU, { ...OURS, effect: "NoExecute" }] },
  });
});
