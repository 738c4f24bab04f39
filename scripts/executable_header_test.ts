import { expect, test } from "bun:test";
import { executableHeader } from "./executable_header.ts";

function bytes(...start: readonly number[]): Uint8Array {
  return Uint8Array.from([...start, ...new Array<number>(32 - start.length).fill(0)]);
}

test("an executable's header tells its system and machine", () => {
  const elf = (machine: number) => bytes(0x7f, 0x45, 0x4c, 0x46, ...new Array<number>(14).fill(0), machine, 0);
  expect(executableHeader(elf(0x3e))).toBe("linux-x64");
  expect(executableHeader(elf(0xb7))).toBe("linux-arm64");
  expect(executableHeader(bytes(0xcf, 0xfa, 0xed, 0xfe, 0x07, 0, 0, 1))).toBe("darwin-x64");
  expect(executableHeader(bytes(0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1))).toBe("darwin-arm64");
});

test("anything else has none", () => {
  for (const head of [new Uint8Array(0), bytes(0x23, 0x21), bytes(0x7f, 0x45, 0x4c, 0x46)]) {
    expect(executableHeader(head)).toBeUndefined();
  }
});

test("the runtime of this test is one for this machine", async () => {
  const head = new Uint8Array(await Bun.file(process.execPath).slice(0, 64).arrayBuffer());
  expect(executableHeader(head)).toBe(`${process.platform}-${process.arch}`);
});
