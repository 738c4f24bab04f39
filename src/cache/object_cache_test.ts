import { expect, test } from "bun:test";
import { type CacheChange, type CacheEntry, ObjectCache } from "./object_cache.ts";

interface Thing extends CacheEntry {
  readonly note?: string;
}

function thing(name: string, uid: string, version: number, owner?: string): Thing {
  return {
    namespace: "ns",
    name,
    uid,
    resourceVersion: `${version}`,
    ...(owner === undefined ? {} : { ownerKey: `ns/${owner}` }),
  };
}

function synced(version: number, ...items: Thing[]) {
  const cache = new ObjectCache<Thing>();
  cache.replace(items, `${version}`);
  const changes: string[] = [];
  cache.onChange((change) => changes.push(describe(change)));
  return { cache, changes };
}

function describe(change: CacheChange<Thing>): string {
  const name = (item: Thing) => `${item.name}:${item.uid}@${item.resourceVersion}`;
  if (change.kind === "delete") return `delete ${name(change.before)}`;
  return change.before === undefined
    ? `add ${name(change.after)}`
    : `modify ${name(change.before)} ${name(change.after)}`;
}

function contents(cache: ObjectCache<Thing>): string[] {
  return [...cache.values()].map((item) => `${item.name}:${item.uid}@${item.resourceVersion}`).sort();
}

test("a cache is synced once it has taken in a whole list", () => {
  const cache = new ObjectCache<Thing>();
  expect(cache.isSynced).toBe(false);
  cache.observeWrite(thing("a", "A", 3));
  cache.upsert(thing("b", "B", 4));
  expect(cache.isSynced).toBe(false);
  cache.replace([], "5");
  expect(cache.isSynced).toBe(true);
  expect(cache.size).toBe(0);
});

test("only the version that is held is confirmed, and the watch has then told of it", () => {
  const { cache, changes } = synced(10);
  cache.observeWrite(thing("a", "A", 12));
  changes.splice(0);
  expect(cache.confirm(thing("a", "A", 11))).toBe(false);
  expect(cache.confirm(thing("a", "B", 12))).toBe(false);
  expect(cache.confirm(thing("b", "A", 12))).toBe(false);
  expect(cache.isAheadOf("11")).toBe(false);
  expect(cache.confirm(thing("a", "A", 12))).toBe(true);
  expect(cache.isAheadOf("11")).toBe(true);
  expect(changes).toEqual([]);
});

test("events are told as real changes only", () => {
  const { cache, changes } = synced(10, thing("a", "A", 5));
  cache.upsert(thing("a", "A", 5));
  cache.upsert(thing("a", "A", 12));
  cache.upsert(thing("a", "A", 11));
  cache.upsert(thing("b", "B", 13));
  cache.remove({ namespace: "ns", name: "a", uid: "A", resourceVersion: "14" });
  cache.remove({ namespace: "ns", name: "a", uid: "A", resourceVersion: "14" });
  expect(changes).toEqual(["modify a:A@5 a:A@12", "add b:B@13", "delete a:A@12"]);
  expect(cache.size).toBe(1);
});

test("a list yields deletes for what vanished and for what was recreated under its name", () => {
  const { cache, changes } = synced(10, thing("a", "A", 5), thing("b", "B", 6), thing("c", "C", 7));
  cache.replace([thing("b", "B2", 15), thing("c", "C", 7), thing("d", "D", 16)], "20");
  expect(changes.toSorted()).toEqual(["add b:B2@15", "add d:D@16", "delete a:A@5", "delete b:B@6"]);
  expect(contents(cache)).toEqual(["b:B2@15", "c:C@7", "d:D@16"]);
});

test("listeners see the whole list, whichever change they are told first", () => {
  const cache = new ObjectCache<Thing>();
  const sizes: number[] = [];
  cache.onChange(() => sizes.push(cache.size));
  cache.replace([thing("a", "A", 1), thing("b", "B", 2)], "3");
  expect(sizes).toEqual([2, 2]);
});

test("an own write is seen at once and its late event is no change", () => {
  const { cache, changes } = synced(10);
  cache.observeWrite(thing("a", "A", 12));
  cache.upsert(thing("a", "A", 12));
  expect(changes).toEqual(["add a:A@12"]);
});

test("a list that is older than an own write keeps it; a newer one without it drops it", () => {
  const { cache } = synced(10);
  cache.observeWrite(thing("a", "A", 12));
  cache.replace([], "11");
  expect(contents(cache)).toEqual(["a:A@12"]);
  cache.replace([], "12");
  expect(contents(cache)).toEqual([]);
});

test("the answer of an own write that arrives after the object's deletion changes nothing", () => {
  const { cache, changes } = synced(10);
  cache.upsert(thing("a", "A", 12));
  cache.remove({ namespace: "ns", name: "a", uid: "A", resourceVersion: "15" });
  cache.observeWrite(thing("a", "A", 13));
  expect(changes).toEqual(["add a:A@12", "delete a:A@12"]);
});

test("after an own delete, late events and stale lists do not bring the object back", () => {
  const { cache, changes } = synced(10, thing("a", "A", 5));
  cache.observeDelete({ namespace: "ns", name: "a", uid: "A" });
  cache.upsert(thing("a", "A", 11));
  cache.replace([thing("a", "A", 11)], "11");
  cache.observeWrite(thing("a", "A", 12));
  expect(cache.size).toBe(0);
  expect(changes).toEqual(["delete a:A@5"]);
});

test("the mark of an own delete goes with the DELETED event", () => {
  const { cache } = synced(10, thing("a", "A", 5));
  cache.observeDelete({ namespace: "ns", name: "a", uid: "A" });
  expect(cache.goneCount).toBe(1);
  cache.remove({ namespace: "ns", name: "a", uid: "A", resourceVersion: "12" });
  expect(cache.goneCount).toBe(0);
  cache.upsert(thing("a", "A", 11));
  expect(cache.size).toBe(0);
});

test("the mark of an own delete goes with a later list that lacks the object, and stays with one that has it", () => {
  const { cache } = synced(10, thing("a", "A", 5));
  cache.observeDelete({ namespace: "ns", name: "a", uid: "A" });
  cache.replace([thing("a", "A", 11)], "11");
  expect(cache.goneCount).toBe(1);
  cache.replace([], "14");
  expect(cache.goneCount).toBe(0);
  cache.replace([thing("a", "A", 11)], "12");
  expect(cache.size).toBe(0);
});

test("a delete answer that comes after the DELETED event leaves no mark", () => {
  const { cache } = synced(10, thing("a", "A", 5));
  cache.remove({ namespace: "ns", name: "a", uid: "A", resourceVersion: "12" });
  cache.observeDelete({ namespace: "ns", name: "a", uid: "A" });
  cache.observeDelete({ namespace: "ns", name: "a", uid: "A", resourceVersion: "5" });
  expect(cache.goneCount).toBe(0);
});

test("an own delete of an object that the watch has not shown yet holds its events off", () => {
  const { cache } = synced(10);
  cache.observeDelete({ namespace: "ns", name: "a", uid: "A", resourceVersion: "12" });
  cache.upsert(thing("a", "A", 12));
  expect(cache.size).toBe(0);
});

test("a new uid under a name replaces the old one, an older uid does not come back", () => {
  const { cache, changes } = synced(10, thing("a", "A", 5));
  cache.observeWrite(thing("a", "A2", 20));
  cache.upsert(thing("a", "A", 12));
  cache.remove({ namespace: "ns", name: "a", uid: "A", resourceVersion: "15" });
  cache.upsert(thing("a", "A2", 20));
  expect(changes).toEqual(["delete a:A@5", "add a:A2@20"]);
  expect(cache.goneCount).toBe(0);
});

test("events of a replaced uid stay without effect when its successor is deleted too", () => {
  const { cache } = synced(10, thing("a", "A", 5));
  cache.observeWrite(thing("a", "A2", 20));
  cache.observeDelete({ namespace: "ns", name: "a", uid: "A2" });
  cache.upsert(thing("a", "A", 12));
  expect(cache.size).toBe(0);
});

test("an object of a name that lived before the one we deleted does not come back either", () => {
  const { cache } = synced(10);
  cache.observeWrite(thing("a", "A2", 20));
  cache.observeDelete({ namespace: "ns", name: "a", uid: "A2" });
  cache.upsert(thing("a", "A", 12));
  expect(cache.size).toBe(0);
  cache.observeWrite(thing("a", "A3", 25));
  expect(contents(cache)).toEqual(["a:A3@25"]);
});

test("deleting a uid that the watch has not shown yet takes its predecessor away, but not its successor", () => {
  const { cache } = synced(10, thing("a", "A", 5), thing("b", "B", 6));
  cache.observeDelete({ namespace: "ns", name: "a", uid: "A2", resourceVersion: "12" });
  expect(contents(cache)).toEqual(["b:B@6"]);
  cache.observeWrite(thing("b", "B3", 15));
  cache.observeDelete({ namespace: "ns", name: "b", uid: "B2", resourceVersion: "13" });
  expect(contents(cache)).toEqual(["b:B3@15"]);
});

test("deleting an older uid of a name leaves the current one", () => {
  const { cache } = synced(10, thing("a", "A2", 8));
  cache.observeDelete({ namespace: "ns", name: "a", uid: "A" });
  cache.remove({ namespace: "ns", name: "a", uid: "A", resourceVersion: "11" });
  expect(contents(cache)).toEqual(["a:A2@8"]);
});

test("a list from before the watched state brings nothing back", () => {
  const { cache, changes } = synced(10, thing("a", "A", 5));
  cache.remove({ namespace: "ns", name: "a", uid: "A", resourceVersion: "20" });
  cache.upsert(thing("b", "B", 21));
  changes.length = 0;
  cache.replace([thing("a", "A", 15)], "15");
  cache.upsert(thing("a", "A", 18));
  cache.remove({ namespace: "ns", name: "a", uid: "A", resourceVersion: "20" });
  cache.upsert(thing("b", "B", 21));
  expect(changes).toEqual([]);
  expect(contents(cache)).toEqual(["b:B@21"]);
});

test("a list that is newer than the watched state is believed in whatever it holds", () => {
  const { cache } = synced(10);
  cache.replace([thing("a", "A", 7)], "12");
  expect(contents(cache)).toEqual(["a:A@7"]);
});

test("the objects of one owner are found under its key, and move when the owner changes", () => {
  const { cache } = synced(10, thing("a", "A", 1, "x"), thing("b", "B", 2, "x"), thing("c", "C", 3, "y"));
  expect([...cache.byOwner("ns/x").keys()]).toEqual(["a", "b"]);
  cache.upsert(thing("b", "B", 11, "y"));
  cache.upsert(thing("a", "A", 12));
  expect([...cache.byOwner("ns/x").keys()]).toEqual([]);
  expect([...cache.byOwner("ns/y").keys()]).toEqual(["c", "b"]);
  cache.remove({ namespace: "ns", name: "c", uid: "C", resourceVersion: "13" });
  expect(cache.byOwner("ns/y").get("b")?.uid).toBe("B");
  expect(cache.byOwner("ns/y").size).toBe(1);
  expect(cache.get("ns", "a")?.resourceVersion).toBe("12");
});

test("names of different namespaces do not meet", () => {
  const { cache } = synced(10, thing("a", "A", 1));
  cache.upsert({ ...thing("a", "O", 11), namespace: "other" });
  expect(cache.get("ns", "a")?.uid).toBe("A");
  expect(cache.get("other", "a")?.uid).toBe("O");
  expect(cache.size).toBe(2);
});

test("at most 100,000 uids are marked as gone, the oldest go first", () => {
  const cache = new ObjectCache<Thing>();
  for (let index = 0; index < 100_010; index++) {
    cache.observeDelete({ namespace: "ns", name: `n${index}`, uid: `u${index}`, resourceVersion: "5" });
  }
  expect(cache.goneCount).toBe(100_000);
  cache.upsert(thing("n0", "u0", 5));
  cache.upsert(thing("n100009", "u100009", 5));
  expect(cache.get("ns", "n0")?.uid).toBe("u0");
  expect(cache.get("ns", "n100009")).toBeUndefined();
});

test("a list older than what the watch has told shows that time went back; own writes say nothing of it", () => {
  const { cache } = synced(10, thing("a", "u1", 9));
  expect(cache.isAheadOf("10")).toBe(false);
  cache.observeWrite(thing("a", "u1", 15));
  expect(cache.isAheadOf("12")).toBe(false);
  cache.upsert(thing("b", "u2", 20));
  expect(cache.isAheadOf("19")).toBe(true);
  expect(new ObjectCache<Thing>().isAheadOf("1")).toBe(false);
});
