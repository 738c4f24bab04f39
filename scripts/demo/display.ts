/** What the onlooker sees: on a terminal a picture that is redrawn in place, elsewhere a line for each change. */
import { type Line, line, paint, span } from "./line.ts";
import { seconds } from "./timeline.ts";
import { treeLines } from "./tree.ts";
import type { Snapshot } from "./views.ts";

export interface Display {
  /** A line for good. */
  say(content: Line | string): void;
  /** What stands now, and what changed since the last call; `ms` after the start. */
  show(snapshot: Snapshot, changes: readonly Line[], ms: number): void;
  /** The picture stays as it is; further changes come as lines. */
  settle(): void;
  /** Leaves the terminal as it was. */
  end(): void;
}

/** What of `process.stdout` a display needs. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on?(event: "resize", listener: () => void): unknown;
}

const FRAME_MS = 80;
const RECENT = 5;
/** Of the last picture, which may be higher than the terminal. */
const MOST_LINES_AT_THE_END = 100;
/** Below this a picture makes no sense. */
const LEAST_ROWS = 12;
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const CLEAR_ALL = "\x1b[2J\x1b[H";
const CLEAR_BELOW = "\x1b[J";
const CLEAR_LINE_END = "\x1b[K";

export function createDisplay(terminal: Terminal, env: Readonly<Record<string, string | undefined>>): Display {
  const isTerminal = terminal.isTTY === true && env["TERM"] !== "dumb";
  if (!isTerminal) return new LineDisplay(terminal, false);
  const colours = (env["NO_COLOR"] ?? "") === "";
  return (terminal.rows ?? 24) < LEAST_ROWS ? new LineDisplay(terminal, colours) : new LiveDisplay(terminal, colours);
}

class LineDisplay implements Display {
  readonly #terminal: Terminal;
  readonly #colours: boolean;

  constructor(terminal: Terminal, colours: boolean) {
    this.#terminal = terminal;
    this.#colours = colours;
  }

  say(content: Line | string): void {
    const text = typeof content === "string" ? content : paint(content, { colours: this.#colours });
    this.#terminal.write(`${text}\n`);
  }

  show(_snapshot: Snapshot, changes: readonly Line[], ms: number): void {
    for (const change of changes) this.say(timed(change, ms));
  }

  settle(): void {}

  end(): void {}
}

class LiveDisplay implements Display {
  readonly #terminal: Terminal;
  readonly #lines: LineDisplay;
  readonly #colours: boolean;
  #snapshot: Snapshot = { jobSets: [], jobs: [], pods: [] };
  #recent: readonly Line[] = [];
  #drawnLines = 0;
  #ms = 0;
  #isSettled = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(terminal: Terminal, colours: boolean) {
    this.#terminal = terminal;
    this.#colours = colours;
    this.#lines = new LineDisplay(terminal, colours);
    terminal.on?.("resize", () => this.#resize());
  }

  say(content: Line | string): void {
    this.#lines.say(content);
  }

  show(snapshot: Snapshot, changes: readonly Line[], ms: number): void {
    if (this.#isSettled) return this.#lines.show(snapshot, changes, ms);
    this.#snapshot = snapshot;
    this.#ms = ms;
    this.#recent = [...this.#recent, ...changes.map((change) => timed(change, ms))].slice(-RECENT);
    this.#timer ??= setTimeout(() => this.#draw(this.#picture()), FRAME_MS);
  }

  settle(): void {
    if (this.#isSettled) return;
    this.#draw(treeLines(this.#snapshot, MOST_LINES_AT_THE_END));
    this.end();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#isSettled = true;
    this.#terminal.write(SHOW_CURSOR);
  }

  /** Writes the picture over the one before, in one go so that nothing flickers. */
  #draw(lines: readonly Line[]): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { columns = 80 } = this.#terminal;
    const painted = lines.map((entry) => paint(entry, { colours: this.#colours, columns }));
    const text = painted.map((entry) => `${entry}${CLEAR_LINE_END}\n`).join("");
    const up = this.#drawnLines === 0 ? "" : `\x1b[${this.#drawnLines}A\r`;
    this.#terminal.write(`${HIDE_CURSOR}${up}${text}${CLEAR_BELOW}`);
    this.#drawnLines = lines.length;
  }

  /** The tree, and what happened lately, in less lines than the terminal has. */
  #picture(): readonly Line[] {
    const tree = treeLines(this.#snapshot, (this.#terminal.rows ?? 24) - RECENT - 4);
    const title = line(span(`Lately (now ${(this.#ms / 1000).toFixed(1)} s):`, "faint"));
    return [...tree, line(), title, ...this.#recent];
  }

  /** Lines that the terminal has wrapped anew can't be found again: the picture starts at the top. */
  #resize(): void {
    if (this.#isSettled || this.#drawnLines === 0) return;
    this.#terminal.write(CLEAR_ALL);
    this.#drawnLines = 0;
    this.#draw(this.#picture());
  }
}

function timed(change: Line, ms: number): Line {
  return line(span(seconds(ms).padStart(9), "faint"), "  ", ...change);
}
