import { expect, test } from "bun:test";
import { type Pod, readPod } from "../api/pod.ts";
import { podPacker } from "./packed_pod.ts";

const ZONE = "topology.kubernetes.io/zone";

function pod(name: string, more: Partial<Pod> = {}): Pod {
  return {
    namespace: "ns",
    name,
    uid: `uid-${name}`,
    resourceVersion: "12",
    ownerKey: "ns/js",
    jobSetUid: "js-uid",
    jobKey: "key",
    jobUid: "j0",
    index: "3",
    isDeleting: false,
    phase: "Running",
    nodeName: "n0",
    topologyKey: ZONE,
    topologyValue: "a",
    restartCount: 2,
    inPlaceRestartAttempt: "1",
    ...more,
  };
}

/** Field by field, for what is shared does not spread. */
function fieldsOf(packed: Pod): Pod {
  const keys = Object.keys(pod("")) as (keyof Pod)[];
  return Object.fromEntries(keys.map((key) => [key, packed[key]])) as unknown as Pod;
}

test("a packed Pod reads as it was, whatever its kin packed before it", () => {
  const pack = podPacker();
  const pods = [
    pod("a"),
    pod("b", { index: "4", phase: "Pending", nodeName: "", topologyValue: undefined }),
    pod("c", { jobKey: "another" }),
    pod("d", { namespace: "other", ownerKey: "other/js" }),
    pod("e", { jobSetUid: undefined, jobKey: undefined, jobUid: undefined, topologyKey: undefined, index: undefined }),
    pod("f", { isDeleting: true, inPlaceRestartAttempt: "many", restartCount: 0 }),
    pod("g", { uid: "0aa5b8e8-1234-4234-8234-0123456789ab" }),
    pod("a"),
  ];
  expect(pods.map((each) => fieldsOf(pack(each)))).toEqual(pods);
});

test("a version keeps its text: of any length, empty, or no number", () => {
  const pack = podPacker();
  const versions = ["", "0", "007", "9007199254740993", "340282366920938463463374607431768211456", "1e3", "abc", "42"];
  expect(versions.map((resourceVersion) => pack(pod("p", { resourceVersion })).resourceVersion)).toEqual(versions);
});

test("every field that is read of a Pod is packed", () => {
  const read = readPod({
    metadata: { namespace: "ns", name: "p", uid: "u", labels: { "jobset.sigs.k8s.io/jobset-name": "js" } },
  });
  expect(read).toBeDefined();
  if (read !== undefined) expect(fieldsOf(podPacker()(read))).toEqual(read);
  expect(Object.keys(read ?? {}).sort()).toEqual(Object.keys(pod("")).sort());
});
