import { type Named, NameTable } from "./name_table.ts";
import { compareResourceVersions, isNewerVersion } from "./resource_version.ts";

/** What the cache must know of a trimmed object; everything else in it is the caller's. */
export interface CacheEntry {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** `namespace/name` of the JobSet that the owner reference names, whatever its uid (spec 3.11). */
  readonly ownerKey?: string;
}

/** The object that a delete took away. */
export interface DeletedObject {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** A version at which the object was still there; the cached one where left out. */
  readonly resourceVersion?: string;
}

export type CacheChange<T> =
  | { readonly kind: "upsert"; readonly before?: T; readonly after: T }
  | { readonly kind: "delete"; readonly before: T };

/** The last object known under a name, deleted by ourselves before the watch said so. */
interface GoneMark {
  readonly uid: string;
  /** A version at which it was still there: whatever is older under that name is gone as well. */
  readonly aliveAt: string;
}

/** Marks kept at most; the oldest is dropped beyond this. */
const MAX_GONE_MARKS = 100_000;

const NOTHING: Named<never> = new NameTable<never>();

/**
 * The state of one resource as the watch tells it, with the answers to our own requests laid over it at once.
 *
 * Three rules keep an object from going back in time, whatever arrives late or twice:
 * - Of one name the newer resourceVersion wins: a uid lives wholly before or after another uid of the same name.
 * - Up to `#completeTo` the cache has seen everything. An object that it does not hold and whose version is not past
 *   that point was deleted in the meantime: a late answer or a stale list does not bring it back.
 * - A name whose object our own delete took is marked until the watch has passed the deletion: nothing of that uid,
 *   and nothing older, comes back under it.
 */
export class ObjectCache<T extends CacheEntry> {
  readonly #namespaces = new Map<string, NameTable<T>>();
  readonly #owners = new Map<string, NameTable<T>>();
  readonly #gone = new Map<string, GoneMark>();
  readonly #listeners: ((change: CacheChange<T>) => void)[] = [];
  #completeTo: string | undefined;
  #size = 0;

  /** Whether a whole list has been taken in. */
  get isSynced(): boolean {
    return this.#completeTo !== undefined;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether the watch has told more than a list of this version knows. */
  isAheadOf(version: string): boolean {
    return this.#completeTo !== undefined && isNewerVersion(this.#completeTo, version);
  }

  /** How many names are marked as gone: for tests and metrics. */
  get goneCount(): number {
    return this.#gone.size;
  }

  get(namespace: string, name: string): T | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  /** The objects whose owner reference names this JobSet, by name. */
  byOwner(ownerKey: string): Named<T> {
    return this.#owners.get(ownerKey) ?? NOTHING;
  }

  *values(): Generator<T, void, undefined> {
    for (const names of this.#namespaces.values()) yield* names.values();
  }

  /** Calls `listener` after each real change, once the cache and its indexes show it. */
  onChange(listener: (change: CacheChange<T>) => void): void {
    this.#listeners.push(listener);
  }

  /** The watch has a whole list: it becomes the state in one step, but for own writes that are newer than it. */
  replace(items: Iterable<T>, resourceVersion: string): void {
    const stale = this.isAheadOf(resourceVersion);
    // The first list has nothing to drop, and is the longest.
    const listed = this.#size > 0 || this.#gone.size > 0 ? new Set<string>() : undefined;
    const changes: CacheChange<T>[] = [];
    for (const item of items) {
      listed?.add(item.uid);
      if (!stale || !this.#diedBefore(item)) this.#put(item, changes);
    }
    if (listed !== undefined) this.#dropUnlisted(listed, resourceVersion, changes);
    if (!stale) this.#completeTo = resourceVersion;
    this.#tell(changes);
  }

  /** The watch reports an object as added or modified. */
  upsert(item: T): void {
    const changes: CacheChange<T>[] = [];
    if (!this.#diedBefore(item)) this.#put(item, changes);
    this.#advance(item.resourceVersion);
    this.#tell(changes);
  }

  /** The watch reports an object; true where this very version is held, so that nothing of it need be read. */
  confirm({ namespace, name, uid, resourceVersion }: Required<DeletedObject>): boolean {
    const cached = this.get(namespace, name);
    if (cached?.uid !== uid || cached.resourceVersion !== resourceVersion) return false;
    this.#advance(resourceVersion);
    return true;
  }

  /** The watch reports an object as deleted. */
  remove(item: Required<DeletedObject>): void {
    const changes: CacheChange<T>[] = [];
    const key = `${item.namespace}/${item.name}`;
    if (this.#gone.get(key)?.uid === item.uid) this.#gone.delete(key);
    const cached = this.get(item.namespace, item.name);
    if (cached?.uid === item.uid) this.#delete(cached, changes);
    this.#advance(item.resourceVersion);
    this.#tell(changes);
  }

  /** The API server answered our own write with this object: it is seen at once, whatever the watch lags behind. */
  observeWrite(item: T): void {
    if (this.#diedBefore(item)) return;
    const changes: CacheChange<T>[] = [];
    this.#put(item, changes);
    this.#tell(changes);
  }

  /**
   * The API server said that this uid is gone, as an answer to our own delete.
   * An object that is not cached and has no version is taken to have left by the watch already.
   */
  observeDelete(item: DeletedObject): void {
    const cached = this.get(item.namespace, item.name);
    const aliveAt = cached?.uid === item.uid ? cached.resourceVersion : item.resourceVersion;
    if (aliveAt === undefined) return;
    const isNews = cached === undefined ? !this.#covers(aliveAt) : !isNewerVersion(cached.resourceVersion, aliveAt);
    if (!isNews) return;
    this.#markGone(`${item.namespace}/${item.name}`, { uid: item.uid, aliveAt });
    if (cached === undefined) return;
    const changes: CacheChange<T>[] = [];
    this.#delete(cached, changes);
    this.#tell(changes);
  }

  /** Drops what a list of this version would name if it still existed; own writes newer than the list stay. */
  #dropUnlisted(listed: ReadonlySet<string>, version: string, changes: CacheChange<T>[]): void {
    for (const entry of this.values()) {
      if (!listed.has(entry.uid) && !isNewerVersion(entry.resourceVersion, version)) this.#delete(entry, changes);
    }
    for (const [key, { uid, aliveAt }] of this.#gone) {
      if (!listed.has(uid) && !isNewerVersion(aliveAt, version)) this.#gone.delete(key);
    }
  }

  /** Takes the object in unless something newer is known under its name. */
  #put(item: T, changes: CacheChange<T>[]): void {
    if (this.#gone.size > 0 && !this.#outlives(item)) return;
    const before = this.get(item.namespace, item.name);
    if (before === undefined) {
      this.#index(item, undefined);
      changes.push({ kind: "upsert", after: item });
    } else if (!isNewerVersion(item.resourceVersion, before.resourceVersion)) {
      return;
    } else if (before.uid === item.uid) {
      this.#index(item, before);
      changes.push({ kind: "upsert", before, after: item });
    } else {
      this.#delete(before, changes);
      this.#index(item, undefined);
      changes.push({ kind: "upsert", after: item });
    }
  }

  /** Whether the object came after what is marked as gone under its name. */
  #outlives(item: T): boolean {
    const mark = this.#gone.get(`${item.namespace}/${item.name}`);
    return mark === undefined || (mark.uid !== item.uid && isNewerVersion(item.resourceVersion, mark.aliveAt));
  }

  #index(item: T, before: T | undefined): void {
    if (before === undefined) this.#size++;
    if (before?.ownerKey !== undefined && before.ownerKey !== item.ownerKey) {
      unset(this.#owners, before.ownerKey, before.name);
    }
    set(this.#namespaces, item.namespace, item);
    if (item.ownerKey !== undefined) set(this.#owners, item.ownerKey, item);
  }

  #delete(entry: T, changes: CacheChange<T>[]): void {
    this.#size--;
    unset(this.#namespaces, entry.namespace, entry.name);
    if (entry.ownerKey !== undefined) unset(this.#owners, entry.ownerKey, entry.name);
    changes.push({ kind: "delete", before: entry });
  }

  #markGone(key: string, mark: GoneMark): void {
    const known = this.#gone.get(key);
    if (known !== undefined && !isNewerVersion(mark.aliveAt, known.aliveAt)) return;
    this.#gone.set(key, mark);
    if (this.#gone.size <= MAX_GONE_MARKS) return;
    for (const oldest of this.#gone.keys()) {
      this.#gone.delete(oldest);
      return;
    }
  }

  /** An object that the cache would hold if it still existed. */
  #diedBefore(item: T): boolean {
    return this.#covers(item.resourceVersion) && this.get(item.namespace, item.name)?.uid !== item.uid;
  }

  /** Whether the watch has told everything that happened up to this version. */
  #covers(version: string): boolean {
    return this.#completeTo !== undefined && compareResourceVersions(version, this.#completeTo) <= 0;
  }

  #advance(version: string): void {
    if (this.#completeTo !== undefined && isNewerVersion(version, this.#completeTo)) this.#completeTo = version;
  }

  #tell(changes: readonly CacheChange<T>[]): void {
    for (const change of changes) {
      for (const listener of this.#listeners) listener(change);
    }
  }
}

function set<T extends CacheEntry>(index: Map<string, NameTable<T>>, key: string, item: T): void {
  let names = index.get(key);
  if (names === undefined) index.set(key, names = new NameTable());
  names.set(item);
}

function unset<T extends CacheEntry>(index: Map<string, NameTable<T>>, key: string, name: string): void {
  const names = index.get(key);
  names?.delete(name);
  if (names?.size === 0) index.delete(key);
}
