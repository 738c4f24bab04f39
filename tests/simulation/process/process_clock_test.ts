import { expect, test } from "bun:test";
import { ProcessClock, ProcessLife } from "./process_clock.ts";
import { Timeline } from "../timeline.ts";

function process() {
  const timeline = new Timeline();
  const life = new ProcessLife(timeline);
  const said: string[] = [];
  const say = (word: string) => () => void said.push(`${word}@${timeline.nowMs}`);
  const run = () => {
    for (let due = timeline.next(); due !== undefined; due = timeline.next()) due.fire();
    return said;
  };
  return { timeline, life, say, run };
}

test("a process that stands still does what fell due meanwhile when it goes on, in its order", () => {
  const { life, say, run } = process();
  life.after(1, "a", say("a"));
  life.after(3, "b", say("b"));
  life.after(2, "c", say("c"));
  life.after(20, "d", say("d"));
  life.pause(10);
  expect(run()).toEqual(["a@10", "c@10", "b@10", "d@20"]);
  expect(life.planned).toBe(0);
});

test("what is called off or outlives its process does not happen, and is not counted any more", () => {
  const { life, say, run } = process();
  const off = life.after(1, "off", say("off"));
  life.after(2, "end", () => life.end());
  life.after(3, "late", say("late"));
  expect(life.planned).toBe(3);
  off.cancel();
  off.cancel();
  expect(life.planned).toBe(2);
  expect(run()).toEqual([]);
  expect(life.planned).toBe(0);
});

test("a wall clock that is set leaves the monotonic one and the timers alone", () => {
  const { timeline, life, say, run } = process();
  let startMs = 1_000;
  const clock = new ProcessClock(timeline, life, () => startMs);
  clock.after(5, say("timer"));
  startMs = 500;
  expect(run()).toEqual(["timer@5"]);
  expect([clock.now(), clock.monotonic()]).toEqual([505, 5]);
});
