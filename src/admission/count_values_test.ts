import { expect, test } from "bun:test";
import { countValues } from "./count_values.ts";

test.each([
  ["", 0],
  ["[1,2,3]", 3],
  ['{"a,b":"c,d","e":[]}', 3],
  ['["\\",{",1]', 2],
  ['["\\\\",1,"\\\\\\",,",2]', 4],
  ['"never, ends', 0],
  ["a,b", 1],
])("commas and opening brackets outside of strings: %s", (text, count) => {
  expect(countValues(text)).toBe(count);
});
