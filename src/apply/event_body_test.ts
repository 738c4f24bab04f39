import { expect, test } from "bun:test";
import fc from "fast-check";
import { cutBytes, eventBody } from "./event_body.ts";

test("a note is cut to its bytes, never within a character", () => {
  expect(cutBytes("äöü", 4)).toBe("äö");
  expect(cutBytes("äöü", 3)).toBe("ä");
  expect(cutBytes("a😀", 4)).toBe("a");
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, limit) => {
    const cut = cutBytes(text, limit);
    expect(new TextEncoder().encode(cut).length).toBeLessThanOrEqual(limit);
    expect(cut).not.toContain("\ufffd");
    expect(text.startsWith(cut)).toBe(true);
  }));
});

test("the body is an Event of events.k8s.io/v1 about the JobSet, its series only once it was repeated", () => {
  const options = {
    name: "a.1",
    regarding: { apiVersion: "v", kind: "JobSet", namespace: "ns", name: "a", uid: "u" },
    draft: { type: "Warning", reason: "Why", note: "100%\nsure" },
    startedAt: Date.UTC(2030, 0, 1),
    lastAt: Date.UTC(2030, 0, 2),
    instance: "me",
  } as const;
  expect(eventBody({ ...options, count: 1 })).toEqual({
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: "a.1", namespace: "ns" },
    eventTime: "2030-01-01T00:00:00.000000Z",
    reportingController: "jobset",
    reportingInstance: "me",
    action: "Reconciling",
    reason: "Why",
    regarding: options.regarding,
    note: "100%\nsure",
    type: "Warning",
  });
  expect(eventBody({ ...options, count: 3 })["series"]).toEqual({
    count: 3,
    lastObservedTime: "2030-01-02T00:00:00.000000Z",
  });
});
