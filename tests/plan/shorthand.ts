/** The short forms of the golden cases: times, conditions, counters, events. */
import { asInteger, asObject, asString, type JsonObject } from "../../src/base/json.ts";

/** `12:00:00` on 1 January 2026, in milliseconds since 1970. */
export function timeOf(text: string): number {
  const time = Date.parse(`2026-01-01T${text}Z`);
  if (Number.isNaN(time)) throw new Error(`"${text}" is no time of day`);
  return time;
}

/** `Failed True FailedJobs 12:00:00 ~ the message`; `now` is the clock of the frame. */
export function conditionOf(line: string, now: number): JsonObject {
  const [head = "", message = ""] = split(line);
  const [type, status, reason, time = ""] = head.split(" ");
  const at = time === "now" ? now : timeOf(time);
  return { type, status, reason, message, lastTransitionTime: new Date(at).toISOString().replace(".000Z", "Z") };
}

/** `Warning FailedJobs ~ the note`. */
export function eventOf(line: string): JsonObject {
  const [head = "", note = ""] = split(line);
  const [type, reason] = head.split(" ");
  return { type, reason, note };
}

/** Counters by replicatedJob; those not named are 0. */
export function countersOf(value: unknown): readonly JsonObject[] {
  return Object.entries(asObject(value) ?? {}).map(([name, counters]) => ({
    name,
    ready: 0,
    succeeded: 0,
    failed: 0,
    active: 0,
    suspended: 0,
    ...asObject(counters),
  }));
}

/** A field of an expectation that is a list of names or of short texts. */
export function textOf(value: unknown): string {
  return asString(value) ?? String(asInteger(value) ?? JSON.stringify(value));
}

function split(line: string): readonly string[] {
  const at = line.indexOf(" ~ ");
  if (at < 0) throw new Error(`"${line}" has no " ~ " before its message`);
  return [line.slice(0, at), line.slice(at + 3)];
}
