/** Who held the lease when, and who wrote meanwhile, as the audit log has it. */
import { asArray, asInteger, asString, at, type JsonObject } from "../../src/base/json.ts";

const WRITES = ["create", "update", "patch", "delete", "deletecollection"];
/** Written by every replica, leader or not. */
const EVERYBODYS = ["leases", "subjectaccessreviews", "tokenreviews", "secrets"];
const CREDENTIAL = "authentication.kubernetes.io/credential-id";

/** The credential that a token is known by in the audit log. */
export function credentialOf(token: string): string {
  const payload: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  return `JTI=${asString(at(payload, "jti"))}`;
}

export interface ReignReport {
  /** Writes by one replica after another had taken the lease. */
  readonly intrusions: readonly string[];
  /** How many writes each credential sent, the lease aside. */
  readonly writes: ReadonlyMap<string, number>;
  /** For each time that the lease changed hands: from its former holder's last write to the claim of the next, in ms. */
  readonly handoversMs: readonly number[];
}

/**
 * Compares each write with the last one of the lease that was answered before it came in. Both times are the API server's, and
 * such that text order is time order.
 */
export function readReigns(entries: readonly JsonObject[]): ReignReport {
  const done = entries.filter(({ stage }) => stage === "ResponseComplete");
  const claims = done.filter((entry) => isWrite(entry) && resourceOf(entry) === "leases" && isTaken(entry))
    .toSorted((a, b) => stamp(a, "stageTimestamp") < stamp(b, "stageTimestamp") ? -1 : 1);
  const writes = new Map<string, number>();
  const intrusions: string[] = [];
  const works = done.filter((entry) => isWrite(entry) && !EVERYBODYS.includes(resourceOf(entry)));
  for (const entry of works) {
    const writer = writerOf(entry);
    writes.set(writer, (writes.get(writer) ?? 0) + 1);
    const received = stamp(entry, "requestReceivedTimestamp");
    const before = claims.findLast((claim) => stamp(claim, "stageTimestamp") < received);
    if (before === undefined || writerOf(before) === writer) continue;
    intrusions.push(
      `${received} ${entry["verb"]} ${resourceOf(entry)} by ${writer}, but since ` +
        `${stamp(before, "stageTimestamp")} ${writerOf(before)} leads`,
    );
  }
  return { intrusions, writes, handoversMs: handovers(claims, works) };
}

function handovers(claims: readonly JsonObject[], works: readonly JsonObject[]): readonly number[] {
  return claims.flatMap((claim, index) => {
    const before = claims[index - 1];
    if (before === undefined || writerOf(before) === writerOf(claim)) return [];
    const claimed = stamp(claim, "stageTimestamp");
    const last = works.filter((entry) => writerOf(entry) === writerOf(before))
      .map((entry) => stamp(entry, "stageTimestamp")).filter((time) => time < claimed).toSorted().at(-1);
    return [last === undefined ? Infinity : Date.parse(claimed) - Date.parse(last)];
  });
}

/** The credential that sent it. */
export function writerOf(entry: JsonObject): string {
  return asString(asArray(at(entry, "user", "extra", CREDENTIAL))[0]) ?? "";
}

function isWrite(entry: JsonObject): boolean {
  return WRITES.includes(asString(entry["verb"]) ?? "");
}

function isTaken(entry: JsonObject): boolean {
  return (asInteger(at(entry, "responseStatus", "code")) ?? 500) < 300;
}

function resourceOf(entry: JsonObject): string {
  return asString(at(entry, "objectRef", "resource")) ?? "";
}

function stamp(entry: JsonObject, field: string): string {
  return asString(entry[field]) ?? "";
}
