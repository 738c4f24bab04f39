/** Lines of text with marks, which become colours on a terminal and nothing elsewhere. */

export type Mark = "plain" | "strong" | "faint" | "good" | "bad" | "busy";

export interface Span {
  readonly text: string;
  readonly mark: Mark;
}

export type Line = readonly Span[];

/** Codes of ANSI terminals (SGR). */
const CODES: Readonly<Record<Mark, string>> = {
  plain: "",
  strong: "1",
  faint: "2",
  good: "32",
  bad: "31",
  busy: "33",
};

export function span(text: string, mark: Mark = "plain"): Span {
  return { text, mark };
}

export function line(...parts: readonly (string | Span)[]): Line {
  return parts.map((part) => typeof part === "string" ? span(part) : part).filter(({ text }) => text !== "");
}

/** The mark that a state of a JobSet, Job or Pod has. */
export function markOf(state: string): Mark {
  if (/^(Fail|Error)/.test(state)) return "bad";
  if (/^(Complete|Succeeded)/.test(state)) return "good";
  if (/^Running(, ready)?$/.test(state)) return "plain";
  return "busy";
}

/** The line as text of at most `columns` characters. */
export function paint(content: Line, options: { readonly colours: boolean; readonly columns?: number }): string {
  let room = options.columns ?? Number.POSITIVE_INFINITY;
  let painted = "";
  const length = content.reduce((sum, { text }) => sum + text.length, 0);
  for (const { text, mark } of content) {
    const shown = length > (options.columns ?? length) && text.length >= room
      ? `${text.slice(0, Math.max(0, room - 1))}…`
      : text;
    painted += options.colours && mark !== "plain" ? `\x1b[${CODES[mark]}m${shown}\x1b[0m` : shown;
    room -= shown.length;
    if (room <= 0) break;
  }
  return painted;
}
