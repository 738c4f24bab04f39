import { expect, test } from "bun:test";
import type { JsonObject } from "../../src/base/json.ts";
import { eventLines, hasEvent } from "./event_list.ts";
import { paint } from "./line.ts";

const ZERO = Date.parse("2026-01-01T00:00:00Z");

function event(fields: JsonObject, name = "run"): JsonObject {
  return { type: "Normal", note: "", regarding: { kind: "JobSet", namespace: "default", name }, ...fields };
}

const early = event({ eventTime: "2026-01-01T00:00:01.500000Z", reason: "JobsReady", note: "all jobs are ready" });
const late = event({
  eventTime: "2026-01-01T00:00:10.000000Z",
  type: "Warning",
  reason: "JobCreationFailed",
  note: "first\nsecond",
  series: { count: 7 },
});

function table(events: readonly JsonObject[]): readonly string[] {
  return eventLines(events, ZERO).map((entry) => paint(entry, { colours: false }));
}

test("events stand in the order of their time, with the count of their series", () => {
  expect(table([late, early])).toEqual([
    "AFTER   TYPE     COUNT  REASON             NOTE",
    "1.5 s   Normal   1      JobsReady          all jobs are ready",
    "10.0 s  Warning  7      JobCreationFailed  first / second",
  ]);
});

test("events about something else are left out", () => {
  expect(table([{ ...early, regarding: { kind: "Pod", name: "run-driver-0-0" } }])).toHaveLength(1);
});

test("events of several JobSets say which", () => {
  const [header = "", first = ""] = table([early, event({ eventTime: late["eventTime"] }, "other")]);
  expect(header).toContain("JOBSET");
  expect(first).toContain("  run     JobsReady");
});

test("an event is found by JobSet and reason", () => {
  expect(hasEvent([early], "default/run", "JobsReady")).toBe(true);
  expect(hasEvent([early], "other/run", "JobsReady")).toBe(false);
  expect(hasEvent([early], "default/run", "FailedJobs")).toBe(false);
});
