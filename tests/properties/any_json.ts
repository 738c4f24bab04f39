/** JSON of any shape: wrong types, keys that a prototype has, odd unicode, huge numbers, deep nesting; alone or put into a whole. */
import fc from "fast-check";
import { asObject } from "../../src/base/json.ts";

/** Keys that mean something to JavaScript, and some that mean nothing to anybody. */
const ODD_TEXTS = [
  "",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "length",
  "then",
  "toJSON",
  "0",
  "-1",
  "a\nb",
  "\u0000",
  "\u2028\u2029",
  "ä😀",
  "\ud800",
  "-",
  " ",
  "a".repeat(64),
  "a".repeat(300),
  "null",
  "$(a)",
  "(a+)+$",
  "[",
  "\\",
  "%s%n",
];
const ODD_SCALARS: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1.5,
  1e-7,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53,
  1e21,
  1.7976931348623157e308,
  [],
  {},
  [null],
  [[]],
];

export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ maxLength: 12 }),
);

/** Made from its entries, so that `__proto__` is a key as it is in a parsed text. */
function objectOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.array(fc.tuple(oddText, value), { maxLength: 4 }).map((entries) => Object.fromEntries(entries));
}

/** Nested far deeper than any object of Kubernetes. */
const deep: fc.Arbitrary<unknown> = fc.tuple(fc.constantFrom(100, 1_000), fc.constantFrom("list", "object", "spec"))
  .map(
    ([depth, kind]) => {
      let value: unknown = "x";
      for (let level = 0; level < depth; level++) value = kind === "list" ? [value] : { [kind]: value };
      return value;
    },
  );

export const anyJson: fc.Arbitrary<unknown> = fc.letrec<{ readonly value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "json" },
    { weight: 6, arbitrary: fc.constantFrom(...ODD_SCALARS) },
    { weight: 4, arbitrary: oddText },
    { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
    { weight: 4, arbitrary: objectOf(tie("value")) },
    { weight: 3, arbitrary: fc.array(tie("value"), { maxLength: 4 }) },
    { weight: 1, arbitrary: deep },
  ),
})).value;

type Path = readonly (string | number)[];
type Change =
  | { readonly kind: "replace"; readonly value: unknown }
  | { readonly kind: "remove" }
  | { readonly kind: "wrap" }
  | { readonly kind: "repeat" }
  /** Into a list, or what stands before a list's first item. */
  | { readonly kind: "insert"; readonly value: unknown }
  | { readonly kind: "key"; readonly key: string; readonly value: unknown };

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("replace" as const), value: anyJson }) },
  { weight: 2, arbitrary: fc.constant<Change>({ kind: "remove" }) },
  { weight: 1, arbitrary: fc.constant<Change>({ kind: "wrap" }) },
  { weight: 2, arbitrary: fc.constant<Change>({ kind: "repeat" }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("insert" as const), value: anyJson }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("key" as const), key: oddText, value: anyJson }) },
);

/** Values of a kind with one to three of their parts, anywhere, changed for something odd. */
export function nearly(whole: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const changes = fc.array(fc.tuple(fc.nat(), change), { minLength: 1, maxLength: 3 });
  return fc.tuple(whole, changes).map(([value, list]) => list.reduce<unknown>(changedAt, value));
}

/** Such values, nearly such values, and anything. */
export function oddly(whole: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 2, arbitrary: whole },
    { weight: 6, arbitrary: nearly(whole) },
    { weight: 1, arbitrary: anyJson },
  );
}

/** As it is once it has come over the wire. */
export function overTheWire(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? "null");
}

/** Changes the part at the n-th place, counted in depth. */
function changedAt(whole: unknown, [place, what]: readonly [number, Change]): unknown {
  const paths = [...pathsOf(whole, [])];
  return changed(whole, paths[place % paths.length] ?? [], what);
}

/** Deep nests are one place, or they would be most of all places. */
function* pathsOf(value: unknown, path: Path): Generator<Path> {
  yield path;
  if (typeof value !== "object" || value === null || path.length > 20) return;
  for (const [key, inner] of Object.entries(value)) yield* pathsOf(inner, [...path, Array.isArray(value) ? +key : key]);
}

function changed(here: unknown, [step, ...rest]: Path, what: Change): unknown {
  if (step === undefined) return changedWhole(here, what);
  if (what.kind === "insert" && rest.length === 0 && Array.isArray(here)) return [what.value, ...here];
  if (Array.isArray(here)) return here.map((item, index) => index === step ? changed(item, rest, what) : item);
  const entries = Object.entries(asObject(here) ?? {}).map(([key, inner]) =>
    [key, key === step ? changed(inner, rest, what) : inner] as const
  );
  return Object.fromEntries(entries);
}

function changedWhole(here: unknown, what: Change): unknown {
  switch (what.kind) {
    case "replace":
      return what.value;
    case "remove":
      return undefined;
    case "wrap":
      return [here];
    case "repeat":
      return Array.isArray(here) ? [...here, ...here] : here;
    case "insert":
      return Array.isArray(here) ? [what.value, ...here] : [what.value];
    case "key":
      return Object.fromEntries([...Object.entries(asObject(here) ?? {}), [what.key, what.value]]);
  }
}
