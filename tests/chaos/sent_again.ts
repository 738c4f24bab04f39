/** Deletes that a replica's process sent without our doing. Pure. */
import { asString, type JsonObject } from "../../src/base/json.ts";
import { writerOf } from "../e2e/reigns.ts";

export interface Standstills {
  /** By the credential of each replica: when it went on after it had stood still, in milliseconds since 1970. */
  readonly resumedAtMs: ReadonlyMap<string, readonly number[]>;
  /** Within so long after that a request of before may arrive. */
  readonly lateMs: number;
}

/**
 * Whether this entry of the audit log may be a DELETE that fetch sent again by itself. It does that as soon as it hears
 * that a connection broke, below the fence that asks for the lease before each request: for a replica that stood still,
 * that is the moment in which it goes on, when another may lead. It does no harm, as it names a uid. Other methods are
 * not sent again.
 */
export function mayBeSentAgain(entry: JsonObject, { resumedAtMs, lateMs }: Standstills): boolean {
  if (entry["verb"] !== "delete") return false;
  const receivedAtMs = Date.parse(asString(entry["requestReceivedTimestamp"]) ?? "");
  return (resumedAtMs.get(writerOf(entry)) ?? []).some((atMs) => receivedAtMs >= atMs && receivedAtMs <= atMs + lateMs);
}
