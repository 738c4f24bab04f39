/** What the simulated API server keeps: the newest version of each object, the history of changes, and who watches. */
import { asArray, asString, at, type JsonObject } from "../../../src/base/json.ts";
import { type ResourceName, RESOURCES, type User, type Write } from "../types.ts";
import { metadataOf, uidOf } from "./metadata.ts";
import type { ResourceInfo } from "./resource_info.ts";
import { StoredVersion } from "./stored_version.ts";

/** One change of one object. */
export interface Change {
  readonly version: number;
  readonly before: StoredVersion | undefined;
  /** Undefined: it is gone. */
  readonly after: StoredVersion | undefined;
  /** Where it is gone: its last state, under the version of its deletion. */
  readonly gone: StoredVersion | undefined;
}

interface Table {
  readonly objects: Map<string, StoredVersion>;
  history: Change[];
  readonly watchers: Set<(change: Change) => void>;
}

/** Who changes what, for the listeners. */
export interface WriteNote {
  readonly user: User;
  readonly subresource: "status" | undefined;
}

export interface Owned {
  readonly resource: ResourceName;
  readonly object: JsonObject;
}

/** Versions of a real server are in the hundreds before its first JobSet comes. */
const FIRST_VERSION = 100;

export class ObjectStore {
  readonly #tables = new Map<ResourceName, Table>();
  readonly #byUid = new Map<string, StoredVersion>();
  /** The uids of the objects that name an owner, by its uid. */
  readonly #owned = new Map<string, Set<string>>();
  readonly #listeners: ((write: Write) => void)[] = [];
  /** Writes whose listeners have not been called: a listener that writes does not overtake itself. */
  readonly #untold: (() => void)[] = [];
  #isTelling = false;
  #version = FIRST_VERSION;
  #oldest = FIRST_VERSION;

  constructor() {
    for (const resource of RESOURCES) {
      this.#tables.set(resource, { objects: new Map(), history: [], watchers: new Set() });
    }
  }

  get version(): number {
    return this.#version;
  }

  /** The version from which on all changes are known. */
  get oldest(): number {
    return this.#oldest;
  }

  find(resource: ResourceName, namespace: string, name: string): StoredVersion | undefined {
    return this.#table(resource).objects.get(`${namespace}/${name}`);
  }

  all(resource: ResourceName): Iterable<StoredVersion> {
    return this.#table(resource).objects.values();
  }

  /** In the order of their keys, as lists have them. */
  sorted(resource: ResourceName): readonly (readonly [string, StoredVersion])[] {
    return [...this.#table(resource).objects].sort(([a], [b]) => a < b ? -1 : 1);
  }

  count(resource: ResourceName): number {
    return this.#table(resource).objects.size;
  }

  hasUid(uid: string): boolean {
    return this.#byUid.has(uid);
  }

  *ownedBy(uid: string): Iterable<Owned> {
    for (const each of [...this.#owned.get(uid) ?? []]) {
      const stored = this.#byUid.get(each);
      if (stored !== undefined) yield { resource: stored.info.resource, object: stored.object };
    }
  }

  onWrite(listener: (write: Write) => void): void {
    this.#listeners.push(listener);
  }

  /** Tells of each change from now on; the answer ends it. */
  watch(resource: ResourceName, watcher: (change: Change) => void): () => void {
    const { watchers } = this.#table(resource);
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }

  /** The changes after a version, oldest first. */
  changesSince(resource: ResourceName, version: number): readonly Change[] {
    const { history } = this.#table(resource);
    let [low, high] = [0, history.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((history[middle]?.version ?? 0) <= version) low = middle + 1;
      else high = middle;
    }
    return history.slice(low);
  }

  compact(): void {
    this.#oldest = this.#version;
    for (const table of this.#tables.values()) table.history = [];
  }

  /** Stores an object under the next version, in place of the one before. */
  put(
    info: ResourceInfo,
    object: JsonObject,
    { before, note }: { readonly before: StoredVersion | undefined; readonly note: WriteNote },
  ): StoredVersion {
    const version = ++this.#version;
    const metadata = { ...metadataOf(object), resourceVersion: String(version) };
    const after = new StoredVersion(info, { ...object, metadata }, { version, previous: before });
    this.#table(info.resource).objects.set(keyOf(after.object), after);
    this.#byUid.set(uidOf(after.object), after);
    this.#moveOwners(before, after);
    this.#note({ version, before, after, gone: undefined }, info, note);
    return after;
  }

  /** Takes an object away; the answer is its last version, under the version of its deletion. */
  take(before: StoredVersion, note: WriteNote): StoredVersion {
    const version = ++this.#version;
    const { info, object } = before;
    this.#table(info.resource).objects.delete(keyOf(object));
    this.#byUid.delete(uidOf(object));
    this.#moveOwners(before, undefined);
    const gone = atVersion(before, version);
    this.#note({ version, before, after: undefined, gone }, info, note);
    return gone;
  }

  #note(change: Change, { resource }: ResourceInfo, { user, subresource }: WriteNote): void {
    const table = this.#table(resource);
    table.history.push(change);
    const { version, before, after } = change;
    this.#untold.push(() => {
      for (const watcher of table.watchers) watcher(change);
      const verb = after === undefined ? "delete" : before === undefined ? "create" : "update";
      const write: Write = {
        resource,
        verb,
        subresource,
        user,
        before: before?.object,
        after: after?.object,
        resourceVersion: version,
      };
      for (const listener of this.#listeners) listener(write);
    });
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      for (let tell = this.#untold.shift(); tell !== undefined; tell = this.#untold.shift()) tell();
    } finally {
      this.#isTelling = false;
    }
  }

  #moveOwners(before: StoredVersion | undefined, after: StoredVersion | undefined): void {
    const [old, now] = [references(before), references(after)];
    if (old === now) return;
    for (const reference of old) {
      const owner = asString(at(reference, "uid")) ?? "";
      const owned = this.#owned.get(owner);
      owned?.delete(uidOf(before?.object ?? {}));
      if (owned?.size === 0) this.#owned.delete(owner);
    }
    for (const reference of now) {
      const owner = asString(at(reference, "uid")) ?? "";
      const owned = this.#owned.get(owner);
      const uid = uidOf(after?.object ?? {});
      if (owned === undefined) this.#owned.set(owner, new Set([uid]));
      else owned.add(uid);
    }
  }

  #table(resource: ResourceName): Table {
    const table = this.#tables.get(resource);
    if (table === undefined) throw new Error(`no resource "${resource}"`);
    return table;
  }
}

/** The same object under another version: as it was when it went. */
export function atVersion({ info, object }: StoredVersion, version: number): StoredVersion {
  const metadata = { ...metadataOf(object), resourceVersion: String(version) };
  return new StoredVersion(info, { ...object, metadata }, { version });
}

const NO_REFERENCES: readonly unknown[] = [];

function references(version: StoredVersion | undefined): readonly unknown[] {
  if (version === undefined) return NO_REFERENCES;
  const list = metadataOf(version.object)["ownerReferences"];
  return list === undefined ? NO_REFERENCES : asArray(list);
}

function keyOf(object: JsonObject): string {
  const { namespace, name } = metadataOf(object);
  return `${asString(namespace) ?? ""}/${asString(name) ?? ""}`;
}
