import { expect, test } from "bun:test";
import { failOnUncaught, stopOnSignals } from "./process_events.ts";

function fakeProcess() {
  const listeners = new Map<string, (cause: unknown) => void>();
  const exits: number[] = [];
  const written: string[] = [];
  return {
    exits,
    written,
    emit: (event: string, cause?: unknown) => listeners.get(event)?.(cause),
    on: (event: string, listener: (cause: unknown) => void) => listeners.set(event, listener),
    exit: (code: number) => void exits.push(code),
    stderr: { write: (text: string) => written.push(text) },
  };
}

test("the first SIGTERM or SIGINT stops, the second ends the process at once", () => {
  for (const [first, second, code] of [["SIGTERM", "SIGTERM", 143], ["SIGTERM", "SIGINT", 130]] as const) {
    const target = fakeProcess();
    const signal = stopOnSignals(target);
    expect(signal.aborted).toBe(false);
    target.emit(first);
    expect(signal.aborted).toBe(true);
    expect(target.exits).toEqual([]);
    target.emit(second);
    expect(target.exits).toEqual([code]);
  }
});

test("an error that nobody caught is one line and exit code 1", () => {
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    const target = fakeProcess();
    failOnUncaught(target);
    target.emit(event, new RangeError("100% of\nall"));
    expect(target.exits).toEqual([1]);
    expect(target.written.join("")).toMatch(/^error: unexpected RangeError: 100% of\\nall \(at .+\)\n$/);
  }
  const target = fakeProcess();
  failOnUncaught(target);
  target.emit("unhandledRejection", "text");
  expect(target.written).toEqual(["error: unexpected text\n"]);
});
