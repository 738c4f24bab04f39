import { expect, test } from "bun:test";
import fc from "fast-check";
import { compareResourceVersions, isNewerVersion } from "./resource_version.ts";

test("resourceVersions compare as numbers, not as text", () => {
  expect(compareResourceVersions("9", "10")).toBe(-1);
  expect(compareResourceVersions("10", "9")).toBe(1);
  expect(compareResourceVersions("10", "10")).toBe(0);
  expect(compareResourceVersions("123456789012345678901", "123456789012345678902")).toBe(-1);
  expect(isNewerVersion("100", "99")).toBe(true);
  expect(isNewerVersion("99", "99")).toBe(false);
});

test("leading zeros do not count", () => {
  expect(compareResourceVersions("007", "7")).toBe(0);
  expect(compareResourceVersions("0099", "100")).toBe(-1);
});

test("an empty or malformed resourceVersion is the oldest", () => {
  for (const odd of ["", "abc", "1x", "-1", " 1", "1.5"]) {
    expect(compareResourceVersions(odd, "1")).toBe(-1);
    expect(compareResourceVersions("1", odd)).toBe(1);
    expect(compareResourceVersions(odd, "")).toBe(0);
  }
});

test("resourceVersions of any length compare as BigInts do", () => {
  const version = fc.bigInt({ min: 0n, max: 10n ** 40n });
  fc.assert(fc.property(version, version, (a, b) => {
    expect(compareResourceVersions(`${a}`, `${b}`)).toBe(a < b ? -1 : a > b ? 1 : 0);
  }));
});
