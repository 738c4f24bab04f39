import { expect, test } from "bun:test";
import { countValues } from "./count_values.ts";

test.each([
  ["", 0],
  ["[1,2,3]", 6],
  ['{"a,b":"c,d","e":[]}', 15],
  ['["\\",{",1]', 5],
  ['["\\\\",1,"\\\\\\",,",2]', 7],
  ['"never, ends', 0],
  ["a,b", 1],
])("commas, colons and opening brackets outside of strings: %s", (text, count) => {
  expect(countValues(text)).toBe(count);
});
