/** What a delete does to an object: finalizers of the garbage collector, grace of Pods, or its end (Kubernetes' registry). */
import { asInteger, asString, at, type JsonObject } from "../../../src/base/json.ts";
import { deepEqual } from "./deep_equal.ts";
import { finalizersOf, isDeleting, metadataOf, timestamp, withMetadata } from "./metadata.ts";
import type { ResourceInfo } from "./resource_info.ts";

export interface DeleteWish {
  /** undefined: as the resource's own policy or the finalizers that are there say. */
  readonly propagation: string | undefined;
  readonly graceSeconds: number | undefined;
  readonly nowMs: number;
}

/** First the change, if there is one; then the end, if nothing holds the object any more. */
export interface Deletion {
  readonly changed: JsonObject | undefined;
  readonly isOver: boolean;
}

const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";

export function deletionOf(info: ResourceInfo, object: JsonObject, wish: DeleteWish): Deletion {
  const finalizers = newFinalizers(info, object, wish);
  if (info.isGraceful) {
    const graceful = gracefulDeletion(info, { object, finalizers, wish });
    if (graceful !== undefined) return graceful;
  }
  if (finalizers.length === 0) return { changed: undefined, isOver: true };
  const metadata = metadataOf(object);
  const change = withMetadata(info, metadata, {
    finalizers,
    deletionTimestamp: metadata["deletionTimestamp"] ?? timestamp(wish.nowMs),
    deletionGracePeriodSeconds: 0,
    ...nextGeneration(object),
  });
  return { changed: deepEqual(change, metadata) ? undefined : { ...object, metadata: change }, isOver: false };
}

/** Only the first order to delete counts as a change of what is wanted. */
function nextGeneration(object: JsonObject): { readonly generation?: number } {
  const generation = asInteger(metadataOf(object)["generation"]);
  return generation === undefined || isDeleting(object) ? {} : { generation: generation + 1 };
}

function newFinalizers(
  info: ResourceInfo,
  object: JsonObject,
  { propagation }: DeleteWish,
): readonly unknown[] {
  const old = finalizersOf(object);
  const isNamed = (finalizer: string) => propagation === undefined && old.includes(finalizer);
  const byDefault = propagation === undefined && info.deletesAs === "Orphan" && !old.includes(FOREGROUND);
  const orphans = propagation === "Orphan" || isNamed(ORPHAN) || byDefault;
  const isForeground = propagation === "Foreground" || isNamed(FOREGROUND);
  return [
    ...old.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN),
    ...(orphans ? [ORPHAN] : []),
    ...(isForeground ? [FOREGROUND] : []),
  ];
}

/** Undefined: the Pod goes as anything else does. */
function gracefulDeletion(
  info: ResourceInfo,
  { object, finalizers, wish }: {
    readonly object: JsonObject;
    readonly finalizers: readonly unknown[];
    readonly wish: DeleteWish;
  },
): Deletion | undefined {
  const metadata = metadataOf(object);
  const left = asInteger(metadata["deletionGracePeriodSeconds"]);
  const grace = graceSeconds(object, wish);
  if (isDeleting(object)) {
    const isShorter = wish.graceSeconds !== undefined && left !== undefined && grace < left;
    if (!isShorter) return left === 0 && finalizers.length === 0 ? undefined : { changed: undefined, isOver: false };
  }
  const change = withMetadata(info, metadata, {
    finalizers,
    deletionTimestamp: timestamp(wish.nowMs + grace * 1000),
    deletionGracePeriodSeconds: grace,
    ...nextGeneration(object),
  });
  return { changed: { ...object, metadata: change }, isOver: grace === 0 && finalizers.length === 0 };
}

/** No kubelet has to be waited for where none has the Pod, or where it has ended. */
function graceSeconds(pod: JsonObject, wish: DeleteWish): number {
  const phase = at(pod, "status", "phase");
  if (!asString(at(pod, "spec", "nodeName")) || phase === "Failed" || phase === "Succeeded") return 0;
  return wish.graceSeconds ?? asInteger(at(pod, "spec", "terminationGracePeriodSeconds")) ?? 30;
}
