import { expect, test } from "bun:test";
import { RE2JS } from "re2js";
import { withoutGroupNames } from "../api/group_names.ts";
import { errorText } from "./field_error.ts";
import { MessagePatterns } from "./message_patterns.ts";

function problems(...patterns: readonly unknown[]): readonly string[] {
  return [...new MessagePatterns().errors("p", patterns)].map(errorText);
}

test("a pattern of RE2 passes, and one that does not compile is refused with RE2's words (R69)", () => {
  expect(problems("", "^exit code 1[0-9]$", "(?i)oom", "\\pL{100}", "(?P<n>a)", "(?<n>a)(?<n>b)", 7, null)).toEqual([]);
  expect(problems("(?<n>a)(?<n>b)(")).toEqual([expect.stringContaining("RE2")]);
  const broken = { "(": "missing closing ): `(`", "a**": "invalid nested repetition operator: `**`" };
  for (const [pattern, why] of Object.entries(broken)) {
    const text = `must be a valid RE2 regular expression: error parsing regexp: ${why}`;
    expect(problems("ok", pattern)).toEqual([`p[1]: Invalid value: "${pattern}": ${text}`]);
  }
});

test("what the check lets through compiles, and what it refuses does not", () => {
  const patterns = [
    "a{1000}",
    "a{1001}",
    "((a{100}){100}){100}",
    "(?=a)",
    "(?<n>a)",
    "(?<n>a)(?P<n>b)",
    "\\8",
    "[z-a]",
    "\\Qa",
  ];
  for (const pattern of patterns) {
    const compiles = () => RE2JS.compile(withoutGroupNames(pattern));
    if (problems(pattern).length === 0) compiles();
    else expect(compiles).toThrow();
  }
});

const TOO_LONG =
  "the patterns of all rules must not be longer than 16384 characters together, with their repetitions written out, and a " +
  "Unicode class or a range beyond ASCII counted as 128";

test("hostile patterns are refused before they cost much", () => {
  const nested = "(".repeat(8_000) + "a" + ")".repeat(8_000);
  expect(problems(nested)[0]).toContain("nests too deeply");
  expect(problems("a".repeat(16_384), "b", "a".repeat(16_384))).toEqual([`p[1]: Invalid value: "b": ${TOO_LONG}`]);
  // Either takes minutes to read, and is short enough.
  const classes = "(?i)[" + "\\pL\\pN".repeat(2_000) + "]";
  for (
    const pattern of [classes, "(?i)[" + "a-\uffff".repeat(5_000) + "]", "(?i)[" + "a-\\x{ffff}".repeat(1_500) + "]"]
  ) {
    expect(problems("fine", pattern, "[a-z0-9-]+")).toEqual([expect.stringContaining(TOO_LONG)]);
  }
});

test("repetitions count as what they stand for", () => {
  expect(problems(...Array.from({ length: 13 }, (_, index) => `${index}((a{10}){10}){10}`))).toEqual([]);
  expect(problems(...Array.from({ length: 14 }, (_, index) => `${index}((a{10}){10}){10}`))).toHaveLength(1);
  expect(problems("\\pL{1000}")[0]).toContain(TOO_LONG);
});

test("the same pattern a thousand times is read once", () => {
  expect(problems(...Array.from({ length: 1_000 }, () => "a".repeat(10_000)))).toEqual([]);
});
