/** Who wrote what: a frame says what was stored, and by that who must have sent it. */
import { asString, at, canonicalJson, type JsonObject } from "../../src/base/json.ts";
import type { User, Write } from "../simulation/types.ts";
import type { Frame } from "./frame.ts";

export interface Surroundings {
  /** As stored before. */
  readonly before: JsonObject | undefined;
  /** Whether a user of the play has deleted the object of this uid. */
  readonly isDeletedByHand: (uid: string) => boolean;
  /** Whether the owner of this Job is stored, and not about to go. */
  readonly hasOwner: boolean;
}

type Author = Pick<Write, "user" | "subresource">;

export function writeOf(frame: Frame, surroundings: Surroundings): Write {
  const { before } = surroundings;
  const author = frame.kind === "JobSet" ? authorOfJobSet(frame, surroundings) : authorOfJob(frame, surroundings);
  return {
    resource: frame.kind === "JobSet" ? "jobsets" : "jobs",
    verb: frame.verb,
    ...author,
    before,
    after: frame.verb === "delete" ? undefined : frame.object,
    resourceVersion: frame.revision,
  };
}

/** The status is the controller's, the spec its users'; who has it deleted, only they know. */
function authorOfJobSet(frame: Frame, { before, isDeletedByHand }: Surroundings): Author {
  if (before === undefined) return { user: "user", subresource: undefined };
  if (isDeletion(frame, before)) {
    return { user: isDeletedByHand(uidOf(frame.object)) ? "user" : "controller-1", subresource: undefined };
  }
  if (frame.verb === "delete") return { user: "garbage-collector", subresource: undefined };
  if (isChanged(before, frame.object, "status")) return { user: "controller-1", subresource: "status" };
  const user: User = isChanged(before, frame.object, "spec") ? "user" : "garbage-collector";
  return { user, subresource: undefined };
}

/** Only the controller makes Jobs and changes their specs; their status is that of the Job controller, or of a hand. */
function authorOfJob(frame: Frame, { before, isDeletedByHand, hasOwner }: Surroundings): Author {
  if (before === undefined) return { user: "controller-1", subresource: undefined };
  if (isDeletion(frame, before)) {
    const byOthers: User = hasOwner ? "user" : "garbage-collector";
    const isOthers = !hasOwner || isDeletedByHand(uidOf(frame.object));
    return { user: isOthers ? byOthers : "controller-1", subresource: undefined };
  }
  if (frame.verb === "delete") return { user: "garbage-collector", subresource: undefined };
  if (isChanged(before, frame.object, "spec")) return { user: "controller-1", subresource: undefined };
  if (isChanged(before, frame.object, "status")) return { user: "job-controller", subresource: "status" };
  return { user: "garbage-collector", subresource: undefined };
}

/** The write that takes an object away, or marks it for deletion. */
function isDeletion(frame: Frame, before: JsonObject): boolean {
  return !isDeleting(before) && (frame.verb === "delete" || isDeleting(frame.object));
}

export function isDeleting(object: JsonObject): boolean {
  return asString(at(object, "metadata", "deletionTimestamp")) !== undefined;
}

function isChanged(before: JsonObject, after: JsonObject, part: string): boolean {
  return canonicalJson(before[part] ?? {}) !== canonicalJson(after[part] ?? {});
}

export function uidOf(object: JsonObject): string {
  return asString(at(object, "metadata", "uid")) ?? "";
}
