import { expect, test } from "bun:test";
import { type ProtobufTable, readProtobuf } from "./protobuf.ts";

const TABLE: ProtobufTable = {
  1: { name: "text", type: "string" },
  2: { name: "number", type: "integer" },
  3: { name: "flag", type: "boolean" },
  4: { name: "map", type: "stringMap" },
  5: { name: "items", type: { 1: { name: "text", type: "string" } }, isList: true },
  6: { name: "time", type: "time" },
  20: { name: "raw", type: "bytes" },
};

function bytesOf(...parts: readonly (number | string | readonly number[])[]): Uint8Array {
  return new Uint8Array(
    parts.flatMap((part) =>
      typeof part === "number" ? [part] : typeof part === "string" ? [...new TextEncoder().encode(part)] : [...part]
    ),
  );
}

test("every kind of field is read", () => {
  const bytes = bytesOf(
    [0x0a, 4],
    "é€".slice(0, 1),
    "ab",
    [0x10, 0xac, 0x02],
    [0x18, 1],
    [0x22, 8, 0x0a, 1],
    "k",
    [0x12, 3],
    "val",
    [0x22, 3, 0x0a, 1],
    "e",
    [0x2a, 3, 0x0a, 1],
    "x",
    [0x2a, 0],
    [0x32, 6, 0x08, 0x80, 0xc2, 0xaf, 0xf0, 0x05],
    [0xa2, 0x01, 2, 9, 8],
  );
  expect(readProtobuf(bytes, TABLE)).toEqual({
    text: "éab",
    number: 300,
    flag: true,
    map: { k: "val", e: "" },
    items: [{ text: "x" }, {}],
    time: "2020-01-01T00:00:00Z",
    raw: Buffer.from([9, 8]),
  });
});

test("what the table does not name is passed over, of whatever kind; empty texts are absent", () => {
  const bytes = bytesOf(
    [0x38, 5],
    [0x39, 1, 2, 3, 4, 5, 6, 7, 8],
    [0x3d, 1, 2, 3, 4],
    [0x3a, 2, 7, 7],
    [0x0a, 0],
    [0x32, 0],
  );
  expect(readProtobuf(bytes, TABLE)).toEqual({});
});

test("numbers: large ones exactly, negative ones too", () => {
  const number = (...bytes: number[]) => readProtobuf(bytesOf([0x10], bytes), TABLE)["number"];
  expect(number(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)).toBe(Number.MAX_SAFE_INTEGER);
  expect(number(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)).toBe(-1);
  expect(number(0xd4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)).toBe(-44);
});

test("what is no message is refused", () => {
  const cases = [[0x0a], [0x0a, 5, 1], [0x10], [0x10, ...Array.from({ length: 10 }, () => 0x80)], [0x08, 1], [0x3f]];
  cases.push([0x2a, 2, 0x0a, 5], [0x22, 2, 0x08, 1], [0x39, 1]);
  for (const bytes of cases) expect(() => readProtobuf(bytesOf(bytes), TABLE)).toThrow(RangeError);
});
