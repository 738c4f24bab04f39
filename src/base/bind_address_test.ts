import { expect, test } from "bun:test";
import { parseBindAddress } from "./bind_address.ts";

test("addresses are read as Go writes them", () => {
  expect(parseBindAddress(":8081")).toEqual({ host: undefined, port: 8081 });
  expect(parseBindAddress("127.0.0.1:8081")).toEqual({ host: "127.0.0.1", port: 8081 });
  expect(parseBindAddress("localhost:0")).toEqual({ host: "localhost", port: 0 });
  expect(parseBindAddress("[::1]:8081")).toEqual({ host: "::1", port: 8081 });
  expect(parseBindAddress("0")).toBe("off");
});

test("what is no address is refused", () => {
  for (const text of ["", "8081", "localhost", ":", ":x", ":65536", "::1:8081", "[::1]", "a b:1", "http://x:1"]) {
    expect(parseBindAddress(text)).toBeUndefined();
  }
});
