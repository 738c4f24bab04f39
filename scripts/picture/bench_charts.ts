/** The pictures of docs/performance.md, from the results of the benches. Pure. */
import type { Result, ResultFigure } from "../../tests/bench/result.ts";
import type { BarChart, BarGroup, BarTone, ChartBar } from "./bar_chart.ts";

const TONES: Readonly<Record<ResultFigure["verdict"], BarTone>> = { within: "good", noise: "near", over: "bad" };

/** Every figure as a share of its budget: what reaches beyond the line costs more than it may. */
export function budgetChart(results: readonly Result[]): BarChart {
  return {
    title: "Benches against their budgets",
    description: "Each bar is a figure as a share of its budget; a bar that ends before the line keeps to it.",
    groups: results.map(({ bench, figures }, index) => ({
      title: bench,
      bars: figures.map(budgetBar),
      limit: { value: 1, text: index === 0 ? "budget" : "" },
    })),
    footer: footerOf(results),
  };
}

export function scaleChart(scale: Result): BarChart {
  const { series } = scale;
  const limitOf = (name: string) => scale.figures.find((figure) => figure.name === name)?.most;
  return {
    title: "What size costs",
    description:
      "Memory and time to ready of a fresh controller beside 10,000 Jobs; CPU time of a reconcile by its Jobs.",
    groups: [
      seriesGroup("RSS with so many JobSets × Jobs", { ...series["rss_mb"], ...series["rss_mb_placement"] }, {
        unit: "MB",
        limit: limitOf("rss_mb_10k"),
      }),
      seriesGroup("A fresh start until ready, JobSets × Jobs", series["ready_ms"] ?? {}, {
        unit: "ms",
        limit: limitOf("ready_ms"),
      }),
      seriesGroup("CPU time of a reconcile for each of its Jobs", perJob(series["reconcile_us"] ?? {}), { unit: "µs" }),
    ],
    footer: footerOf([scale]),
  };
}

function budgetBar({ name, value, most, least, verdict }: ResultFigure): ChartBar {
  const share = most === undefined ? (least ?? 0) / value : most === 0 ? value : value / most;
  const budget = most === undefined ? `at least ${least ?? 0}` : `at most ${most}`;
  return { label: name, value: share, text: `${value}, ${budget}`, tone: TONES[verdict] };
}

function seriesGroup(
  title: string,
  values: Readonly<Record<string, number>>,
  { unit, limit }: { readonly unit: string; readonly limit?: number | undefined },
): BarGroup {
  return {
    title,
    bars: Object.entries(values).map(([label, value]) => ({ label, value, text: `${value} ${unit}`, tone: "plain" })),
    ...(limit === undefined ? {} : { limit: { value: limit, text: `${limit} ${unit}` } }),
  };
}

function perJob(costs: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(costs).map(([jobs, cost]) => [`${jobs} Jobs`, Number((cost / Number(jobs)).toPrecision(3))]),
  );
}

/** Those of one machine and day are told once. */
function footerOf(results: readonly Result[]): string {
  const lines = results.map(({ date, machine, versions }) =>
    `${date}, ${machine.cores} cores ${machine.cpu}, ${machine.memoryGiB} GiB; Bun ${versions.bun}, ` +
    `Kubernetes ${versions.kubernetes}, etcd ${versions.etcd}`
  );
  return [...new Set(lines)].join(" · ");
}
