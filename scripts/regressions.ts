/**
 * Reads tests/regressions.yaml, which says for each row of spec 8 which tests hold it, and checks that they are there.
 * By hand, `bun scripts/regressions.ts` says how many they are.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { asArray, asObject } from "../src/base/json.ts";
import { readGoldenCases } from "../tests/plan/golden_case.ts";
import { ROOT } from "./steps.ts";

/** A row, such as R01, and the titles of its tests by file. */
export interface Regression {
  readonly id: string;
  readonly tests: readonly { readonly file: string; readonly title: string }[];
}

/** Numbers that spec 8 leaves out. */
const ABSENT: readonly number[] = [56, 57, 73];
const LAST = 86;

/** The rows of spec 8. */
export const ROWS: readonly string[] = Array.from({ length: LAST }, (_, index) => index + 1)
  .filter((number) => !ABSENT.includes(number))
  .map((number) => `R${String(number).padStart(2, "0")}`);

/** `test("…"`, `e2e.test("…"`, `test.each(…)("…"`, and the groups `describe("…"` and `e2e.creates("…"`. */
const TITLE =
  /(?:\b(?:test|testWithoutWebhooks|describe|creates|updates)(?:\.\w+)?|\))\(\s*(?:"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`|'((?:[^'\\\n]|\\.)*)')/;
/** Strings too may have `//` and `/*` in them, but hardly behind a space. */
const COMMENT = /(?<!\S)(?:\/\/.*|\/\*[^]*?\*\/)/;
/** What is read as a comment, title and all, is no title. */
const COMMENT_OR_TITLE = new RegExp(`${COMMENT.source}|${TITLE.source}`, "g");

export function readRegressions(text: string): readonly Regression[] {
  return Object.entries(asObject(parse(text, { uniqueKeys: true })) ?? {}).map(([id, files]) => ({
    id,
    tests: Object.entries(asObject(files) ?? {}).flatMap(([file, titles]) =>
      asArray(titles).map((title) => ({ file, title: String(title) }))
    ),
  }));
}

/** The titles of a test file as they stand there: those that are put together keep their `${…}` or `%s`. */
export function testTitles(file: string, text: string): ReadonlySet<string> {
  if (file.endsWith(".yaml")) return new Set(readGoldenCases(text).map(({ name }) => name));
  const titles = Array.from(text.matchAll(COMMENT_OR_TITLE))
    .flatMap(([, double, backtick, single]) => double ?? backtick ?? single ?? []);
  return new Set(titles.map((title) => title.replace(/\\(["'`\\])/g, "$1")));
}

/** What is wrong with the table: rows that are missing, unknown or without a test, and tests that are not there. */
export function findProblems(
  regressions: readonly Regression[],
  read: (file: string) => string | undefined,
): readonly string[] {
  const named = new Set(regressions.map(({ id }) => id));
  const titles = new Map<string, ReadonlySet<string> | undefined>();
  const titlesOf = (file: string): ReadonlySet<string> | undefined => {
    if (!titles.has(file)) {
      const text = read(file);
      titles.set(file, text === undefined ? undefined : testTitles(file, text));
    }
    return titles.get(file);
  };
  const problems = ROWS.filter((id) => !named.has(id)).map((id) => `${id} is missing`);
  for (const { id, tests } of regressions) {
    if (!ROWS.includes(id)) problems.push(`${id} is no row of spec 8`);
    if (tests.length === 0) problems.push(`${id} has no test`);
    for (const { file, title } of tests) {
      const found = titlesOf(file);
      if (found === undefined) problems.push(`${id}: there is no ${file}`);
      else if (!found.has(title)) problems.push(`${id}: ${file} has no test "${title}"`);
    }
  }
  return problems;
}

/** The table of this checkout. */
export function storedRegressions(): readonly Regression[] {
  return readRegressions(readFileSync(join(ROOT, "tests", "regressions.yaml"), "utf8"));
}

/** A file of this checkout. */
export function storedFile(file: string): string | undefined {
  const path = join(ROOT, file);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

if (import.meta.main) {
  const regressions = storedRegressions();
  const problems = findProblems(regressions, storedFile);
  for (const problem of problems) console.error(problem);
  const tests = new Set(regressions.flatMap((row) => row.tests.map(({ file, title }) => `${file}: ${title}`)));
  console.log(`regressions: ${regressions.length} rows held by ${tests.size} tests, ${problems.length} problems`);
  process.exit(problems.length === 0 ? 0 : 1);
}
