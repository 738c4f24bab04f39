import { expect, test } from "bun:test";
import fc from "fast-check";
import { LineSplitter } from "./line_splitter.ts";

const line = fc.string({ unit: "binary", minLength: 1, maxLength: 40 })
  .map((text) => `{${text.replaceAll("\n", " ")}}`);

test("lines come out whole, wherever the stream is cut, also within a character", () => {
  fc.assert(fc.property(fc.array(line), fc.string({ unit: "binary" }), fc.array(fc.nat()), (lines, rest, cuts) => {
    const tail = rest.replaceAll("\n", "");
    const bytes = new TextEncoder().encode(lines.map((text) => `${text}\n`).join("") + tail);
    const splitter = new LineSplitter();
    const seen = chunksOf(bytes, cuts).flatMap((chunk) => [...splitter.push(chunk)]);
    const intact = lines.map((text) => new TextDecoder().decode(new TextEncoder().encode(text)));
    expect(seen).toEqual(intact);
    expect(splitter.pendingBytes).toBe(new TextEncoder().encode(tail).length);
  }));
});

function chunksOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const ends = [...places, bytes.length];
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

test("blank lines are no lines", () => {
  expect([...new LineSplitter().push(new TextEncoder().encode("\n\r\na\n \nb\n"))]).toEqual(["a", "b"]);
});

test("a line over the limit is refused before it has ended", () => {
  const splitter = new LineSplitter(10);
  expect([...splitter.push(new Uint8Array(10).fill(65))]).toEqual([]);
  expect(() => [...splitter.push(new Uint8Array(1).fill(65))]).toThrow("it exceeds 10 bytes");
});
