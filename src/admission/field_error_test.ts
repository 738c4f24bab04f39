import { expect, test } from "bun:test";
import {
  duplicate,
  errorBody,
  errorText,
  type FieldError,
  forbidden,
  internalError,
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
} from "./field_error.ts";
import { byteLength, goJson, goQuote } from "./go_text.ts";

test("each kind of field error prints as apimachinery does", () => {
  const lines: readonly (readonly [FieldError, string])[] = [
    [invalid("spec.x", "v", "why"), 'spec.x: Invalid value: "v": why'],
    [invalid("spec.x", "v", ""), 'spec.x: Invalid value: "v"'],
    [invalid("spec.x", -1, "why"), "spec.x: Invalid value: -1: why"],
    [invalid("spec.x", true, "why"), "spec.x: Invalid value: true: why"],
    [invalid("spec.x", undefined, "why"), "spec.x: Invalid value: null: why"],
    [invalid("spec.x", { a: [1, "<"] }, "why"), 'spec.x: Invalid value: {"a":[1,"\\u003c"]}: why'],
    [required("spec.x"), "spec.x: Required value"],
    [required("spec.x", "why"), "spec.x: Required value: why"],
    [notSupported("spec.x", "C", ["A", "B"]), 'spec.x: Unsupported value: "C": supported values: "A", "B"'],
    [notSupported("spec.x", "C", []), 'spec.x: Unsupported value: "C"'],
    [forbidden("spec.x", "why"), "spec.x: Forbidden: why"],
    [tooLong("spec.x", 63), "spec.x: Too long: may not be more than 63 bytes"],
    [tooMany("spec.x", 5, 4), "spec.x: Too many: 5: must have at most 4 items"],
    [duplicate("spec.x", "v"), 'spec.x: Duplicate value: "v"'],
    [internalError("spec.x", "why"), "spec.x: Internal error: why"],
  ];
  for (const [error, line] of lines) {
    expect(errorText(error)).toBe(line);
    expect(errorBody(error)).toBe(line.slice("spec.x: ".length));
  }
});

test("a string is quoted as Go's %q does it", () => {
  const quoted: readonly (readonly [string, string])[] = [
    ["a b", '"a b"'],
    ['"\\', '"\\"\\\\"'],
    ["\x00\x07\b\f\n\r\t\v\x1b\x7f", '"\\x00\\a\\b\\f\\n\\r\\t\\v\\x1b\\x7f"'],
    ["é日🙂\u0301", '"é日🙂\u0301"'],
    ["\u00a0\u00ad\u2028\u200b\u{e0001}", '"\\u00a0\\u00ad\\u2028\\u200b\\U000e0001"'],
    ["\ud800", '"\ufffd"'],
    ["50% %s", '"50% %s"'],
  ];
  for (const [text, expected] of quoted) expect(goQuote(text)).toBe(expected);
});

test("a value is marshalled as Go does it", () => {
  expect(goJson({ a: "<&>\u2028" })).toBe('{"a":"\\u003c\\u0026\\u003e\\u2028"}');
  expect(goJson(undefined)).toBe("null");
});

test("a length counts the bytes of UTF-8", () => {
  const edges = [0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff, 0x10000, 0x10ffff];
  for (const left of edges) {
    for (const right of edges) {
      const text = `a${String.fromCodePoint(left, right)}b`;
      expect([text, byteLength(text)]).toEqual([text, new TextEncoder().encode(text).length]);
    }
  }
});

test("a list of megabytes is shown by its beginning", () => {
  const text = errorText(invalid("spec.replicatedJobs", Array(1_000_000).fill("a"), "field is immutable"));
  expect(text).toStartWith('spec.replicatedJobs: Invalid value: ["a","a",');
  expect(text).toEndWith("…: field is immutable");
  expect(text.length).toBeLessThan(17_000);
});
