import { expect, test } from "bun:test";
import type { Pod } from "../api/pod.ts";
import { Interner } from "./interner.ts";
import { ObjectCache } from "./object_cache.ts";
import { PodIndex } from "./pod_index.ts";

const ZONE = "topology.kubernetes.io/zone";
const NAMES = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"];
const JOBS = ["j0", "j1"];
const NODES = ["n0", "n1"];

function pod(name: string, more: Partial<Pod> = {}): Pod {
  return {
    namespace: "ns",
    name,
    uid: `uid-${name}`,
    resourceVersion: "1",
    ownerKey: "ns/js",
    jobSetUid: undefined,
    jobKey: "key",
    jobUid: "j0",
    index: "0",
    isDeleting: false,
    phase: "Running",
    nodeName: "n0",
    topologyKey: ZONE,
    topologyValue: undefined,
    restartCount: 0,
    inPlaceRestartAttempt: undefined,
    ...more,
  };
}

/** What the index says, as one text. */
function told(index: PodIndex): unknown {
  const names = (pods: Iterable<Pod>) => [...pods].map(({ name }) => name).sort();
  return {
    leaders: ["k0", "k1"].map((key) => names(index.leaders("ns", key))),
    jobs: JOBS.map((job) => names(index.ofJob(`ns/${job}`))),
    nodes: NODES.map((node) => [...index.jobsLedFrom(node)].sort()),
    exclusive: [...index.exclusiveJobs()].sort(),
    isExclusive: JOBS.map((job) => index.isExclusive(`ns/${job}`)),
  };
}

test("however Pods come, change and go, the index says what a walk over the cache says", () => {
  const cache = new ObjectCache<Pod>();
  const index = new PodIndex();
  cache.onChange((change) => index.apply(change));
  cache.replace([], "1");
  let state = 7;
  const draw = <T>(from: readonly T[]): T => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    const drawn = from[state % from.length];
    if (drawn === undefined) throw new Error("nothing to draw from");
    return drawn;
  };
  for (let version = 2; version < 3_000; version++) {
    const name = draw(NAMES);
    const resourceVersion = String(version);
    const known = cache.get("ns", name);
    if (known !== undefined && draw([true, false, false])) {
      cache.remove({ ...known, resourceVersion });
    } else {
      cache.upsert(pod(name, {
        resourceVersion,
        uid: draw(["u1", "u2"]),
        jobUid: draw(JOBS),
        jobKey: draw(["k0", "k1"]),
        index: draw(["0", "1"]),
        nodeName: draw(["", ...NODES]),
        phase: draw(["Pending", "Running", "Failed"]),
        isDeleting: draw([true, false, false]),
        topologyKey: draw(["zone", ""]) === "" ? undefined : ZONE,
      }));
    }
    const fresh = new PodIndex();
    for (const after of cache.values()) fresh.apply({ kind: "upsert", after });
    expect(told(index)).toEqual(told(fresh));
  }
  expect(cache.size).toBeGreaterThan(0);
  for (const { namespace, name, uid } of [...cache.values()]) {
    cache.remove({ namespace, name, uid, resourceVersion: "9999" });
  }
  expect(told(index)).toEqual(told(new PodIndex()));
});

test("a Pod that names the Job of another namespace is none of its Pods", () => {
  const index = new PodIndex();
  index.apply({ kind: "upsert", after: pod("own") });
  index.apply({ kind: "upsert", after: pod("forged", { namespace: "other" }) });
  expect([...index.ofJob("ns/j0")].map(({ name }) => name)).toEqual(["own"]);
  expect([...index.ofJob("other/j0")].map(({ name }) => name)).toEqual(["forged"]);
});

test("equal texts are shared, and the table stays small", () => {
  const texts = new Interner(2);
  const [one, other] = [["a", "b"].join("/"), ["a", "b"].join("/")];
  expect(texts.share(one)).toBe(texts.share(other));
  expect(["c", "d", "e", undefined].map((text) => texts.share(text))).toEqual(["c", "d", "e", undefined]);
});
