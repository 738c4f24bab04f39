/** The Lease as client-go's leader election reads and writes it (spec 6.3). */
import { asInteger, asObject, asString, at, type JsonObject } from "../base/json.ts";

/** What an election is about: client-go's LeaderElectionRecord. */
export interface LeaseRecord {
  /** Empty: the lease is free. */
  readonly holder: string;
  readonly durationMs: number;
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly transitions: number;
}

export interface Lease {
  /** The object as the API server sent it: fields that we do not know are written back. */
  readonly body: JsonObject;
  readonly resourceVersion: string;
  readonly record: LeaseRecord;
}

/** Who writes, and when: `nowMs` is wall-clock time, for people; nobody judges an expiry by it. */
export interface Claim {
  readonly identity: string;
  readonly durationMs: number;
  readonly nowMs: number;
}

/** leaseTransitions is an int32. */
const MAX_TRANSITIONS = 2 ** 31 - 1;

/** The Lease in an answer or a watch event, or undefined where that is none. What is garbage in it counts as absent. */
export function readLease(value: unknown): Lease | undefined {
  const body = asObject(value);
  const resourceVersion = asString(at(body, "metadata", "resourceVersion"));
  if (body === undefined || !resourceVersion) return undefined;
  const text = (field: string) => asString(at(body, "spec", field)) ?? "";
  const count = (field: string) => Math.max(asInteger(at(body, "spec", field)) ?? 0, 0);
  const record: LeaseRecord = {
    holder: text("holderIdentity"),
    durationMs: count("leaseDurationSeconds") * 1000,
    acquireTime: text("acquireTime"),
    renewTime: text("renewTime"),
    transitions: count("leaseTransitions"),
  };
  return { body, resourceVersion, record };
}

export function sameRecord(a: LeaseRecord, b: LeaseRecord): boolean {
  return a.holder === b.holder && a.durationMs === b.durationMs && a.acquireTime === b.acquireTime &&
    a.renewTime === b.renewTime && a.transitions === b.transitions;
}

/** The body that makes the Lease. */
export function newLease({ namespace, name }: { namespace: string; name: string }, claim: Claim): JsonObject {
  const now = microTime(claim.nowMs);
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { namespace, name },
    spec: { ...held(claim), acquireTime: now, renewTime: now, leaseTransitions: 0 },
  };
}

/**
 * The body that makes it ours, or keeps it so. With the resourceVersion and the uid that were read: where anybody was
 * faster it conflicts. Whoever had it before counts as a transition, but not we ourselves.
 */
export function claimedLease({ body, record }: Lease, claim: Claim): JsonObject {
  const now = microTime(claim.nowMs);
  const isOurs = record.holder === claim.identity;
  const transitions = record.transitions < MAX_TRANSITIONS ? record.transitions + 1 : 0;
  return withSpec(body, {
    ...held(claim),
    acquireTime: isOurs && record.acquireTime !== "" ? record.acquireTime : now,
    renewTime: now,
    leaseTransitions: isOurs ? record.transitions : transitions,
  });
}

/** The body that gives it back: as client-go does, free at once and, for readers of the duration alone, in a second. */
export function freedLease({ body, record }: Lease, nowMs: number): JsonObject {
  const now = microTime(nowMs);
  return withSpec(body, {
    holderIdentity: "",
    leaseDurationSeconds: 1,
    acquireTime: now,
    renewTime: now,
    leaseTransitions: record.transitions,
  });
}

/** Rounded up: a lease that others take for shorter than our renewDeadline would have two holders. */
function held({ identity, durationMs }: Claim): JsonObject {
  return { holderIdentity: identity, leaseDurationSeconds: Math.max(Math.ceil(durationMs / 1000), 1) };
}

function withSpec(body: JsonObject, fields: JsonObject): JsonObject {
  return { ...body, spec: { ...asObject(body["spec"]), ...fields } };
}

/** Kubernetes' MicroTime: always six decimals. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
