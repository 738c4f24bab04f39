import { expect, test } from "bun:test";
import fc from "fast-check";
import { type CacheEntry, ObjectCache } from "./object_cache.ts";

/** An object store with one revision count, as etcd has, and a log of everything that happened. */
class ModelStore {
  revision = 1;
  readonly objects = new Map<string, CacheEntry>();
  readonly log: { readonly kind: "upsert" | "remove"; readonly item: CacheEntry }[] = [];
  readonly #owners = ["x", "y", undefined];

  write(name: string, chance: number): CacheEntry {
    const before = this.objects.get(name);
    const owner = this.#owners[chance % 3];
    const item: CacheEntry = {
      namespace: "ns",
      name,
      uid: before?.uid ?? `${name}-${this.revision + 1}`,
      resourceVersion: `${++this.revision}`,
      ...(owner === undefined ? {} : { ownerKey: `ns/${owner}` }),
    };
    this.objects.set(name, item);
    this.log.push({ kind: "upsert", item });
    return item;
  }

  delete(name: string): CacheEntry | undefined {
    const before = this.objects.get(name);
    if (before === undefined) return undefined;
    this.objects.delete(name);
    this.log.push({ kind: "remove", item: { ...before, resourceVersion: `${++this.revision}` } });
    return before;
  }

  /** The state as it was at a revision. */
  stateAt(revision: number): CacheEntry[] {
    const state = new Map<string, CacheEntry>();
    for (const { kind, item } of this.log) {
      if (Number(item.resourceVersion) > revision) break;
      if (kind === "upsert") state.set(item.name, item);
      else state.delete(item.name);
    }
    return [...state.values()];
  }
}

/** A cache before a model store, with a watch that lags and answers that arrive whenever the test says. */
class Harness {
  readonly store = new ModelStore();
  readonly cache = new ObjectCache<CacheEntry>();
  readonly answers: (() => void)[] = [];
  readonly #newest = new Map<string, number>();
  readonly #dead = new Set<string>();
  /** What listeners were told, put together: must always equal the cache. */
  readonly #told = new Map<string, CacheEntry>();
  #watchedTo = 0;

  constructor() {
    this.cache.onChange((change) => {
      if (change.kind === "delete") {
        expect(this.#told.get(change.before.name)).toBe(change.before);
        this.#told.delete(change.before.name);
        this.#dead.add(change.before.uid);
        return;
      }
      expect(this.#told.get(change.after.name)).toBe(change.before as CacheEntry);
      expect(this.#dead.has(change.after.uid)).toBe(false);
      this.#told.set(change.after.name, change.after);
    });
    this.relist(0);
  }

  ownWrite(name: string, chance: number): void {
    const item = this.store.write(name, chance);
    this.answers.push(() => this.cache.observeWrite(item));
  }

  ownDelete(name: string, withVersion: boolean): void {
    const item = this.store.delete(name);
    if (item === undefined) return;
    const { namespace, uid, resourceVersion } = item;
    this.answers.push(() =>
      this.cache.observeDelete({ namespace, name, uid, ...(withVersion ? { resourceVersion } : {}) })
    );
  }

  answer(chance: number): void {
    const [deliver] = this.answers.splice(chance % Math.max(this.answers.length, 1), 1);
    deliver?.();
  }

  watch(): boolean {
    const event = this.store.log.find(({ item }) => Number(item.resourceVersion) > this.#watchedTo);
    if (event === undefined) return false;
    this.#watchedTo = Number(event.item.resourceVersion);
    // As the watcher does it: what is held already need not be read.
    if (event.kind === "upsert") {
      const known = this.cache.get("ns", event.item.name);
      const isConfirmed = this.cache.confirm(event.item);
      expect(isConfirmed).toBe(known?.uid === event.item.uid && known.resourceVersion === event.item.resourceVersion);
      if (!isConfirmed) this.cache.upsert(event.item);
    } else {
      const { namespace, name, uid, resourceVersion } = event.item;
      this.cache.remove({ namespace, name, uid, resourceVersion });
    }
    return true;
  }

  /** The watch broke: it starts again from a list of any revision up to now, as a stale API server may give it. */
  relist(chance: number): void {
    const revision = 1 + chance % this.store.revision;
    this.cache.replace(this.store.stateAt(revision), `${revision}`);
    this.#watchedTo = revision;
  }

  /** The watch tells again what it told before, as one that goes on from an older version. */
  rewind(chance: number): void {
    this.#watchedTo = Math.max(1, this.#watchedTo - chance % 8);
  }

  check(): void {
    const cached = [...this.cache.values()];
    expect(new Map(cached.map((item) => [item.name, item]))).toEqual(this.#told);
    expect(this.cache.size).toBe(cached.length);
    for (const item of cached) {
      const version = Number(item.resourceVersion);
      expect(version).toBeGreaterThanOrEqual(this.#newest.get(item.name) ?? 0);
      this.#newest.set(item.name, version);
    }
    for (const owner of ["ns/x", "ns/y"]) {
      const owned = cached.filter((item) => item.ownerKey === owner).map((item) => item.name);
      expect([...this.cache.byOwner(owner).keys()].sort()).toEqual(owned.sort());
    }
  }

  settle(): void {
    while (this.answers.length > 0) this.answer(0);
    while (this.watch());
  }
}

const step = fc.record({
  kind: fc.constantFrom(
    "write",
    "write",
    "delete",
    "ownWrite",
    "ownWrite",
    "ownDelete",
    "answer",
    "watch",
    "relist",
    "rewind",
  ),
  name: fc.constantFrom("a", "b", "c"),
  chance: fc.nat(1000),
});

function take(harness: Harness, { kind, name, chance }: { kind: string; name: string; chance: number }): void {
  switch (kind) {
    case "write":
      harness.store.write(name, chance);
      break;
    case "delete":
      harness.store.delete(name);
      break;
    case "ownWrite":
      harness.ownWrite(name, chance);
      break;
    case "ownDelete":
      harness.ownDelete(name, chance % 2 === 0);
      break;
    case "answer":
      harness.answer(chance);
      break;
    case "watch":
      harness.watch();
      break;
    case "rewind":
      harness.rewind(chance);
      break;
    default:
      harness.relist(chance);
  }
}

test("whatever order answers, late events and stale lists come in, the cache ends as the store and never goes back", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const harness = new Harness();
      for (const one of steps) {
        take(harness, one);
        harness.check();
      }
      harness.settle();
      harness.check();
      const byName = (a: CacheEntry, b: CacheEntry) => a.name < b.name ? -1 : 1;
      expect([...harness.cache.values()].sort(byName)).toEqual([...harness.store.objects.values()].sort(byName));
      expect(harness.cache.goneCount).toBe(0);
    }),
    { numRuns: 2000 },
  );
});
