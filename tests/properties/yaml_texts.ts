/** YAML and what is nearly YAML: valid texts, damaged ones, and everything that the language has and nobody expects. */
import fc from "fast-check";
import { stringify } from "yaml";
import { oddText, overTheWire } from "./any_json.ts";

const SNIPPETS = [
  "a: b",
  "- a",
  "  - b",
  "a: &x [1, 2]",
  "b: *x",
  "c: *nowhere",
  "<<: *x",
  "? [a, b]",
  ": c",
  "---",
  "...",
  "%YAML 1.1",
  "%TAG ! tag:x,2000:",
  "d: !!binary aGk=",
  "e: !!js/function 'x'",
  "f: |",
  "  text",
  "g: >-",
  "\t- tab",
  "__proto__: {a: 1}",
  "constructor: 1",
  "toString: x",
  "featureGates: [RestartJob]",
  "internalCertManagement: x",
  "featureGates: {RestartJob: true, RestartJob: false}",
  "h: 0x1F",
  "i: .inf",
  "j: 1_000",
  "k: 2001-12-14",
  "l: ~",
  "m: yes",
  "{",
  "}",
  "[",
  "]",
  '"',
  "'",
  "#",
  "&a &b c",
  "!!set {a, b}",
  "\u0000",
  "\ufeff",
  "\u2028",
  "- - - -",
  "a: b: c",
  "n: 99999999999999999999999999",
  "o: 'a\nb",
];

/** Each anchor holds ten of the one before it. */
const BOMB = [
  "a0: &a0 [x]",
  ...Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join()}]`),
]
  .join("\n");
/** Of a text that is nested deeply. */
export const DEEP_JSON = /(?:\[|\{"\w+":){50}/;
const CYCLE = "a: &a [*a]";
const DEEP = ["[".repeat(10_000), "- ".repeat(10_000), "{a: ".repeat(10_000)];

/** Texts that begin as one of `values`, and worse. */
export function yamlTexts(values: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const written = values.map(textOf);
  const pieces = fc.array(fc.constantFrom(...SNIPPETS), { maxLength: 8 }).map((lines) => lines.join("\n"));
  return fc.oneof(
    { weight: 4, arbitrary: written },
    { weight: 2, arbitrary: values.map((value) => JSON.stringify(overTheWire(value))) },
    { weight: 4, arbitrary: fc.tuple(written, fc.nat(), oddText, fc.nat(40)).map(damaged) },
    { weight: 3, arbitrary: fc.tuple(written, pieces).map(([text, more]) => `${text}\n${more}\n`) },
    { weight: 3, arbitrary: pieces },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
    { weight: 1, arbitrary: oddText },
    {
      weight: 1,
      arbitrary: fc.tuple(written, fc.constantFrom(BOMB, CYCLE)).map(([text, more]) => `${text}\n${more}\n`),
    },
  );
}

/** Deep nests stay JSON, which is YAML too: a megabyte of indentation has nothing to tell. */
function textOf(value: unknown): string {
  const json = JSON.stringify(value) ?? "null";
  return DEEP_JSON.test(json) ? json : stringify(overTheWire(value), { aliasDuplicateObjects: false });
}

/** Slow to read, so that each is tried once. */
export const LONG_YAML: readonly string[] = [...DEEP, BOMB, CYCLE];

function damaged([text, place, inserted, removed]: readonly [string, number, string, number]): string {
  const at = place % (text.length + 1);
  return text.slice(0, at) + inserted + text.slice(at + removed);
}
