/** Events as a table (events.k8s.io/v1). Pure. */
import { asInteger, asString, at, type JsonObject } from "../../src/base/json.ts";
import { type Line, line, span } from "./line.ts";

interface Row {
  readonly at: string;
  readonly type: string;
  readonly count: string;
  readonly subject: string;
  readonly reason: string;
  readonly note: string;
}

const HEADER: Row = { at: "AFTER", type: "TYPE", count: "COUNT", subject: "JOBSET", reason: "REASON", note: "NOTE" };

/** The Events about JobSets in the order of their time, which is told from `zero` on (milliseconds since 1970). */
export function eventLines(events: readonly JsonObject[], zero: number): readonly Line[] {
  const rows = events.filter((event) => at(event, "regarding", "kind") === "JobSet")
    .toSorted((a, b) => timeOf(a) - timeOf(b)).map((event) => rowOf(event, zero));
  const hasManySubjects = new Set(rows.map(({ subject }) => subject)).size > 1;
  const columns: readonly (keyof Row)[] = [
    "at",
    "type",
    "count",
    ...(hasManySubjects ? ["subject" as const] : []),
    "reason",
  ];
  const all = [HEADER, ...rows];
  const width = (key: keyof Row) => Math.max(...all.map((row) => row[key].length));
  return all.map((row, index) => {
    const cells = columns.map((key) => row[key].padEnd(width(key))).join("  ");
    if (index === 0) return line(span(`${cells}  ${row.note}`, "faint"));
    return line(span(cells, row.type === "Warning" ? "busy" : "plain"), `  ${row.note}`);
  });
}

/** Whether an Event with this reason is about the JobSet `namespace/name`. */
export function hasEvent(events: readonly JsonObject[], key: string, reason: string): boolean {
  return events.some((event) => {
    const subject = `${asString(at(event, "regarding", "namespace"))}/${asString(at(event, "regarding", "name"))}`;
    return subject === key && event["reason"] === reason;
  });
}

function rowOf(event: JsonObject, zero: number): Row {
  const field = (name: string) => asString(event[name]) ?? "";
  return {
    at: `${((timeOf(event) - zero) / 1000).toFixed(1)} s`,
    type: field("type"),
    count: String(asInteger(at(event, "series", "count")) ?? 1),
    subject: asString(at(event, "regarding", "name")) ?? "",
    reason: field("reason"),
    note: field("note").replaceAll("\n", " / "),
  };
}

/** When it was first seen, in milliseconds since 1970. */
function timeOf(event: JsonObject): number {
  return Date.parse(asString(event["eventTime"]) ?? asString(at(event, "metadata", "creationTimestamp")) ?? "");
}
