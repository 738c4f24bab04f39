import { describe, expect, test } from "bun:test";
import { judgeOldPods, type NodeHealth, nodesToAsk, type OldPod, readNodeHealth, readOldPod } from "./old_pods.ts";

const NOW = Date.UTC(2030, 0, 1);

function pod(name: string, nodeName: string, deadline: number | undefined): OldPod {
  return { name, uid: `uid-${name}`, nodeName, deadline };
}

function judge(pods: readonly OldPod[], nodes: Readonly<Record<string, NodeHealth>>, afterMs = 60_000) {
  const { forced, lookAgainAt } = judgeOldPods({ pods, nodes: new Map(Object.entries(nodes)), afterMs, now: NOW });
  const inMs = lookAgainAt === undefined ? undefined : lookAgainAt - NOW;
  return { forced: forced.map(({ pod, health }) => `${pod.name} ${health}`), inMs };
}

describe("old Pods", () => {
  test("those on Nodes that are gone, not ready or unknown are forced, those on healthy ones never", () => {
    const due = NOW - 60_000;
    const pods = [pod("a", "gone", due), pod("b", "not-ready", due), pod("c", "unknown", due), pod("d", "well", due)];
    const nodes = { gone: "gone", "not-ready": "not ready", unknown: "unknown", well: "healthy" } as const;
    expect(judge(pods, nodes)).toEqual({ forced: ["a gone", "b not ready", "c unknown"], inMs: 60_000 });
    expect(judge([pod("d", "well", due)], nodes, 0)).toEqual({ forced: [], inMs: 5_000 });
  });

  test("none is forced before its deadline lies that long back, and that is when to look again", () => {
    const pods = [pod("a", "gone", NOW - 59_999), pod("b", "gone", NOW + 30_000)];
    expect(judge(pods, { gone: "gone" })).toEqual({ forced: [], inMs: 1 });
    expect(nodesToAsk(pods, { afterMs: 60_000, now: NOW })).toEqual([]);
  });

  test("one that is not being deleted is never forced, and looked at again", () => {
    expect(judge([pod("a", "gone", undefined)], { gone: "gone" })).toEqual({ forced: [], inMs: 60_000 });
  });

  test("a Node that was not asked for counts as healthy", () => {
    expect(judge([pod("a", "a", NOW - 60_000)], {}).forced).toEqual([]);
  });

  test("once none is left there is nothing to look for", () => {
    expect(judge([pod("a", "gone", NOW - 60_000)], { gone: "gone" })).toEqual({
      forced: ["a gone"],
      inMs: undefined,
    });
    expect(judge([], {})).toEqual({ forced: [], inMs: undefined });
  });

  test("each Node of a Pod that is due is asked for once", () => {
    const due = NOW - 60_000;
    const pods = [pod("a", "n1", due), pod("b", "n1", due - 1), pod("c", "n2", due), pod("d", "n3", due + 1)];
    expect(nodesToAsk(pods, { afterMs: 60_000, now: NOW })).toEqual(["n1", "n2"]);
  });

  test("only Pods of the old Jobs that are bound to a Node are read", () => {
    const body = (jobUid: string, spec: object, metadata: object = {}) => ({
      metadata: {
        name: "p",
        uid: "u",
        ownerReferences: [{ kind: "Job", controller: true, uid: jobUid, name: "j" }],
        ...metadata,
      },
      spec,
    });
    const jobs = new Set(["old"]);
    const bound = { nodeName: "n" };
    expect(readOldPod(body("old", bound), jobs)).toEqual(read(undefined));
    const deletionTimestamp = "2030-01-01T00:00:00Z";
    expect(readOldPod(body("old", bound, { deletionTimestamp }), jobs)).toEqual(read(NOW));
    expect(readOldPod(body("new", bound), jobs)).toBeUndefined();
    expect(readOldPod(body("old", {}), jobs)).toBeUndefined();
    expect(readOldPod(body("old", bound, { ownerReferences: [] }), jobs)).toBeUndefined();
  });

  test("the Ready condition tells a Node's health", () => {
    const node = (status?: string) => ({
      status: {
        conditions: [{ type: "MemoryPressure", status: "True" }, ...status ? [{ type: "Ready", status }] : []],
      },
    });
    expect(["True", "False", "Unknown", undefined].map((status) => readNodeHealth(node(status)))).toEqual([
      "healthy",
      "not ready",
      "unknown",
      "unknown",
    ]);
  });
});

function read(deadline: number | undefined): OldPod {
  return { name: "p", uid: "u", nodeName: "n", deadline };
}
