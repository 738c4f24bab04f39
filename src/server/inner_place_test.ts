import { expect, test } from "bun:test";
import { innerPlace } from "./inner_place.ts";

test("the inner server listens where nobody else may connect, if there is such a place", () => {
  const id = "x";
  const env = { RUNTIME_DIRECTORY: "/run/jobset:/run/other" };
  expect(innerPlace({ platform: "linux", env, id })).toEqual({ path: "/run/jobset/x.sock" });
  for (const none of [{}, { RUNTIME_DIRECTORY: "" }]) {
    expect(innerPlace({ platform: "linux", env: none, id })).toEqual({ path: "\0jobset-x" });
  }
  expect(innerPlace({ platform: "darwin", env, id })).toEqual({ port: 0 });
});
