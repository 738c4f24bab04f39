import { expect, test } from "bun:test";
import { userAgent } from "./user_agent.ts";

test("the user agent names version, system and machine as Go does, and seven digits of the commit", () => {
  const build = { version: "0.13.0", commit: "0123456789abcdef", platform: "linux", arch: "x64" };
  expect(userAgent(build)).toBe("jobset/0.13.0 (linux/amd64) 0123456");
  expect(userAgent({ ...build, arch: "arm64", platform: "darwin" })).toBe("jobset/0.13.0 (darwin/arm64) 0123456");
});
