/** Whether figures keep to their budgets, and by how much one may miss its own without that meaning anything. Pure. */
import type { Budget, Outcome } from "./bench.ts";
import { median } from "./statistics.ts";

/** within: as asked for; noise: missed by no more than two measurements of the same differ; over: missed. */
export type Verdict = "within" | "noise" | "over";

export interface Judgement {
  readonly budget: Budget;
  /** As it is printed and judged. */
  readonly text: string;
  readonly value: number;
  /** By how much the figure may be wrong. */
  readonly noise: number;
  readonly verdict: Verdict;
}

/** Of a figure that is measured once, such as memory: what two runs of the same executable differ by. */
const NOISE_SHARE = 0.03;
/** The median's standard error: of a normal distribution's mean 1.253 times that, and the median deviation 1.483 times less. */
const MEDIAN_ERROR = 1.253 * 1.483;
/** Nineteen of twenty medians are no further off than two of their standard errors. */
const ERRORS = 2;

export function judge(budgets: readonly Budget[], outcome: Outcome): readonly Judgement[] {
  return budgets.map((budget) => {
    const value = outcome.figures[budget.name] ?? Number.NaN;
    const text = rounded(budget, value);
    const noise = noiseOf(budget, outcome.samples?.[budget.name]);
    return { budget, text, value, noise, verdict: verdictOf(budget, Number(text), noise) };
  });
}

/** `at most 1.15`, `at least 0.7` */
export function budgetText(budget: Budget): string {
  return "most" in budget ? `at most ${budget.most}` : `at least ${budget.least}`;
}

/** A count of none allowed has no noise: one is one too many. */
function noiseOf(budget: Budget, samples: readonly number[] = []): number {
  const limit = "most" in budget ? budget.most : budget.least;
  if (samples.length < 5) return limit * NOISE_SHARE;
  const middle = median(samples);
  const deviation = median(samples.map((sample) => Math.abs(sample - middle)));
  return ERRORS * MEDIAN_ERROR * deviation / Math.sqrt(samples.length);
}

/** What was not measured at all is over. */
function verdictOf(budget: Budget, value: number, noise: number): Verdict {
  const missedBy = "most" in budget ? value - budget.most : budget.least - value;
  if (missedBy <= 0) return "within";
  return missedBy <= noise ? "noise" : "over";
}

/** Counts and megabytes whole, ratios with two digits: `48`, `1.08`. What must be reached is not rounded up. */
function rounded(budget: Budget, value: number): string {
  const isLeast = "least" in budget;
  if (value >= 10) return String(isLeast ? Math.floor(value) : Math.ceil(value));
  return String(isLeast ? Math.floor(value * 100) / 100 : Number(value.toFixed(2)));
}
