import { expect, test } from "bun:test";
import { createDisplay } from "./display.ts";
import { line, span } from "./line.ts";
import { jobSet } from "./test_objects.ts";
import type { Snapshot } from "./views.ts";

const SNAPSHOT: Snapshot = { jobSets: [jobSet()], jobs: [], pods: [] };
const CHANGE = [line("JobSet run  ", span("Failed", "bad"))];

function shown(options: { readonly isTTY: boolean; readonly env?: Record<string, string> }): string {
  let text = "";
  const write = (part: string) => text += part;
  const display = createDisplay({ isTTY: options.isTTY, columns: 40, rows: 24, write }, options.env ?? {});
  display.show(SNAPSHOT, CHANGE, 1234);
  display.settle();
  display.show(SNAPSHOT, CHANGE, 5678);
  display.end();
  return text;
}

test("without a terminal each change is a plain line", () => {
  const text = shown({ isTTY: false });
  expect(text).toBe("   1.23 s  JobSet run  Failed\n   5.68 s  JobSet run  Failed\n");
});

test("a terminal gets the picture, then lines, and its cursor back", () => {
  const text = shown({ isTTY: true });
  const [picture = "", rest = ""] = text.split("\x1b[J");
  expect(picture).toContain("└─ ");
  expect(picture).toStartWith("\x1b[?25l");
  expect(rest).toContain("5.68 s");
  expect(text).toEndWith("\x1b[?25h");
});

test("NO_COLOR takes the colours from a terminal, and TERM=dumb all control codes", () => {
  expect(shown({ isTTY: true })).toContain("\x1b[31m");
  expect(shown({ isTTY: true, env: { NO_COLOR: "1" } })).not.toContain("\x1b[31m");
  expect(shown({ isTTY: true, env: { TERM: "dumb" } })).not.toContain("\x1b");
});
