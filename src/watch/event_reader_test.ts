import { expect, test } from "bun:test";
import type { ProtobufTable } from "../base/protobuf.ts";
import { EventReader } from "./event_reader.ts";
import type { WatchedIdentity } from "./peek_event.ts";
import { frame, message, thing } from "../base/test_protobuf.ts";
import type { WatchLine } from "./watch_line.ts";

const TABLE: ProtobufTable = {
  1: {
    name: "metadata",
    type: { 1: { name: "name", type: "string" }, 6: { name: "resourceVersion", type: "string" } },
  },
  2: { name: "size", type: "integer" },
};

function read(
  chunks: readonly Uint8Array[],
  isKnown: (identity: WatchedIdentity) => boolean = () => false,
): WatchLine[] {
  const reader = new EventReader({ protobuf: TABLE, isKnown });
  return chunks.flatMap((chunk) => [...reader.read(chunk)]);
}

test("protobuf: objects as far as the table goes, deleted ones by identity", () => {
  const bytes = Buffer.concat([
    frame("ADDED", thing("a", 3, [2, 70], [9, "unread"])),
    frame("DELETED", thing("a", 4, [2, 70])),
  ]);
  expect(read([bytes])).toEqual([
    { kind: "upsert", object: { metadata: { name: "a", resourceVersion: "3" }, size: 70 }, resourceVersion: "3" },
    {
      kind: "delete",
      object: { metadata: { name: "a", namespace: "ns", uid: "u-a", resourceVersion: "4" } },
      resourceVersion: "4",
    },
  ]);
});

test("protobuf: of a known event only the version is told", () => {
  const asked: WatchedIdentity[] = [];
  const isKnown = (identity: WatchedIdentity) => asked.push(identity) === 1;
  const lines = read([frame("MODIFIED", thing("a", 5)), frame("MODIFIED", thing("b", 6))], isKnown);
  expect(lines.map(({ kind }) => kind)).toEqual(["bookmark", "upsert"]);
  expect(lines[0]).toEqual({ kind: "bookmark", resourceVersion: "5", initialEventsEnd: false });
  expect(asked[0]).toEqual({ namespace: "ns", name: "a", uid: "u-a", resourceVersion: "5" });
});

test("protobuf: bookmarks, marked and plain", () => {
  const bookmark = (annotations: Record<string, string>) =>
    frame("BOOKMARK", message([1, message([6, "9"], [12, annotations])]));
  expect(read([bookmark({}), bookmark({ "k8s.io/initial-events-end": "true" })])).toEqual([
    { kind: "bookmark", resourceVersion: "9", initialEventsEnd: false },
    { kind: "bookmark", resourceVersion: "9", initialEventsEnd: true },
  ]);
});

test("protobuf: an error carries its code, reason, words and wait", () => {
  const details = message([4, message([1, "ResourceVersionTooLarge"])], [5, 7]);
  const status = message([2, "Failure"], [3, "too old"], [4, "Expired"], [5, details], [6, 410]);
  const [line] = read([frame("ERROR", status)]);
  if (line?.kind !== "error") throw new Error(`no error but ${JSON.stringify(line)}`);
  expect(line.error).toMatchObject({ status: 410, reason: "Expired", message: "too old", retryAfterMs: 7000 });
  expect(line.error.details).toMatchObject({ causes: [{ reason: "ResourceVersionTooLarge" }] });
});

test("protobuf: what cannot be read is broken, never passed over", () => {
  const whole = frame("ADDED", thing("a", 3));
  const noEnvelope = Buffer.from(whole);
  noEnvelope.write("x", noEnvelope.indexOf("k8s\0"));
  const cut = Buffer.from(whole.subarray(0, whole.length - 1));
  cut.writeUInt32BE(cut.length - 4);
  const cases = [noEnvelope, cut, frame("ODD", thing("a", 3)), frame("ADDED", message([1, message([1, "a"])]))];
  for (const bytes of cases) expect(read([bytes]).map(({ kind }) => kind)).toEqual(["broken"]);
});

test("a server that knows no protobuf answers in JSON", () => {
  const event = { type: "ADDED", object: { metadata: { name: "a", resourceVersion: "3" }, size: 7 } };
  const reader = new EventReader({ protobuf: TABLE, isKnown: () => false });
  const text = new TextEncoder().encode(`${JSON.stringify(event)}\n`);
  expect([...reader.read(text.subarray(0, 9))]).toEqual([]);
  expect(reader.isWithinEvent).toBe(true);
  expect([...reader.read(text.subarray(9))]).toEqual([{ kind: "upsert", object: event.object, resourceVersion: "3" }]);
  expect(reader.isWithinEvent).toBe(false);
});
