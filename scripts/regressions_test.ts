import { expect, test } from "bun:test";
import { findProblems, readRegressions, ROWS, storedFile, storedRegressions, testTitles } from "./regressions.ts";

test("every row of spec 8 is held by tests that are there", () => {
  expect(findProblems(storedRegressions(), storedFile)).toEqual([]);
});

test("the rows are those of spec 8, which leaves out three numbers", () => {
  expect(ROWS.length).toBe(83);
  expect([ROWS[0], ROWS[54], ROWS[55], ROWS.at(-1)]).toEqual(["R01", "R55", "R58", "R86"]);
});

test("a row that is missing, unknown or without a test is told of, and a test that is not there", () => {
  const others = ROWS.slice(3).map((id) => `${id}: { a_test.ts: [one] }`);
  const table = [
    "R01: {}",
    "R02: { a_test.ts: [one, three], b_test.ts: [one] }",
    "R56: { a_test.ts: [one] }",
    ...others,
  ];
  const read = (file: string) => file === "a_test.ts" ? 'test("one", () => {});\ntest("two", () => {});\n' : undefined;
  expect(findProblems(readRegressions(table.join("\n")), read)).toEqual([
    "R03 is missing",
    "R01 has no test",
    'R02: a_test.ts has no test "three"',
    "R02: there is no b_test.ts",
    "R56 is no row of spec 8",
  ]);
});

test("titles are found however a test is made, and nothing else is one", () => {
  const text = [
    'test("a \\"quoted\\" one", () => {});',
    "e2e.test(`for ${what}`, async () => {});",
    "e2e.testWithoutWebhooks(\n  'alone on its line',",
    'test.each([1, 2])("of %s", () => {});',
    'describe("a group", () => {});',
    'e2e.creates("a table", [["a row", {}]]);',
    'expect("not this").toBe("nor this");',
    '// test("gone", () => {});',
    'const path = "tests/**/*.ts"; // test("gone too", () => {});',
    "/**",
    ' * test("long gone", () => {});',
    " */",
    'test("of http:// and // and /* signs", () => {});',
  ].join("\n");
  expect([...testTitles("x_test.ts", text)]).toEqual([
    'a "quoted" one',
    "for ${what}",
    "alone on its line",
    "of %s",
    "a group",
    "a table",
    "of http:// and // and /* signs",
  ]);
});

test("the title of a golden case ends with its rows", () => {
  const text = 'cases:\n  - { name: "subject: promise", ids: [R01, K24], expect: {} }\n';
  expect([...testTitles("tests/plan/x.yaml", text)]).toEqual(["subject: promise (R01, K24)"]);
});
