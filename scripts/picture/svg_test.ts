import { describe, expect, test } from "bun:test";
import type { Picture } from "./picture.ts";
import { drawSvg } from "./svg.ts";

const PICTURE: Picture = {
  title: "Who & when",
  description: "Two <rows>",
  panels: [{
    title: "one",
    rows: [
      { label: "train-w-0", bars: [{ fromMs: 0, toMs: 5000, tone: "running", text: "attempt 0" }], marks: [] },
      {
        label: "train-w-1",
        bars: [{ fromMs: 0, toMs: 200, tone: "starting", text: "attempt 0" }],
        marks: [
          { atMs: 200, kind: "failure" },
        ],
      },
    ],
    moments: [{ atMs: 200, text: 'says "no"' }],
  }],
  legend: [{ tone: "running", text: "runs" }, { mark: "failure", text: "failed" }],
  durationMs: 10_000,
};

/** Every `<name …>` and `</name>`, to see that what is opened is closed. */
function unclosed(svg: string): readonly string[] {
  const open: string[] = [];
  for (const [, slash, name = "", , self] of svg.matchAll(/<(\/?)([a-z]+)((?:\s[^<>]*?)?)(\/?)>/g)) {
    if (slash === "/") expect(open.pop()).toBe(name);
    else if (self !== "/") open.push(name);
  }
  return open;
}

describe("an SVG", () => {
  const svg = drawSvg(PICTURE);

  test("is well formed, and small", () => {
    expect(unclosed(svg)).toEqual([]);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(svg.length).toBeLessThan(5000);
  });

  test("has title and description for those who do not see it, with what XML would take for marks written out", () => {
    expect(svg).toContain('role="img" aria-labelledby="title desc"');
    expect(svg).toContain('<title id="title">Who &amp; when</title>');
    expect(svg).toContain('<desc id="desc">Two &lt;rows&gt;</desc>');
    expect(svg).toContain("says &quot;no&quot;</text>");
  });

  test("needs nothing from outside and has colours for light and dark", () => {
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/http|url\(|<script|<image|href/);
    expect(svg).toContain("@media (prefers-color-scheme:dark)");
    expect(svg).toContain('<rect class="g"');
  });

  test("draws bars to scale, with their words where there is room", () => {
    const bars = [
      ...svg.matchAll(/<rect class="(running|starting)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="14"/g),
    ];
    const [running = [], starting = []] = bars;
    expect(Number(running[3]) / Number(starting[3])).toBeCloseTo(25, 0);
    expect(svg.match(/>attempt 0</g)).toHaveLength(1);
  });

  test("marks the failure and draws the moment's line through all rows", () => {
    expect(svg.match(/class="failure"/g)).toHaveLength(2); // one in the legend
    expect(svg).toMatch(/<path class="m" d="M[\d.]+ [\d.]+V[\d.]+"\/>/);
  });
});
