import { expect, test } from "bun:test";
import { StringPool } from "./intern.ts";

test("a pool holds each text once and never more than its limit", () => {
  const pool = new StringPool(2);
  expect(["a", "b", "a", "b"].map((text) => pool.intern(text))).toEqual(["a", "b", "a", "b"]);
  expect(pool.size).toBe(2);
  expect(pool.intern("c")).toBe("c");
  expect(pool.size).toBe(1);
});
