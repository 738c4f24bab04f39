import { expect, test } from "bun:test";
import fc from "fast-check";
import { FakeClock } from "./fake_clock.ts";
import { createLogger } from "./logger.ts";

function start(verbosity: number) {
  const lines: string[] = [];
  const clock = new FakeClock(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
  return { lines, log: createLogger({ clock, verbosity, write: (line) => lines.push(line) }) };
}

test("an entry is one line of time, level, message, keys and values", () => {
  const { lines, log } = start(0);
  log.info(0, "Created Job", {
    object: "ns/a",
    count: 3,
    done: true,
    nothing: undefined,
    note: "two words",
    empty: "",
  });
  log.error("Write failed", { error: 'name "x" is taken' });
  expect(lines).toEqual([
    '2026-01-02T03:04:05.678Z INFO Created Job object=ns/a count=3 done=true note="two words" empty=""\n',
    '2026-01-02T03:04:05.678Z ERROR Write failed error="name \\"x\\" is taken"\n',
  ]);
});

test("entries above the verbosity are left out, errors never", () => {
  const { lines, log } = start(2);
  log.info(2, "two");
  log.info(3, "three");
  const quiet = start(-1);
  quiet.log.info(0, "zero");
  quiet.log.error("bad");
  expect(lines.length).toBe(1);
  expect(quiet.lines.length).toBe(1);
});

test("percent signs stay as they are and line breaks are escaped (R62)", () => {
  const { lines, log } = start(0);
  log.info(0, "100%d of\nit", { text: "50%s\r\nrest\u001b[31m\u2028", percent: "%v" });
  expect(lines).toEqual([
    '2026-01-02T03:04:05.678Z INFO 100%d of\\nit text="50%s\\r\\nrest\\u001b[31m\\u2028" percent=%v\n',
  ]);
});

test("any text is one line, and a quoted value is read back as it was", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const { lines, log } = start(0);
    log.info(0, text, { value: text });
    // deno-lint-ignore no-control-regex
    expect(/^[^\u0000-\u001f\u0085\u2028\u2029]*\n$/.test(lines.join(""))).toBe(true);
    const value = lines[0]?.slice(lines[0].lastIndexOf(" value=") + 7, -1) ?? "";
    if (!text.includes(" value=")) expect(value.startsWith('"') ? JSON.parse(value) : value).toBe(text);
  }));
});
