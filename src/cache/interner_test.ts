import { expect, test } from "bun:test";
import { Interner } from "./interner.ts";

test("however many texts come, no more are held than the limit", () => {
  const texts = new Interner(100);
  for (let index = 0; index < 10_000; index++) {
    expect(texts.share(`text-${index}`)).toBe(`text-${index}`);
    expect(texts.size).toBeLessThanOrEqual(100);
  }
});

test("a text that is asked for again and again stays, whatever else comes", () => {
  const texts = new Interner(100);
  texts.share("kept");
  for (let index = 0; index < 1_000; index++) {
    if (index % 40 === 0) {
      const { size } = texts;
      texts.share("kept");
      // It would be one more, had it been forgotten.
      expect(texts.size).toBe(size);
    }
    texts.share(`text-${index}`);
  }
});

test("one that nobody asks for is forgotten", () => {
  const texts = new Interner(4);
  for (const text of ["a", "b", "c", "d", "e"]) texts.share(text);
  expect(texts.size).toBe(3);
  texts.share("a");
  expect(texts.size).toBe(4);
});
