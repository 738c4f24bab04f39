import { expect, test } from "bun:test";
import { FrameSplitter } from "./frame_splitter.ts";

function frames(splitter: FrameSplitter, ...bytes: number[]): number[][] {
  return [...splitter.push(new Uint8Array(bytes))].map((frame) => [...frame]);
}

test("frames are cut wherever the chunks end", () => {
  const bytes = [0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 0, 0, 0, 1, 9];
  for (let cut = 0; cut <= bytes.length; cut++) {
    const splitter = new FrameSplitter();
    const found = [...frames(splitter, ...bytes.slice(0, cut)), ...frames(splitter, ...bytes.slice(cut))];
    expect(found).toEqual([[7, 8], [], [9]]);
    expect(splitter.pendingBytes).toBe(0);
  }
});

test("what has not ended is pending", () => {
  const splitter = new FrameSplitter();
  expect(frames(splitter, 0, 0, 0, 3, 1)).toEqual([]);
  expect(splitter.pendingBytes).toBe(5);
});

test("a frame over the limit is refused before it is read", () => {
  expect(() => frames(new FrameSplitter(10), 0, 0, 0, 11)).toThrow("exceeds 10 bytes");
});
