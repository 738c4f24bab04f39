import { expect, test } from "bun:test";
import { readTotal, sum, totalLine } from "./steps.ts";

test("a total is what bun test counted", () => {
  expect(readTotal("x\n 7 pass\n 0 fail\n 22 expect() calls\n", 0)).toEqual({ passed: 7, failed: 0 });
  expect(readTotal(" 5 pass\n 2 fail\n", 1)).toEqual({ passed: 5, failed: 2 });
});

test("a test run that ends badly without a failed test counts one failure", () => {
  expect(readTotal(" 5 pass\n 0 fail\n 1 error\n", 1)).toEqual({ passed: 5, failed: 1 });
});

test("another program counts as one", () => {
  expect(readTotal("Checked 12 files", 0)).toEqual({ passed: 1, failed: 0 });
  expect(readTotal("error: x", 1)).toEqual({ passed: 0, failed: 1 });
});

test("the closing line has the sums", () => {
  expect(totalLine(sum([{ passed: 3, failed: 1 }, { passed: 4, failed: 0 }]))).toBe("7 passed, 1 failed");
});
