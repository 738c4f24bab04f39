/** A watch's stream of any bytes: what is an event is read as JSON.parse reads it, everything else is told as broken. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { LineSplitter } from "../../src/watch/line_splitter.ts";
import { peekEvent } from "../../src/watch/peek_event.ts";
import { parseWatchLine, type WatchLine } from "../../src/watch/watch_line.ts";
import { anyJson, oddly, oddText, overTheWire } from "./any_json.ts";

/** A second or two on a machine of its own, and the gate runs beside other work. */
setDefaultTimeout(60_000);

const SEED = 20260801;
const RUNS = { seed: SEED, numRuns: 1_000 };
const TYPES = ["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"];

/** Fields in the order in which API servers write those of built-in kinds; only the first ones must be there. */
const metadata = fc.record({
  name: fc.oneof({ weight: 4, arbitrary: fc.constant("js-w-0") }, { weight: 1, arbitrary: oddText }),
  generateName: fc.constant("js-"),
  namespace: fc.oneof({ weight: 4, arbitrary: fc.constant("ns") }, { weight: 1, arbitrary: oddText }),
  uid: fc.constantFrom("uid-1", "uid-2"),
  resourceVersion: fc.oneof(
    { weight: 4, arbitrary: fc.nat().map(String) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>("", "x", 7, null) },
  ),
  annotations: fc.dictionary(fc.constantFrom("k8s.io/initial-events-end", "a"), fc.constantFrom("true", "x")),
}, { requiredKeys: ["name", "namespace", "uid", "resourceVersion"] });
const event = fc.record({
  type: fc.constantFrom(...TYPES),
  object: fc.record({
    kind: fc.constantFrom("Job", "Pod", "Status"),
    apiVersion: fc.constantFrom("batch/v1", "v1"),
    metadata,
  })
    .chain((head) => anyJson.map((spec) => ({ ...head, spec }))),
});
const lines = fc.oneof(
  { weight: 4, arbitrary: event.map((value) => JSON.stringify(value)) },
  { weight: 2, arbitrary: oddly(event).map((value) => JSON.stringify(value) ?? "") },
  { weight: 2, arbitrary: fc.tuple(event, fc.nat(), oddText, fc.nat(20)).map(damaged) },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
).map((text) => text.replaceAll("\n", " "));

function damaged([value, place, inserted, removed]: readonly [unknown, number, string, number]): string {
  const text = JSON.stringify(value);
  const start = place % (text.length + 1);
  return text.slice(0, start) + inserted + text.slice(start + removed);
}

/** As plainly as can be: what an event is, by the words of the watch protocol. */
function expected(text: string): JsonObject {
  const value = parsed(text);
  const object = asObject(at(value, "object"));
  const type = asString(at(value, "type"));
  const version = asString(at(object, "metadata", "resourceVersion")) ?? "";
  if (object === undefined || type === undefined || !TYPES.includes(type)) return { kind: "broken" };
  if (type === "ERROR") return { kind: "error" };
  if (version === "") return { kind: "broken" };
  if (type !== "BOOKMARK") return { kind: type === "DELETED" ? "delete" : "upsert", object, resourceVersion: version };
  const isEnd = at(object, "metadata", "annotations", "k8s.io/initial-events-end") === "true";
  return { kind: "bookmark", resourceVersion: version, initialEventsEnd: isEnd };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withoutError(line: WatchLine): JsonObject {
  return "error" in line ? { kind: line.kind } : { ...line };
}

test("each line is read as JSON.parse reads it, or told as broken in a few words", () => {
  fc.assert(
    fc.property(lines, (text) => {
      const line = parseWatchLine(text);
      expect(withoutError(line)).toEqual(expected(text));
      if (line.kind !== "broken") return;
      expect(line.error.reason).toBe("BadAnswer");
      expect(line.error.message.length).toBeLessThan(1_000);
    }),
    RUNS,
  );
});

test("what is peeked of a line is what its JSON says, and of plain events something is", () => {
  let peeked = 0;
  fc.assert(
    fc.property(lines, (text) => {
      const found = peekEvent(text);
      const value = parsed(text);
      if (found === undefined || value === undefined) return;
      peeked++;
      const { identity, type } = found;
      const { name, namespace, uid, resourceVersion } = asObject(at(value, "object", "metadata")) ?? {};
      expect<unknown>({ type, ...identity }).toEqual({
        type: at(value, "type"),
        name,
        namespace,
        uid,
        resourceVersion,
      });
    }),
    RUNS,
  );
  expect(peeked).toBeGreaterThan(30);
});

test("any bytes, cut anywhere, come out as the lines that they are", () => {
  const bytes = fc.array(fc.oneof(fc.uint8Array({ maxLength: 30 }), lines.map(encoded), fc.constant(encoded("\n"))));
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(), { maxLength: 6 }), (pieces, cuts) => {
      const whole = new Uint8Array(pieces.flatMap((piece) => [...piece]));
      const splitter = new LineSplitter();
      const seen = chunksOf(whole, cuts).flatMap((chunk) => [...splitter.push(chunk)]);
      expect<readonly string[]>(seen).toEqual(linesOf(whole));
      for (const line of seen) {
        expect(["upsert", "delete", "bookmark", "error", "broken"]).toContain(parseWatchLine(line).kind);
      }
    }),
    { seed: SEED, numRuns: 300 },
  );
});

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Cut at the line breaks first, so that broken characters don't swallow one. */
function linesOf(bytes: Uint8Array): readonly string[] {
  const ended: string[] = [];
  let from = 0;
  for (const [index, byte] of bytes.entries()) {
    if (byte !== 0x0a) continue;
    ended.push(new TextDecoder().decode(bytes.subarray(from, index)));
    from = index + 1;
  }
  return ended.filter((line) => line.trim() !== "");
}

function chunksOf(bytes: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] {
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

test("an event that is read keeps every part of its object", () => {
  fc.assert(
    fc.property(event, (value) => {
      const line = parseWatchLine(JSON.stringify(value));
      if (line.kind === "upsert" || line.kind === "delete") {
        expect(line.object).toEqual(overTheWire(value.object) as JsonObject);
      }
    }),
    { seed: SEED, numRuns: 300 },
  );
});
