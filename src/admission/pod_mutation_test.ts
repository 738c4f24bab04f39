import { expect, test } from "bun:test";
import { at, type JsonObject } from "../base/json.ts";
import { applyPatch } from "./json_patch.ts";
import { type PodChange, podPatch } from "./pod_mutation.ts";
import { JOB_KEY, KEY, podOf, PRIORITY, terms, ZONE } from "./test_pods.ts";

const LEADER: PodChange = { kind: "leader", topologyKey: ZONE, jobKey: KEY };
const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";

function changed(pod: JsonObject, change: PodChange): JsonObject {
  return applyPatch(pod, podPatch(pod, change)) as JsonObject;
}

function labelOf(priority: unknown): unknown {
  return at(changed(podOf({ spec: { priority } }), { kind: "labelled" }), "metadata", "labels", PRIORITY);
}

test("the label says the Pod's priority, a negative one without a minus (R48)", () => {
  expect([0, 7, 2_000_000_000].map(labelOf)).toEqual(["0", "7", "2000000000"]);
  expect([-1, -2_147_483_648].map(labelOf)).toEqual(["n1", "n2147483648"]);
  expect(labelOf(undefined)).toBeUndefined();
  const wrong = podOf({ spec: { priority: -1 }, labels: { [PRIORITY]: "1" } });
  expect(at(changed(wrong, { kind: "labelled" }), "metadata", "labels", PRIORITY)).toBe("n1");
});

test("a Pod without labels gets them", () => {
  const pod = { metadata: { annotations: {} }, spec: { priority: 3 } };
  expect(podPatch(pod, { kind: "labelled" })).toEqual([
    { op: "add", path: "/metadata/labels", value: { [PRIORITY]: "3" } },
  ]);
});

test("a leader asks for a domain of its own Job, where no other Job of its priority is", () => {
  const pod = changed(podOf({ index: "0", spec: { priority: 7 } }), LEADER);
  expect(terms(pod, "podAffinity")).toEqual([{
    labelSelector: { matchExpressions: [{ key: JOB_KEY, operator: "In", values: [KEY] }] },
    topologyKey: ZONE,
    namespaceSelector: {},
  }]);
  expect(terms(pod, "podAntiAffinity")).toEqual([{
    labelSelector: {
      matchExpressions: [
        { key: JOB_KEY, operator: "Exists" },
        { key: JOB_KEY, operator: "NotIn", values: [KEY] },
        { key: PRIORITY, operator: "In", values: ["7"] },
      ],
    },
    topologyKey: ZONE,
    namespaceSelector: {},
  }]);
});

test("where nothing resolves priorities the label counts that is there, or none", () => {
  const priorities = (labels: Record<string, string>) => {
    const [term] = terms(changed(podOf({ index: "0", labels }), LEADER), "podAntiAffinity");
    return JSON.stringify(term).includes('"values":[""]')
      ? ""
      : JSON.stringify(term).match(/"values":\["(n?\d+)"\]/)?.[1];
  };
  expect(priorities({})).toBe("");
  expect(priorities({ [PRIORITY]: "5" })).toBe("5");
});

test("what a leader asks for already stays", () => {
  const zoned = { topologyKey: "rack", labelSelector: { matchLabels: { a: "b" } } };
  const affinities: readonly (readonly [unknown, number])[] = [
    [undefined, 0],
    [null, 0],
    [{}, 0],
    [{ nodeAffinity: { preferred: 1 }, podAffinity: null, podAntiAffinity: {} }, 0],
    [{ podAffinity: { [REQUIRED]: null, preferred: [1] }, podAntiAffinity: { [REQUIRED]: [] } }, 0],
    [{ podAffinity: { [REQUIRED]: [zoned] }, podAntiAffinity: { [REQUIRED]: [zoned] } }, 1],
  ];
  for (const [affinity, before] of affinities) {
    const spec = { affinity, nodeSelector: { [ZONE]: "zone-9" }, priority: 0 };
    const pod = changed(podOf({ index: "0", spec }), LEADER);
    for (const kind of ["podAffinity", "podAntiAffinity"] as const) {
      expect(terms(pod, kind)).toHaveLength(before + 1);
      expect(terms(pod, kind).slice(0, before)).toEqual(before === 0 ? [] : [zoned]);
    }
    expect(at(pod, "spec", "nodeSelector")).toEqual({ [ZONE]: "zone-9" });
    expect(at(pod, "spec", "affinity", "nodeAffinity")).toEqual(at(affinity, "nodeAffinity"));
    expect(at(pod, "spec", "affinity", "podAffinity", "preferred")).toEqual(at(affinity, "podAffinity", "preferred"));
    // Called again, as other webhooks may cause: the very terms are there.
    expect(podPatch(pod, LEADER)).toEqual([]);
  }
});

test("a follower is sent to the domain, whatever it selected there; its other selectors stay", () => {
  const change: PodChange = { kind: "follower", topologyKey: ZONE, domain: "zone-1" };
  for (const nodeSelector of [undefined, null, {}, { pool: "a" }, { pool: "a", [ZONE]: "zone-2" }]) {
    const pod = changed(podOf({ index: "1", spec: { nodeSelector } }), change);
    expect(at(pod, "spec", "nodeSelector")).toEqual({ ...nodeSelector, [ZONE]: "zone-1" });
    expect(podPatch(pod, change)).toEqual([]);
  }
  expect(podPatch(podOf({ index: "1" }), change)).toEqual([
    { op: "add", path: "/spec/nodeSelector", value: { [ZONE]: "zone-1" } },
  ]);
  expect(podPatch(podOf({ index: "1", spec: { nodeSelector: { pool: "a" } } }), change)).toEqual([
    { op: "add", path: "/spec/nodeSelector/topology.kubernetes.io~1zone", value: "zone-1" },
  ]);
});

test("where the Pod is no Pod, nothing is changed", () => {
  expect(podPatch({ metadata: "a", spec: { priority: 1, affinity: "b" } }, LEADER)).toEqual([]);
});
