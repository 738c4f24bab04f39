/** Creates, updates and deletes with all the rules of the API server: what both its HTTP side and the actors go through. */
import { asObject, asString, type JsonObject } from "../../../src/base/json.ts";
import type { ObjectKey, ResourceName, User } from "../types.ts";
import { deepEqual } from "./deep_equal.ts";
import { type DeleteWish, deletionOf } from "./deletion.ts";
import {
  finalizersOf,
  isDeleting,
  metadataOf,
  nameOf,
  namespaceOf,
  textOf,
  timestamp,
  uidOf,
  updatedMetadata,
  withMetadata,
} from "./metadata.ts";
import { generatedName, labelCauses, metadataCauses, ownerCauses, uidOfCount } from "./object_names.ts";
import type { ObjectStore } from "./object_store.ts";
import type { ResourceInfo } from "./resource_info.ts";
import { StoredVersion } from "./stored_version.ts";
import type { Strategy } from "./strategy.ts";
import {
  alreadyExists,
  conflict,
  deleteConflict,
  type FieldCause,
  forbiddenField,
  invalid,
  invalidField,
  notFound,
  ServerRefusal,
} from "./server_refusal.ts";

/** What runs between a request and its write: our webhooks. It throws what it refuses. */
export interface Admission {
  readonly mutateCreate: (object: JsonObject) => JsonObject;
  readonly checkCreate: (object: JsonObject) => void;
  readonly checkUpdate: (object: JsonObject, stored: JsonObject) => void;
}

export interface ObjectWriterOptions {
  readonly store: ObjectStore;
  readonly strategies: Readonly<Record<ResourceName, Strategy>>;
  readonly admission: Readonly<Partial<Record<ResourceName, Admission>>>;
  readonly now: () => number;
}

export interface UpdateWish {
  readonly user: User;
  readonly subresource: "status" | undefined;
  /** The object as it shall be, with the resourceVersion that it must have now, if any. */
  readonly next: JsonObject;
  /** A patch must not change the uid; a PUT names the uid that it means. */
  readonly kind: "patch" | "put";
}

/** What became of a delete. */
export interface Deleted {
  readonly version: StoredVersion;
  readonly isGone: boolean;
}

export class ObjectWriter {
  readonly #options: ObjectWriterOptions;
  #made = 0;

  constructor(options: ObjectWriterOptions) {
    this.#options = options;
  }

  create(info: ResourceInfo, object: JsonObject, user: User): StoredVersion {
    const { store, now, strategies, admission } = this.#options;
    const strategy = strategies[info.resource];
    const webhook = admission[info.resource];
    const given = webhook === undefined ? object : webhook.mutateCreate(object);
    if (metadataOf(given)["resourceVersion"]) {
      throw new ServerRefusal(500, "", "resourceVersion should not be set on objects to be created");
    }
    const count = ++this.#made;
    const prefix = textOf(metadataOf(given)["generateName"]);
    const name = nameOf(given) || (prefix === "" ? "" : generatedName(prefix, count));
    const metadata = withMetadata(info, metadataOf(given), {
      name,
      uid: uidOfCount(count),
      // The place of the one that it gets as it is stored.
      resourceVersion: "0",
      generation: info.hasGeneration ? 1 : undefined,
      creationTimestamp: timestamp(now()),
      deletionTimestamp: undefined,
      deletionGracePeriodSeconds: undefined,
    });
    const made = strategy.prepareCreate(inOrder(info, { ...given, metadata }));
    refuse(info, made, [...metadataCauses(metadata), ...strategy.validateCreate(made)]);
    webhook?.checkCreate(made);
    if (store.find(info.resource, namespaceOf(made), name) !== undefined) throw alreadyExists(info, name);
    return store.put(info, made, { before: undefined, note: { user, subresource: undefined } });
  }

  update(stored: StoredVersion, { user, subresource, next, kind }: UpdateWish): StoredVersion {
    const { store, strategies, admission } = this.#options;
    const { info, object: old } = stored;
    const strategy = strategies[info.resource];
    this.#checkPreconditions(stored, { next, kind, subresource });
    const made = subresource === "status"
      ? withStatus(info, { old, next, strategy })
      : withMain(info, { old, next, strategy });
    if (isSame(made, old)) return stored;
    refuse(info, old, [
      ...finalizerCauses(made, old),
      ...(metadataOf(made)["labels"] === metadataOf(old)["labels"] ? [] : labelCauses(metadataOf(made))),
      ...ownerCauses(metadataOf(made)),
      ...(subresource === "status" ? strategy.validateStatus(made, old) : strategy.validateUpdate(made, old)),
    ]);
    if (subresource === undefined) admission[info.resource]?.checkUpdate(made, old);
    const note = { user, subresource };
    if (!isReleased(made, old)) return store.put(info, made, { before: stored, note });
    // The last finalizer is gone: the answer shows the change, but what is deleted is the object as it was.
    store.take(stored, note);
    return new StoredVersion(info, made, { version: stored.version });
  }

  remove(
    stored: StoredVersion,
    { user, preconditions, ...wish }: Omit<DeleteWish, "nowMs"> & {
      readonly user: User;
      readonly preconditions: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined };
    },
  ): Deleted {
    const { store, now } = this.#options;
    const { info, object } = stored;
    const note = { user, subresource: undefined };
    const { uid, resourceVersion } = preconditions;
    const found = { uid: uidOf(object), version: String(stored.version) };
    if (uid !== undefined && uid !== found.uid) {
      const why = `the UID in the precondition (${uid}) does not match the UID in record (${found.uid}). ` +
        "The object might have been deleted and then recreated";
      throw deleteConflict(info, nameOf(object), why);
    }
    if (resourceVersion !== undefined && resourceVersion !== found.version) {
      const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion ` +
        `in record (${found.version}). The object might have been modified`;
      throw deleteConflict(info, nameOf(object), why);
    }
    const { changed, isOver } = deletionOf(info, object, { ...wish, nowMs: now() });
    const marked = changed === undefined ? stored : store.put(info, changed, { before: stored, note });
    return isOver ? { version: store.take(marked, note), isGone: true } : { version: marked, isGone: false };
  }

  /** The stored object, or a refusal. */
  find(info: ResourceInfo, { namespace, name }: ObjectKey): StoredVersion {
    const stored = this.#options.store.find(info.resource, namespace, name);
    if (stored === undefined) throw notFound(info, name);
    return stored;
  }

  #checkPreconditions(
    { info, object, version }: StoredVersion,
    { next, kind, subresource }: Pick<UpdateWish, "next" | "kind" | "subresource">,
  ): void {
    const metadata = metadataOf(next);
    const [uid, found] = [textOf(metadata["uid"]), uidOf(object)];
    const isOtherUid = uid !== "" && uid !== found;
    if (isOtherUid && kind === "put") throw conflict(info, nameOf(object), uidMismatch({ info, object, uid, found }));
    const resourceVersion = textOf(metadata["resourceVersion"]);
    if (resourceVersion !== "" && resourceVersion !== String(version)) throw conflict(info, nameOf(object));
    // A status of a custom resource takes nothing but the status, not even a wrong uid as a mistake.
    if (!isOtherUid || (info.isCustom && subresource === "status")) return;
    const cause = invalidField("metadata.uid", uid, "field is immutable");
    throw invalid(info, nameOf(object), [cause, cause]);
  }
}

function uidMismatch(
  { info, object, uid, found }: {
    readonly info: ResourceInfo;
    readonly object: JsonObject;
    readonly uid: string;
    readonly found: string;
  },
): string {
  const folder = info.isCustom ? `${info.group}/${info.resource}` : info.resource;
  const key = `/registry/${folder}/${namespaceOf(object)}/${nameOf(object)}`;
  return `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ` +
    `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${found}`;
}

/** What stands first in every object that an API server writes. */
function inOrder({ kind, apiVersion }: ResourceInfo, object: JsonObject): JsonObject {
  return { kind, apiVersion, metadata: object["metadata"], ...object };
}

interface Updating {
  readonly old: JsonObject;
  readonly next: JsonObject;
  readonly strategy: Strategy;
}

function withMain(info: ResourceInfo, { old, next, strategy }: Updating): JsonObject {
  const metadata = updatedMetadata(info, metadataOf(old), metadataOf(next));
  const made = strategy.prepareUpdate(inOrder(info, { ...next, metadata, status: old["status"] }), old);
  const { generation } = metadataOf(made);
  if (typeof generation !== "number" || strategy.wantsSame(made["spec"], old["spec"])) return made;
  return { ...made, metadata: { ...metadataOf(made), generation: generation + 1 } };
}

/** Of a custom resource the status alone; of others labels and the like as well. */
function withStatus(info: ResourceInfo, { old, next, strategy }: Updating): JsonObject {
  const metadata = info.isCustom ? old["metadata"] : updatedMetadata(info, metadataOf(old), metadataOf(next));
  const status = next["status"] === old["status"] ? old["status"] : strategy.prepareStatus(next["status"]);
  return { ...old, metadata, status };
}

function isSame(made: JsonObject, old: JsonObject): boolean {
  for (const field in made) {
    if (field !== "kind" && field !== "apiVersion" && !deepEqual(made[field], old[field])) return false;
  }
  for (const field in old) if (old[field] !== undefined && made[field] === undefined) return false;
  return true;
}

function finalizerCauses(made: JsonObject, old: JsonObject): readonly FieldCause[] {
  if (!isDeleting(old)) return [];
  const before = finalizersOf(old);
  const added = finalizersOf(made).filter((finalizer) => !before.includes(finalizer));
  if (added.length === 0) return [];
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  const why = "no new finalizers can be added if the object is being deleted, found new finalizers " +
    `[]string{${list}}`;
  const cause = forbiddenField("metadata.finalizers", why);
  return [cause, cause];
}

/** Being deleted, and the last that held it has let go. */
function isReleased(made: JsonObject, old: JsonObject): boolean {
  if (!isDeleting(old) || finalizersOf(old).length === 0 || finalizersOf(made).length > 0) return false;
  const grace = metadataOf(old)["deletionGracePeriodSeconds"];
  return grace === undefined || grace === 0;
}

function refuse(info: ResourceInfo, object: JsonObject, causes: readonly FieldCause[]): void {
  if (causes.length > 0) throw invalid(info, nameOf(object), causes);
}

/** The kind and version that the body names, or those of the resource. */
export function withKind(info: ResourceInfo, object: JsonObject): JsonObject {
  const { apiVersion, kind } = info;
  if (object["kind"] === kind && object["apiVersion"] === apiVersion) return object;
  return { ...object, apiVersion, kind };
}

export function keyOfObject(object: JsonObject): ObjectKey {
  return {
    namespace: asString(metadataOf(object)["namespace"]) ?? "",
    name: asString(asObject(object["metadata"])?.["name"]) ?? "",
  };
}
