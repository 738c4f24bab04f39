/** Draws rows of horizontal bars as SVG, in groups. Pure. */
import { drawSheet, type Style } from "./sheet.ts";
import { escapeText, roundPixel } from "./svg_text.ts";

/** good: as asked for; near: missed by no more than noise; bad: missed; plain: nothing is asked for. */
export type BarTone = "good" | "near" | "bad" | "plain";

export interface ChartBar {
  readonly label: string;
  readonly value: number;
  /** Stands behind the bar. */
  readonly text: string;
  readonly tone: BarTone;
}

export interface BarGroup {
  readonly title: string;
  readonly bars: readonly ChartBar[];
  /** A line across all bars of the group. */
  readonly limit?: { readonly value: number; readonly text: string };
}

export interface BarChart {
  /** For those who do not see the picture, and for search. */
  readonly title: string;
  readonly description: string;
  readonly groups: readonly BarGroup[];
  /** Below the bars, in small. */
  readonly footer: string;
}

const WIDTH = 920;
const MARGIN = 16;
const LEFT = 210;
/** Behind the longest bar there is room for its words. */
const RIGHT = WIDTH - 240;
const TITLE = 26;
const ROW = 22;
const BAR = 14;
const GAP = 10;
const FOOTER = 20;
/** What is far over its limit does not make all others invisible. */
const MOST_LIMITS = 2;

const STYLE: Style = {
  light: ".good{fill:#1a7f5a}.near{fill:#bf8700}.bad{fill:#cf222e}.plain{fill:#2f72d0}",
  dark: ".good{fill:#238a63}.near{fill:#d29922}.bad{fill:#f85149}.plain{fill:#3f82e0}",
};

export function drawBarChart({ title, description, groups, footer }: BarChart): string {
  const body: string[] = [];
  let y = MARGIN;
  for (const group of groups) {
    body.push(...drawGroup(group, y));
    y += TITLE + group.bars.length * ROW + GAP;
  }
  body.push(`<text class="f" x="${MARGIN}" y="${y + FOOTER - 8}">${escapeText(footer)}</text>`);
  const height = y + FOOTER;
  return drawSheet({ title, description, width: WIDTH, height, style: STYLE, body });
}

function drawGroup({ title, bars, limit }: BarGroup, top: number): readonly string[] {
  const largest = Math.max(limit?.value ?? 0, ...bars.map(({ value }) => value));
  const end = limit === undefined ? largest : Math.min(largest, MOST_LIMITS * limit.value);
  const widthOf = (value: number) => roundPixel((RIGHT - LEFT) * Math.min(1, end === 0 ? 0 : value / end));
  const rowsTop = top + TITLE;
  const parts = [`<text class="t h" x="${MARGIN}" y="${top + 15}">${escapeText(title)}</text>`];
  for (const [index, { label, value, text, tone }] of bars.entries()) {
    const y = rowsTop + index * ROW;
    const width = Math.max(1, widthOf(value));
    parts.push(
      `<text class="t" x="${LEFT - 8}" y="${y + 15}" text-anchor="end">${escapeText(label)}</text>`,
      `<rect class="${tone}" x="${LEFT}" y="${y + (ROW - BAR) / 2}" width="${width}" height="${BAR}" rx="2"/>`,
      `<text class="f" x="${roundPixel(LEFT + width + 6)}" y="${y + 15}">${escapeText(text)}</text>`,
    );
  }
  if (limit === undefined) return parts;
  const x = LEFT + widthOf(limit.value);
  return [
    ...parts,
    `<path class="m" d="M${x} ${rowsTop - 4}V${rowsTop + bars.length * ROW}"/>`,
    `<text class="f" x="${x}" y="${rowsTop - 8}" text-anchor="middle">${escapeText(limit.text)}</text>`,
  ];
}
