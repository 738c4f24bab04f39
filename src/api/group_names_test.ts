import { expect, test } from "bun:test";
import { withoutGroupNames } from "./group_names.ts";

test("groups lose their names, whichever way these are written", () => {
  expect(withoutGroupNames("(?P<n>a)|(?<n>b(?P<n_1>c))")).toBe("(a)|(b(c))");
});

test("what only looks like such a group stays", () => {
  const patterns = [
    "\\(?P<n>a",
    "[(?P<n>]",
    "[](?P<n>]",
    "[^\\](?<n>]",
    "[[:alpha:](?<n>]",
    "\\Q(?<n>",
    "(?<n",
    "(?<=a)",
    "(?:a)",
  ];
  for (const pattern of patterns) expect(withoutGroupNames(pattern)).toBe(pattern);
  expect(withoutGroupNames("[a](?<n>b)\\Q(?<n>\\E(?<n>c)")).toBe("[a](b)\\Q(?<n>\\E(c)");
});
