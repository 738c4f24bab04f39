import { expect, test } from "bun:test";
import { peekEvent } from "./peek_event.ts";

const HEAD =
  '{"type":"MODIFIED","object":{"kind":"Job","apiVersion":"batch/v1","metadata":{"name":"a-w-0","namespace":"ns",';
const EVENT = `${HEAD}"uid":"u-1","resourceVersion":"12","generation":1},"spec":{}}}`;

test("the identity of a built-in object is read without parsing", () => {
  const identity = { namespace: "ns", name: "a-w-0", uid: "u-1", resourceVersion: "12" };
  expect(peekEvent(EVENT)).toEqual({ type: "MODIFIED", identity });
  expect(peekEvent(EVENT.replace("MODIFIED", "DELETED"))).toEqual({ type: "DELETED", identity });
});

test("what is written otherwise is left to the parser", () => {
  const others = [
    "",
    EVENT.slice(0, -2),
    EVENT.replace("MODIFIED", "BOOKMARK"),
    EVENT.replace('"12"', "12"),
    EVENT.replace('"namespace":"ns",', ""),
    EVENT.replace('"name":"a-w-0",', '"name":"a\\u0041","generateName":"a",'),
    '{"type":"ADDED","object":{"apiVersion":"v1","kind":"Job","metadata":{"annotations":{},"name":"a"}}}',
  ];
  for (const text of others) expect(peekEvent(text)).toBeUndefined();
});
