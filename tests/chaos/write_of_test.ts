import { expect, test } from "bun:test";
import type { JsonObject } from "../../src/base/json.ts";
import type { Frame } from "./frame.ts";
import { writeOf } from "./write_of.ts";

const GOING = { deletionTimestamp: "2030-01-01T00:00:00Z" };

function authorOf(
  kind: Frame["kind"],
  { before, after, verb = "update", byHand = false, hasOwner = true }: {
    readonly before?: JsonObject;
    readonly after: JsonObject;
    readonly verb?: Frame["verb"];
    readonly byHand?: boolean;
    readonly hasOwner?: boolean;
  },
): string {
  const frame: Frame = { kind, verb, namespace: "ns", name: "x", object: after, revision: 7, atMs: 0 };
  const write = writeOf(frame, { before, hasOwner, isDeletedByHand: () => byHand });
  expect(write).toMatchObject({ resource: kind === "Job" ? "jobs" : "jobsets", verb, resourceVersion: 7 });
  return `${write.user}${write.subresource === undefined ? "" : " status"}`;
}

test("of a JobSet the spec is its user's and the status the controller's", () => {
  const before = { spec: { suspend: true }, status: {} };
  expect(authorOf("JobSet", { after: before, verb: "create" })).toBe("user");
  expect(authorOf("JobSet", { before, after: { ...before, spec: {} } })).toBe("user");
  expect(authorOf("JobSet", { before, after: { ...before, status: { restarts: 0 } } })).toBe("controller-1 status");
});

test("a JobSet that no user deleted was deleted by the controller", () => {
  const before = { metadata: {} };
  const after = { metadata: GOING };
  expect(authorOf("JobSet", { before, after })).toBe("controller-1");
  expect(authorOf("JobSet", { before, after, byHand: true })).toBe("user");
  expect(authorOf("JobSet", { before: after, after, verb: "delete" })).toBe("garbage-collector");
});

test("of a Job all but the status is the controller's", () => {
  const before = { spec: { suspend: true }, status: {} };
  expect(authorOf("Job", { after: before, verb: "create" })).toBe("controller-1");
  expect(authorOf("Job", { before, after: { ...before, spec: {} } })).toBe("controller-1");
  expect(authorOf("Job", { before, after: { ...before, status: { active: 1 } } })).toBe("job-controller status");
});

test("a Job is deleted by a user, by the garbage collector where its JobSet goes, or else by the controller", () => {
  const deletion = { before: { metadata: {} }, after: { metadata: GOING } };
  expect(authorOf("Job", deletion)).toBe("controller-1");
  expect(authorOf("Job", { ...deletion, byHand: true })).toBe("user");
  expect(authorOf("Job", { ...deletion, hasOwner: false })).toBe("garbage-collector");
});
