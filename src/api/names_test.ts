import { expect, test } from "bun:test";
import fc from "fast-check";
import { childJobName, jobIndexAfter, jobKey, splitChildJobName } from "./names.ts";

test("child Job name: taken apart it gives back its index", () => {
  expect(splitChildJobName(childJobName("js", "w-0", 12))).toEqual({ prefix: "js-w-0", jobIndex: 12 });
});

test("child Job name: a name that does not end in a plain index is none", () => {
  for (const name of ["", "js", "js-", "js-w-", "js-w-x", "js-w-01", "js-w-1e3", "js-w-+1", "js-w-NaN", "7"]) {
    expect(splitChildJobName(name)).toBeUndefined();
  }
});

test("child Job name: the index after a prefix is that of the name taken apart", () => {
  const prefix = fc.constantFrom("js-w", "js-w-0", "js", "", "js-", "j");
  const rest = fc.oneof(
    fc.nat().map((index) => `-${index}`),
    fc.stringMatching(/^[-+0-9ex]{0,5}$/),
    fc.constantFrom("-01", "-00", "-0", "-1-2", "-", "--1", "-999999999999999"),
  );
  fc.assert(
    fc.property(prefix, prefix, rest, (before, asked, after) => {
      const parts = splitChildJobName(before + after);
      expect(jobIndexAfter(before + after, asked)).toBe(parts?.prefix === asked ? parts.jobIndex : undefined);
    }),
    { numRuns: 2_000 },
  );
});

test("job key: SHA-1 of namespace and Job name, in hexadecimal", () => {
  // printf ns/js-w-0 | sha1sum
  expect(jobKey("ns", "js-w-0")).toBe("e1ce8df3ababe10058d62b9f7787464fac63a799");
});
