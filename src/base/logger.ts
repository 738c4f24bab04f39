import type { Clock } from "./clock.ts";
import type { Log, LogFields } from "./log.ts";

export interface LoggerOptions {
  readonly clock: Clock;
  /** What is logged: entries up to this verbosity; below zero errors only. */
  readonly verbosity: number;
  /** Takes one whole line, its line break included. */
  readonly write: (line: string) => void;
}

/** Line breaks, terminal controls and the separators that some readers take for line breaks. */
// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** What a value may hold to stand without quotes. */
const PLAIN = /^[^\s"=\\]+$/;

/**
 * The log as console lines: `2026-01-02T03:04:05.678Z INFO message key=value other="two words"`.
 * Any text comes out as it is, but line breaks and controls are escaped, so that one entry is one line (R62).
 */
export function createLogger({ clock, verbosity, write }: LoggerOptions): Log {
  const entry = (level: string, message: string, fields: LogFields | undefined) => {
    let line = `${new Date(clock.now()).toISOString()} ${level} ${escapeControls(message)}`;
    for (const [key, value] of Object.entries(fields ?? {})) {
      if (value !== undefined) line += ` ${key}=${formatValue(value)}`;
    }
    write(`${line}\n`);
  };
  return {
    info(level, message, fields) {
      if (level <= verbosity) entry("INFO", message, fields);
    },
    error(message, fields) {
      entry("ERROR", message, fields);
    },
  };
}

/** The text on one line: controls become `\n`, `\t` or `\u001b`, everything else stays. */
export function escapeControls(text: string): string {
  // Most texts need no regular expression, whose machinery costs the agent half a megabyte of memory.
  if (isAscii(text, " ", "")) return text;
  return text.replace(CONTROLS, (control) => {
    const short = JSON.stringify(control).slice(1, -1);
    return short.length > 1 ? short : `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function formatValue(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  if (value !== "" && isAscii(value, "!", '"=\\')) return value;
  const text = escapeControls(value);
  return PLAIN.test(value) && text === value ? value : escapeControls(JSON.stringify(value));
}

/** Whether all of it lies between `first` and "~", and is none of `but`. */
function isAscii(text: string, first: string, but: string): boolean {
  for (const char of text) if (char < first || char > "~" || but.includes(char)) return false;
  return true;
}
