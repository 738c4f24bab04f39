import { expect, test } from "bun:test";
import { thisVersion, userAgent } from "./version.ts";

test("the User-Agent names version, platform and the first seven digits of the commit", () => {
  expect(userAgent({ version: "1.2.3", commit: "0123456789abcdef", platform: "linux/amd64" })).toBe(
    "jobset/1.2.3 (linux/amd64) 0123456",
  );
});

test("a run from source knows its version and no commit", () => {
  expect(thisVersion()).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/), commit: "unknown" });
});
