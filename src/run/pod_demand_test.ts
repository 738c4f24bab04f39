import { expect, test } from "bun:test";
import { asObject, type JsonObject } from "../base/json.ts";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import { ObjectCache } from "../cache/object_cache.ts";
import { PodDemand } from "./pod_demand.ts";
import { jobSetBody, RACK, ZONE } from "./test_placement.ts";

const FINISHED = { conditions: [{ type: "Completed", status: "True" }] };

function demandOf(gates: Partial<typeof DEFAULT_FEATURE_GATES> = {}) {
  const jobSets = new ObjectCache<JobSet>();
  jobSets.replace([], "1");
  let version = 1;
  let changes = 0;
  const demand = new PodDemand({ jobSets, gates: { ...DEFAULT_FEATURE_GATES, ...gates }, onChange: () => changes++ });
  const put = (body: JsonObject, more: JsonObject = {}) => {
    version++;
    const metadata = { ...asObject(body["metadata"]), resourceVersion: String(version), ...Object(more["metadata"]) };
    const jobSet = readJobSet({ ...body, ...more, metadata });
    if (jobSet !== undefined) jobSets.upsert(jobSet);
    return jobSet;
  };
  const seen = () => [demand.needsPods, [...demand.topologies].sort()];
  return { put, seen, jobSets, changes: () => changes, version: () => String(++version) };
}

test("Pods are needed while an unfinished JobSet of ours asks for exclusive placement, Nodes for its labels", () => {
  const { put, seen, jobSets, version } = demandOf();
  put(jobSetBody("plain"));
  expect(seen()).toEqual([false, []]);
  put(jobSetBody("a", [ZONE]));
  put(jobSetBody("b", [ZONE, RACK]));
  expect(seen()).toEqual([true, [RACK, ZONE]]);
  put(jobSetBody("b", [ZONE, RACK]), { status: FINISHED });
  expect(seen()).toEqual([true, [ZONE]]);
  put(jobSetBody("b", [ZONE, RACK]), { status: FINISHED });
  put(jobSetBody("a", [ZONE]), { metadata: { deletionTimestamp: "2030-01-01T00:00:00Z" } });
  expect(seen()).toEqual([false, []]);
  put(jobSetBody("c", [RACK]));
  jobSets.remove({ namespace: "ns", name: "c", uid: "uid-c", resourceVersion: version() });
  expect(seen()).toEqual([false, []]);
});

test("the node selector way and JobSets of other controllers need no watch", () => {
  const { put, seen } = demandOf();
  put(jobSetBody("foreign", [ZONE], { managedBy: "example.com/other" }));
  const annotations = {
    "alpha.jobset.sigs.k8s.io/exclusive-topology": ZONE,
    "alpha.jobset.sigs.k8s.io/node-selector": "true",
  };
  put(jobSetBody("labelled"), { metadata: { annotations } });
  expect(seen()).toEqual([false, []]);
});

test("strategy InPlaceRestart needs Pods but no Nodes, and nothing while its gate is off", () => {
  const body = jobSetBody("a", [], { failurePolicy: { restartStrategy: "InPlaceRestart" } });
  const off = demandOf();
  off.put(body);
  expect(off.seen()).toEqual([false, []]);
  const on = demandOf({ InPlaceRestart: true });
  on.put(body);
  expect(on.seen()).toEqual([true, []]);
});

test("a list of JobSets is told once, and what changes nothing is not told", async () => {
  const { put, changes } = demandOf();
  for (let index = 0; index < 100; index++) put(jobSetBody(`a${index}`, [ZONE]));
  await Promise.resolve();
  expect(changes()).toBe(1);
  put(jobSetBody("a7", [ZONE]), { status: { restarts: 1 } });
  put(jobSetBody("plain"));
  await Promise.resolve();
  expect(changes()).toBe(1);
});

test("however JobSets come, change and go, the count is that of those that are there", () => {
  const { put, seen, jobSets, version } = demandOf();
  let state = 12345;
  const draw = (below: number) => (state = (state * 1103515245 + 12345) % 2 ** 31) % below;
  const expected = new Map<string, string[]>();
  for (let step = 0; step < 2_000; step++) {
    const name = `a${draw(8)}`;
    const topologies = [[], [ZONE], [RACK], [ZONE, RACK]][draw(4)] ?? [];
    const isFinished = draw(3) === 0;
    if (draw(4) === 0) {
      jobSets.remove({ namespace: "ns", name, uid: jobSets.get("ns", name)?.uid ?? "", resourceVersion: version() });
      expected.delete(name);
    } else {
      // Made anew under its name, now and then, before the watch has told of the deletion.
      const metadata = { uid: `uid-${draw(3)}` };
      put(jobSetBody(name, topologies), { metadata, ...(isFinished ? { status: FINISHED } : {}) });
      expected.set(name, isFinished ? [] : topologies);
    }
    const topologySet = [...new Set([...expected.values()].flat())].sort();
    expect(seen()).toEqual([topologySet.length > 0, topologySet]);
  }
});
