import { expect, test } from "bun:test";
import { FakeClock } from "./fake_clock.ts";
import { lineSink } from "./line_sink.ts";

/** A sink whose reader reads only when told to. */
function slowReader() {
  const clock = new FakeClock();
  const written: string[] = [];
  let pending: PromiseWithResolvers<number> | undefined;
  let isSlow = true;
  const sink = lineSink({
    write: (text) => written.push(text),
    flush: () => isSlow ? (pending ??= Promise.withResolvers<number>()).promise : 0,
  }, clock);
  const read = async () => {
    const { resolve } = pending ?? {};
    pending = undefined;
    resolve?.(1);
    await clock.advanceAndSettle(0);
  };
  return { clock, sink, written, read, catchUp: () => void (isSlow = false) };
}

test("lines go out in order", () => {
  const written: string[] = [];
  const sink = lineSink({ write: (text) => written.push(text), flush: () => 0 }, new FakeClock());
  sink.write("a\n");
  sink.write("b\n");
  expect(written).toEqual(["a\n", "b\n"]);
});

test("what a reader does not read is held up to a limit, the rest is dropped and counted", async () => {
  const { sink, written, read, catchUp } = slowReader();
  const line = "x".repeat(1 << 18);
  for (let count = 0; count < 8; count++) sink.write(line);
  expect(written.length).toBe(5);
  catchUp();
  await read();
  sink.write("after\n");
  expect(written.slice(5)).toEqual(["(3 lines lost here: nobody read them in time)\n", "after\n"]);
});

test("draining waits for the reader, but not for ever", async () => {
  const { clock, sink, read, catchUp } = slowReader();
  const ended: string[] = [];
  await sink.drain(1000);
  sink.write("a\n");
  sink.drain(1000).then(() => ended.push("late"));
  await clock.advanceAndSettle(999);
  expect(ended).toEqual([]);
  await clock.advanceAndSettle(1);
  expect(ended).toEqual(["late"]);
  sink.drain(1000).then(() => ended.push("read"));
  catchUp();
  await read();
  expect(ended).toEqual(["late", "read"]);
  expect(clock.timerCount).toBe(0);
});

test("a reader that has gone is no failure", () => {
  const sink = lineSink({
    write() {},
    flush() {
      throw new Error("EPIPE");
    },
  }, new FakeClock());
  expect(() => sink.write("a\n")).not.toThrow();
});
