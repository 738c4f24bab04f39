import { expect, test } from "bun:test";
import { failOnUncaught, stopOnSignals } from "./process_events.ts";

function fakeProcess() {
  const listeners = new Map<string, (cause: unknown) => void>();
  return {
    emit: (event: string, cause?: unknown) => listeners.get(event)?.(cause),
    on: (event: string, listener: (cause: unknown) => void) => listeners.set(event, listener),
  };
}

test("the first SIGTERM or SIGINT stops, the second ends the process at once", () => {
  for (const [first, second, code] of [["SIGTERM", "SIGTERM", 143], ["SIGTERM", "SIGINT", 130]] as const) {
    const target = fakeProcess();
    const exits: number[] = [];
    const signal = stopOnSignals(target, (exitCode) => exits.push(exitCode));
    expect(signal.aborted).toBe(false);
    target.emit(first);
    expect(signal.aborted).toBe(true);
    expect(exits).toEqual([]);
    target.emit(second);
    expect(exits).toEqual([code]);
  }
});

test("an error that nobody caught is one line", () => {
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    const target = fakeProcess();
    const lines: string[] = [];
    failOnUncaught(target, (line) => lines.push(line));
    target.emit(event, new RangeError("100% of\nall"));
    target.emit(event, "text");
    expect(lines[0]).toMatch(/^error: unexpected RangeError: 100% of\\nall \(at .+\)\n$/);
    expect(lines[1]).toBe("error: unexpected text\n");
  }
});
