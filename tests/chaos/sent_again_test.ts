import { expect, test } from "bun:test";
import { mayBeSentAgain } from "./sent_again.ts";

const STANDSTILLS = { resumedAtMs: new Map([["a", [10_000, 50_000]]]), lateMs: 3_000 };

function entry(verb: string, who: string, atMs: number) {
  return {
    verb,
    user: { extra: { "authentication.kubernetes.io/credential-id": [who] } },
    requestReceivedTimestamp: new Date(atMs).toISOString(),
  };
}

test("a delete just after its replica stood still may have been sent again", () => {
  expect(mayBeSentAgain(entry("delete", "a", 10_500), STANDSTILLS)).toBe(true);
  expect(mayBeSentAgain(entry("delete", "a", 52_900), STANDSTILLS)).toBe(true);
});

test("a later delete, another's, and any other write were not", () => {
  expect(mayBeSentAgain(entry("delete", "a", 9_900), STANDSTILLS)).toBe(false);
  expect(mayBeSentAgain(entry("delete", "a", 13_001), STANDSTILLS)).toBe(false);
  expect(mayBeSentAgain(entry("delete", "b", 10_500), STANDSTILLS)).toBe(false);
  expect(mayBeSentAgain(entry("patch", "a", 10_500), STANDSTILLS)).toBe(false);
});
