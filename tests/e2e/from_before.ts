/** Writes that a replica's process sent without our doing. Pure. */
import { asString, type JsonObject } from "../../src/base/json.ts";
import { writerOf } from "./reigns.ts";

export interface Standstills {
  /** By the credential of each replica: when it went on after it had stood still, in milliseconds since 1970. */
  readonly resumedAtMs: ReadonlyMap<string, readonly number[]>;
  /** Within so long after that a request of before may arrive. */
  readonly lateMs: number;
}

/** What waits below the fence, for a connection say, goes out in the moment that the process goes on. */
export const AT_ONCE_MS = 500;

/**
 * Whether this entry of the audit log may be of before the replica stood still, below the fence that asks for the lease
 * before each request: when the process goes on another may lead. Either the request had passed the fence and waited for
 * a connection; or it is a DELETE, which fetch sends again by itself as soon as it hears that a connection broke. Neither
 * does harm: each write names what it was decided on, a uid, a resourceVersion or a name that must be free.
 */
export function mayBeFromBefore(entry: JsonObject, { resumedAtMs, lateMs }: Standstills): boolean {
  const mostMs = entry["verb"] === "delete" ? lateMs : AT_ONCE_MS;
  const receivedAtMs = Date.parse(asString(entry["requestReceivedTimestamp"]) ?? "");
  return (resumedAtMs.get(writerOf(entry)) ?? []).some((atMs) => receivedAtMs >= atMs && receivedAtMs <= atMs + mostMs);
}
