import { expect, test } from "bun:test";
import type { Result } from "../../tests/bench/result.ts";
import { drawBarChart } from "./bar_chart.ts";
import { budgetChart, scaleChart } from "./bench_charts.ts";

const RESULT: Result = {
  bench: "scale",
  about: "",
  date: "2026-01-31",
  commit: "0123456789",
  machine: { cpu: "Processor <1>", cores: 2, memoryGiB: 24 },
  versions: { bun: "1.4.5", kubernetes: "1.36.3", etcd: "3.7.3" },
  figures: [
    { name: "rss_mb_10k", value: 55, most: 110, noise: 1, verdict: "within" },
    { name: "ready_ms", value: 2020, most: 2000, noise: 60, verdict: "noise" },
    { name: "speedup", value: 1, least: 3, noise: 0.1, verdict: "over" },
    { name: "pod_requests", value: 0, most: 0, noise: 0, verdict: "within" },
  ],
  series: { rss_mb: { "10 × 1000": 72.5 }, ready_ms: { "10 × 1000": 900 }, reconcile_us: { 10: 20, 1000: 330 } },
  faults: [],
};

/** The widths of the bars of each tone. */
function widths(svg: string, tone: string): readonly number[] {
  return [...svg.matchAll(new RegExp(`<rect class="${tone}"[^>]* width="([\\d.]+)"`, "g"))].map(([, width]) =>
    Number(width)
  );
}

function limitX(svg: string): number {
  return Number(/<path class="m" d="M([\d.]+) /.exec(svg)?.[1]);
}

test("a bar is as long as its share of the budget, and red beyond the line", () => {
  const svg = drawBarChart(budgetChart([RESULT]));
  const whole = limitX(svg) - 210;
  expect(widths(svg, "good")[0]).toBeCloseTo(whole / 2, 0);
  expect(widths(svg, "near")[0]).toBeCloseTo(whole * 1.01, 0);
  // Three times what it may take: cut where the picture ends.
  expect(widths(svg, "bad")[0]).toBeCloseTo(whole * 2, 0);
  expect(svg).toContain(">1, at least 3<");
});

test("a count of none has a bar of no length", () => {
  expect(widths(drawBarChart(budgetChart([RESULT])), "good")[1]).toBe(1);
});

test("the picture of the scale bench has a bar for each value, with its unit, and the machine below", () => {
  const svg = drawBarChart(scaleChart(RESULT));
  expect(widths(svg, "plain")).toHaveLength(4);
  for (const text of ["72.5 MB", "900 ms", "2 µs", "0.33 µs"]) expect(svg).toContain(`>${text}<`);
  expect(svg).toContain("2 cores Processor &lt;1&gt;");
});

test("it is drawn for light and for dark, and asks nobody for anything", () => {
  const svg = drawBarChart(budgetChart([RESULT]));
  expect(svg).toContain("prefers-color-scheme:dark");
  expect(svg.replace("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|<script|url\(/);
});
