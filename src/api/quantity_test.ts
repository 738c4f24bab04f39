import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { canonicalQuantity, equalQuantities, parseQuantity } from "./quantity.ts";

describe("quantities of one value are equal", () => {
  const equal: readonly (readonly [unknown, unknown])[] = [
    ["1000m", "1"],
    ["1", 1],
    [0.5, "500m"],
    ["1.0", "1"],
    ["+1", "1"],
    ["01", "1"],
    [".5", "500m"],
    ["1.", "1"],
    [" 1 ", "1"],
    ["-1000m", -1],
    ["0", "0Gi"],
    ["-0", 0],
    ["1Ki", 1024],
    ["1.5Gi", "1536Mi"],
    ["0.5Ki", "512"],
    ["1024Ki", "1Mi"],
    ["1k", "1000"],
    ["1E", "1e18"],
    ["1E3", "1e3"],
    ["1e+3", "1k"],
    ["1e-3", "1m"],
    ["1000u", "1m"],
    ["1000n", "1u"],
    ["1M", "1000k"],
    ["1G", "1e9"],
    ["1T", "1e12"],
    ["1P", "1e15"],
    ["9007199254740993", "9007199254740993.0"],
    ["1e999999999", "10e999999998"],
  ];
  for (const [a, b] of equal) {
    test(`${JSON.stringify(a)} and ${JSON.stringify(b)}`, () => {
      expect(equalQuantities(a, b)).toBe(true);
      expect(equalQuantities(b, a)).toBe(true);
    });
  }
});

describe("quantities of different values differ", () => {
  const different: readonly (readonly [unknown, unknown])[] = [
    ["1", "2"],
    ["1", "-1"],
    ["1M", "1Mi"],
    ["1m", "1M"],
    ["1k", "1Ki"],
    ["0.1", "0.10000001"],
    ["9007199254740993", "9007199254740992"],
    ["1e999999999", "1e999999998"],
    ["1", "one"],
    ["0", undefined],
    ["0", null],
  ];
  for (const [a, b] of different) {
    test(`${JSON.stringify(a)} and ${JSON.stringify(b)}`, () => {
      expect(equalQuantities(a, b)).toBe(false);
      expect(equalQuantities(b, a)).toBe(false);
    });
  }
});

describe("apimachinery's limits", () => {
  test("what is below a nano is rounded up, away from zero", () => {
    expect(equalQuantities("0.1n", "1n")).toBe(true);
    expect(equalQuantities("1e-999999999", "1n")).toBe(true);
    expect(equalQuantities("1.0000000001", "1000000001n")).toBe(true);
    expect(equalQuantities("-0.1n", "-1n")).toBe(true);
    expect(equalQuantities("0.0000000001Ki", "103n")).toBe(true);
  });

  test("a binary suffix is capped at the largest 64-bit integer, a decimal one is not", () => {
    expect(equalQuantities("8Ei", "9223372036854775807")).toBe(true);
    expect(equalQuantities("100Ei", "8Ei")).toBe(true);
    expect(equalQuantities("-100Ei", "-8Ei")).toBe(true);
    expect(equalQuantities("100E", "10E")).toBe(false);
  });

  test("an exponent beyond 32 bits, or a text of more than 256 characters, is no quantity", () => {
    expect(parseQuantity("1e4294967296")).toBeUndefined();
    expect(parseQuantity("1".repeat(257))).toBeUndefined();
    expect(parseQuantity("1".repeat(256))).toBeDefined();
  });
});

test("what has no form of a quantity is none", () => {
  for (
    const value of ["", ".", "-", "1e", "1Kb", "1 k", "k", "1ki", "0x1", "1e1.5", "NaN", Infinity, true, null, {}, []]
  ) {
    expect(parseQuantity(value)).toBeUndefined();
  }
});

test("a number of any suffix equals itself written out in nanos", () => {
  const suffixes = {
    n: 1n,
    u: 1000n,
    m: 10n ** 6n,
    "": 10n ** 9n,
    k: 10n ** 12n,
    Ki: 1024n * 10n ** 9n,
    Gi: 10n ** 9n << 30n,
  };
  fc.assert(fc.property(fc.integer(), fc.constantFrom(...Object.entries(suffixes)), (count, [suffix, nanos]) => {
    expect(equalQuantities(`${count}${suffix}`, `${BigInt(count) * nanos}n`)).toBe(true);
    expect(equalQuantities(`${count}${suffix}`, `${BigInt(count) * nanos + 1n}n`)).toBe(false);
  }));
});

test("no value makes it throw", () => {
  fc.assert(fc.property(fc.anything(), fc.anything(), (a, b) => {
    parseQuantity(a);
    equalQuantities(a, b);
  }));
});

test("the canonical text is the same exactly where the values are equal", () => {
  const value = fc.oneof(
    fc.nat(2000).map((n) => `${n}m`),
    fc.nat(3),
    fc.constantFrom("1Ki", "1024", "x", "1.5", "1500m"),
  );
  fc.assert(fc.property(value, value, (a, b) => {
    expect(canonicalQuantity(a) === canonicalQuantity(b)).toBe(equalQuantities(a, b));
  }));
});
