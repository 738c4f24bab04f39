import { expect, test } from "bun:test";
import { mayBeFromBefore } from "./from_before.ts";

const STANDSTILLS = { resumedAtMs: new Map([["a", [10_000, 50_000]]]), lateMs: 3_000 };

function entry(verb: string, who: string, atMs: number) {
  return {
    verb,
    user: { extra: { "authentication.kubernetes.io/credential-id": [who] } },
    requestReceivedTimestamp: new Date(atMs).toISOString(),
  };
}

test("a delete may have been sent again just after its replica stood still", () => {
  expect(mayBeFromBefore(entry("delete", "a", 10_500), STANDSTILLS)).toBe(true);
  expect(mayBeFromBefore(entry("delete", "a", 52_900), STANDSTILLS)).toBe(true);
});

test("any other write may have waited below the fence for a moment", () => {
  expect(mayBeFromBefore(entry("patch", "a", 10_016), STANDSTILLS)).toBe(true);
  expect(mayBeFromBefore(entry("create", "a", 10_501), STANDSTILLS)).toBe(false);
});

test("a later write, and another's, were not", () => {
  expect(mayBeFromBefore(entry("delete", "a", 9_900), STANDSTILLS)).toBe(false);
  expect(mayBeFromBefore(entry("delete", "a", 13_001), STANDSTILLS)).toBe(false);
  expect(mayBeFromBefore(entry("delete", "b", 10_500), STANDSTILLS)).toBe(false);
  expect(mayBeFromBefore(entry("patch", "b", 10_016), STANDSTILLS)).toBe(false);
});
