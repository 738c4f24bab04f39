/**
 * The garbage collector of the cluster: dependents of an owner in foreground deletion first, dependents of an owner that is gone,
 * and owner references of those that are orphaned. It finds everything by uid, and each object takes its own time.
 */
import { asArray, asObject, asString, type JsonObject } from "../../../src/base/json.ts";
import type { ActorWorld, DeleteOptions, ObjectKey, ResourceName, Write } from "../types.ts";
import { lag } from "./chance.ts";
import { KeyedTimer } from "./keyed_timer.ts";
import { hasFinalizer, isDeleting, keyOf, metadataOf, uidOf } from "./objects.ts";
import { tryTo } from "./try_to.ts";

const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";

/** Events and Leases come and go in numbers, and own nothing. */
const NO_PART: ReadonlySet<ResourceName> = new Set(["events", "leases", "nodes", "priorityclasses"]);

interface Place {
  readonly resource: ResourceName;
  readonly key: ObjectKey;
}

export class GarbageCollector {
  readonly #world: ActorWorld;
  /** Where an object of this uid that has work waiting is. */
  readonly #places = new Map<string, Place>();
  /** The uids of what waits for its dependents. */
  readonly #foreground = new Set<string>();
  readonly #timer: KeyedTimer;

  constructor(world: ActorWorld) {
    this.#world = world;
    this.#timer = new KeyedTimer(world, { label: "collect", fire: (uid) => this.#collect(uid) });
    world.server.onWrite((write) => {
      if (!NO_PART.has(write.resource)) this.#hear(write);
    });
  }

  #hear({ resource, verb, before, after }: Write): void {
    if (verb === "delete") {
      if (before !== undefined) this.#hearDelete(before);
      return;
    }
    if (after === undefined) return;
    if (isDeleting(after)) {
      if (hasFinalizer(after, FOREGROUND)) {
        const uid = uidOf(after);
        const isNew = !this.#foreground.has(uid);
        this.#foreground.add(uid);
        if (isNew) this.#wake(resource, after);
      } else if (hasFinalizer(after, ORPHAN)) this.#wake(resource, after);
    } else if (verb === "create" && this.#hasLostOwner(after)) this.#wake(resource, after);
  }

  #hearDelete(object: JsonObject): void {
    const uid = uidOf(object);
    this.#foreground.delete(uid);
    this.#places.delete(uid);
    for (const dependent of this.#world.server.ownedBy(uid)) this.#wake(dependent.resource, dependent.object);
    for (const owner of ownerUids(object)) {
      if (this.#foreground.has(owner)) this.#timer.wake(owner, lag(this.#world.random));
    }
  }

  #hasLostOwner(object: JsonObject): boolean {
    return ownerUids(object).some((uid) => this.#foreground.has(uid) || !this.#world.server.hasUid(uid));
  }

  #wake(resource: ResourceName, object: JsonObject): void {
    const uid = uidOf(object);
    this.#places.set(uid, { resource, key: keyOf(object) });
    this.#timer.wake(uid, lag(this.#world.random));
  }

  #collect(uid: string): void {
    const place = this.#places.get(uid);
    const object = place === undefined ? undefined : this.#world.server.get(place.resource, place.key);
    if (place === undefined || object === undefined || uidOf(object) !== uid) return;
    if (!isDeleting(object)) this.#collectDependent(place, object);
    else if (hasFinalizer(object, FOREGROUND)) this.#collectOwner(place, object);
    else if (hasFinalizer(object, ORPHAN)) this.#orphan(place, object);
  }

  /** Deletes what no living owner holds; of an object that one still holds, the other references go. */
  #collectDependent({ resource, key }: Place, object: JsonObject): void {
    const uid = uidOf(object);
    const owners = ownerUids(object);
    const lost = owners.filter((owner) => this.#foreground.has(owner) || !this.#world.server.hasUid(owner));
    if (lost.length === 0) return;
    if (lost.length < owners.length) {
      this.#update(resource, withoutOwners(object, new Set(lost)));
      return;
    }
    const isAwaited = lost.some((owner) => this.#foreground.has(owner));
    const hasDependents = !isEmpty(this.#world.server.ownedBy(uid));
    const propagation: DeleteOptions["propagation"] = isAwaited && hasDependents ? "Foreground" : "Background";
    tryTo(() => this.#world.server.remove("garbage-collector", resource, key, { propagation, uid }));
  }

  /** Its dependents that block it go first, then its finalizer. */
  #collectOwner({ resource }: Place, object: JsonObject): void {
    const uid = uidOf(object);
    let isBlocked = false;
    for (const dependent of [...this.#world.server.ownedBy(uid)]) {
      if (!blocks(dependent.object, uid)) continue;
      isBlocked = true;
      if (!isDeleting(dependent.object)) this.#wake(dependent.resource, dependent.object);
    }
    if (!isBlocked) this.#update(resource, withoutFinalizer(object, FOREGROUND));
  }

  #orphan({ resource }: Place, object: JsonObject): void {
    const owners = new Set([uidOf(object)]);
    for (const dependent of [...this.#world.server.ownedBy(uidOf(object))]) {
      this.#update(dependent.resource, withoutOwners(dependent.object, owners));
    }
    this.#update(resource, withoutFinalizer(object, ORPHAN));
  }

  #update(resource: ResourceName, object: JsonObject): void {
    const done = tryTo(() => this.#world.server.update("garbage-collector", resource, object));
    if (done === undefined) this.#wake(resource, object);
  }
}

function ownerUids(object: JsonObject): readonly string[] {
  return asArray(metadataOf(object)["ownerReferences"]).map((owner) => asString(asObject(owner)?.["uid"]) ?? "");
}

function blocks(dependent: JsonObject, ownerUid: string): boolean {
  return asArray(metadataOf(dependent)["ownerReferences"]).some((reference) => {
    const owner = asObject(reference);
    return owner?.["uid"] === ownerUid && owner["blockOwnerDeletion"] === true;
  });
}

function withoutOwners(object: JsonObject, uids: ReadonlySet<string>): JsonObject {
  const metadata = metadataOf(object);
  const ownerReferences = asArray(metadata["ownerReferences"]).filter((reference) =>
    !uids.has(asString(asObject(reference)?.["uid"]) ?? "")
  );
  return { ...object, metadata: { ...metadata, ownerReferences } };
}

function withoutFinalizer(object: JsonObject, finalizer: string): JsonObject {
  const metadata = metadataOf(object);
  return {
    ...object,
    metadata: { ...metadata, finalizers: asArray(metadata["finalizers"]).filter((entry) => entry !== finalizer) },
  };
}

function isEmpty(items: Iterable<unknown>): boolean {
  for (const _ of items) return false;
  return true;
}
