import { escapeControls } from "../base/logger.ts";

/** The message of an error that a command ended with, on one line; programming errors also say where. */
export function describeError(cause: unknown): string {
  if (cause instanceof TypeError || cause instanceof RangeError || cause instanceof ReferenceError) {
    return describeUnexpected(cause);
  }
  return escapeControls(cause instanceof Error && cause.message !== "" ? cause.message : String(cause));
}

/** An error that nobody foresaw, on one line: its kind, its message and the first place of its stack. */
export function describeUnexpected(cause: unknown): string {
  if (!(cause instanceof Error)) return escapeControls(`unexpected ${String(cause)}`);
  const place = cause.stack?.split("\n").map((line) => line.trim()).find((line) => line.startsWith("at "));
  const where = place === undefined ? "" : ` (${place})`;
  return escapeControls(`unexpected ${cause.name}: ${cause.message}${where}`);
}
