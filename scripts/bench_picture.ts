/** Draws docs/bench/*.svg from the results that `npm run bench -- --save` left in docs/bench/*.json. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BENCHES } from "../tests/bench/benches.ts";
import type { Result } from "../tests/bench/result.ts";
import { type BarChart, drawBarChart } from "./picture/bar_chart.ts";
import { budgetChart, scaleChart } from "./picture/bench_charts.ts";

const FOLDER = join(import.meta.dir, "..", "docs", "bench");

export function drawBenches(say: (line: string) => void): void {
  const results = BENCHES.flatMap(({ name }) => readResult(name));
  if (results.length === 0) throw new Error("there are no results in docs/bench: run `npm run bench -- --save` first");
  const scale = results.find(({ bench }) => bench === "scale");
  write("budgets", budgetChart(results), say);
  if (scale !== undefined) write("scale", scaleChart(scale), say);
}

/** Its author is result.ts, so that the shape is known. */
function readResult(name: string): readonly Result[] {
  const file = join(FOLDER, `${name}.json`);
  return existsSync(file) ? [JSON.parse(readFileSync(file, "utf8")) as Result] : [];
}

function write(name: string, chart: BarChart, say: (line: string) => void): void {
  const text = drawBarChart(chart);
  writeFileSync(join(FOLDER, `${name}.svg`), text);
  say(`docs/bench/${name}.svg: ${(text.length / 1024).toFixed(1)} KB, ${chart.description}`);
}
