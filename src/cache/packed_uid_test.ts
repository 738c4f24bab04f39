import { expect, test } from "bun:test";
import fc from "fast-check";
import { packUid, unpackUid } from "./packed_uid.ts";

test("a uid comes back as it was", () => {
  fc.assert(fc.property(fc.uuid(), (uid) => {
    const packed = packUid(uid);
    expect(packed).toBeDefined();
    if (packed !== undefined) expect(unpackUid(packed)).toBe(uid);
  }));
  const edges = ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"];
  expect(edges.map((uid) => packUid(uid)).map((packed) => packed === undefined ? "" : unpackUid(packed))).toEqual(
    edges,
  );
});

test("what is written otherwise is not packed", () => {
  const others = [
    "",
    "u",
    "0AA5B8E8-1234-1234-1234-000000000000",
    "0aa5b8e8-1234-1234-1234-00000000000",
    "0aa5b8e8 1234-1234-1234-000000000000",
    "0aa5b8e8-1234-1234-1234-00000000000g",
    "0aa5b8e8-1234-1234-1234-000000000000\n",
  ];
  expect(others.map(packUid)).toEqual(others.map(() => undefined));
});
