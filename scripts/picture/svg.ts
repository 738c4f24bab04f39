/** Draws a picture of rows in time as SVG. Pure. */
import { placeCaptions } from "./captions.ts";
import type { Bar, LegendEntry, Mark, MarkKind, Panel, Picture, Row } from "./picture.ts";
import { drawSheet, type Style } from "./sheet.ts";
import { escapeText, roundPixel } from "./svg_text.ts";

const WIDTH = 920;
const MARGIN = 16;
const LABELS = 152;
const LEFT = MARGIN + LABELS;
const RIGHT = WIDTH - MARGIN - 8;
const ROW = 22;
const BAR = 14;
const LINE = 15;
const TITLE = 24;
const GAP = 14;
/** Of the small font, on average. */
const CHARACTER = 6.1;
/** About so many numbers on the axis. */
const TICKS = 12;

const STYLE: Style = {
  light: `
.a{stroke:#d0d7de}.waiting{fill:none;stroke:#8c959f;stroke-dasharray:2 2}
.starting{fill:#b6d4fb}.running{fill:#2f72d0}.ending{fill:#afb8c1}
.first{fill:#2f72d0}.second{fill:#1a7f5a}.third{fill:#9a5b00}
.c{paint-order:stroke;stroke:#fff;stroke-width:4px}.b{fill:#fff}.d{fill:#1f2328}
.failure{stroke:#cf222e;stroke-width:2.5;fill:none}.lifted{fill:#1a7f37}.deleted{stroke:#1f2328;stroke-width:2}
`.replaceAll("\n", ""),
  dark: `
.a{stroke:#30363d}.c{stroke:#0d1117}.waiting{stroke:#768390}.starting{fill:#1f3f66}
.running,.first{fill:#3f82e0}.ending{fill:#4b535d}.second{fill:#238a63}.third{fill:#b0721a}
.d{fill:#e6edf3}.failure{stroke:#ff7b72}.lifted{fill:#4ac26b}.deleted{stroke:#e6edf3}
`.replaceAll("\n", ""),
};

export function drawSvg(picture: Picture): string {
  const x = (ms: number) => roundPixel(LEFT + (RIGHT - LEFT) * Math.min(1, Math.max(0, ms / picture.durationMs)));
  const body: string[] = [];
  let y = MARGIN;
  for (const panel of picture.panels) {
    const drawn = drawPanel(panel, { x, top: y, durationMs: picture.durationMs });
    body.push(...drawn.parts);
    y = drawn.bottom + GAP;
  }
  body.push(...axisNumbers(picture.durationMs, x, y));
  y += LINE + 10;
  const legend = drawLegend(picture.legend.filter((entry) => isUsed(entry, picture)), y);
  body.push(...legend.parts);
  const height = legend.bottom + MARGIN - 4;
  const { title, description } = picture;
  return drawSheet({ title, description, width: WIDTH, height, style: STYLE, body });
}

interface Place {
  readonly x: (ms: number) => number;
  readonly top: number;
  readonly durationMs: number;
}

interface Drawn {
  readonly parts: readonly string[];
  readonly bottom: number;
}

/** Title, captions of the moments, rows; behind the rows the lines of axis and moments. */
function drawPanel({ title, rows, moments }: Panel, { x, top, durationMs }: Place): Drawn {
  const captions = placeCaptions(
    moments.map(({ atMs, text }) => ({ at: x(atMs), width: text.length * CHARACTER, text })),
    {
      left: LEFT,
      right: RIGHT,
    },
  );
  const lanes = Math.max(0, ...captions.map(({ lane }) => lane + 1));
  const titleHeight = title === "" ? 0 : TITLE;
  const rowsTop = top + titleHeight + lanes * LINE + (lanes > 0 ? 4 : 0);
  const bottom = rowsTop + rows.length * ROW;
  const laneY = (lane: number) => top + titleHeight + (lanes - lane) * LINE - 4;
  return {
    bottom,
    parts: [
      ...(title === "" ? [] : [`<text class="t h" x="${MARGIN}" y="${top + 13}">${escapeText(title)}</text>`]),
      ...ticks(durationMs).map((ms) => line("a", [x(ms), rowsTop, x(ms), bottom])),
      ...captions.map(({ at, lane }) => line("m", [at, laneY(lane) + 3, at, bottom])),
      ...captions.map(({ at, start, isLeft, lane, text }) => {
        const place = isLeft ? `x="${at}" text-anchor="end"` : `x="${roundPixel(start)}"`;
        return `<text class="t c" ${place} y="${laneY(lane)}">${escapeText(text)}</text>`;
      }),
      ...rows.flatMap((row, index) => drawRow(row, x, rowsTop + index * ROW)),
    ],
  };
}

function drawRow({ label, bars, marks }: Row, x: Place["x"], top: number): readonly string[] {
  return [
    `<text class="t" x="${LEFT - 8}" y="${top + 15}" text-anchor="end">${escapeText(label)}</text>`,
    ...bars.flatMap((bar) => drawBar(bar, x, top + (ROW - BAR) / 2)),
    ...marks.map((mark) => drawMark(mark.kind, x(mark.atMs), top + ROW / 2)),
  ];
}

function drawBar({ fromMs, toMs, tone, text }: Bar, x: Place["x"], top: number): readonly string[] {
  const left = x(fromMs);
  const width = roundPixel(Math.max(1, x(toMs) - left));
  const rect = `<rect class="${tone}" x="${left}" y="${top}" width="${width}" height="${BAR}" rx="2"/>`;
  if (text === undefined || text.length * CHARACTER + 8 > width) return [rect];
  const ink = tone === "waiting" || tone === "starting" || tone === "ending" ? "d" : "b";
  return [rect, `<text class="${ink}" x="${roundPixel(left + 5)}" y="${top + 11}">${escapeText(text)}</text>`];
}

function drawMark(kind: Mark["kind"], x: number, y: number): string {
  switch (kind) {
    case "failure":
      return `<path class="failure" d="M${roundPixel(x - 5)} ${y - 5}l10 10m0-10l-10 10"/>`;
    case "lifted":
      return `<path class="lifted" d="M${roundPixel(x - 5)} ${y + 5}l5-10 5 10z"/>`;
    case "deleted":
      return line("deleted", [x, y - 9, x, y + 9]);
  }
}

/** What did not happen in this run needs no explanation. */
function isUsed(entry: LegendEntry, { panels }: Picture): boolean {
  const rows = panels.flatMap((panel) => panel.rows);
  return "tone" in entry
    ? rows.some(({ bars }) => bars.some(({ tone }) => tone === entry.tone))
    : rows.some(({ marks }) => marks.some(({ kind }) => kind === entry.mark));
}

function drawLegend(entries: readonly LegendEntry[], top: number): Drawn {
  const parts: string[] = [];
  let left = LEFT;
  let y = top;
  for (const entry of entries) {
    const width = 22 + entry.text.length * CHARACTER + 18;
    if (left + width > RIGHT && left > LEFT) {
      left = LEFT;
      y += ROW;
    }
    parts.push(
      "tone" in entry
        ? `<rect class="${entry.tone}" x="${roundPixel(left)}" y="${y}" width="16" height="${BAR - 2}" rx="2"/>`
        : drawMark(entry.mark satisfies MarkKind, roundPixel(left + 8), y + 6),
      `<text class="f" x="${roundPixel(left + 22)}" y="${y + 10}">${escapeText(entry.text)}</text>`,
    );
    left += width;
  }
  return { parts, bottom: y + BAR };
}

function axisNumbers(durationMs: number, x: Place["x"], top: number): readonly string[] {
  return ticks(durationMs).map((ms) =>
    `<text class="f" x="${x(ms)}" y="${top + 4}" text-anchor="middle">${roundPixel(ms / 1000)} s</text>`
  );
}

/** Steps of 1, 2 or 5 times a power of ten, in milliseconds. */
function ticks(durationMs: number): readonly number[] {
  const rough = durationMs / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  return Array.from({ length: Math.floor(durationMs / step) + 1 }, (_, index) => index * step);
}

function line(style: string, [x1, y1, x2, y2]: readonly [number, number, number, number]): string {
  return `<path class="${style}" d="M${x1} ${y1}${x1 === x2 ? `V${y2}` : `L${x2} ${y2}`}"/>`;
}
