import { expect, test } from "bun:test";
import fc from "fast-check";
import { placeCaptions } from "./captions.ts";

const EDGES = { left: 100, right: 500 };

test("captions that have room stand side by side at their lines", () => {
  const captions = [{ at: 100, width: 80, text: "a" }, { at: 300, width: 80, text: "b" }];
  expect(placeCaptions(captions, EDGES)).toEqual([
    { at: 100, width: 80, text: "a", start: 100, isLeft: false, lane: 0 },
    { at: 300, width: 80, text: "b", start: 300, isLeft: false, lane: 0 },
  ]);
});

test("the earlier of two that overlap goes up; at the right edge words end at their line", () => {
  const captions = [{ at: 120, width: 200, text: "a" }, { at: 200, width: 50, text: "b" }, {
    at: 490,
    width: 60,
    text: "c",
  }];
  const placed = placeCaptions(captions, EDGES);
  expect(placed.map(({ text, start, lane }) => [text, start, lane])).toEqual([
    ["a", 120, 1],
    ["b", 200, 0],
    ["c", 430, 0],
  ]);
});

test("no words stand over other words", () => {
  const caption = fc.record({
    at: fc.integer({ min: 100, max: 500 }),
    width: fc.integer({ min: 10, max: 300 }),
    text: fc.constant("x"),
  });
  fc.assert(fc.property(fc.array(caption, { maxLength: 12 }), (captions) => {
    const placed = placeCaptions(captions, EDGES);
    for (const [index, one] of placed.entries()) {
      for (const other of placed.slice(index + 1)) {
        if (one.lane === other.lane) {
          expect(one.start + one.width < other.start || other.start + other.width < one.start).toBe(true);
        }
      }
    }
  }));
});
