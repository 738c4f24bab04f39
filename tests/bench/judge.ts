/** Whether figures keep to their budgets, and by how much one may miss its own without that meaning anything. Pure. */
import type { Budget, Outcome } from "./bench.ts";
import { median } from "./statistics.ts";

/** within: as asked for; noise: missed by no more than two measurements of the same differ; over: missed. */
export type Verdict = "within" | "noise" | "over";

export interface Judgement {
  readonly budget: Budget;
  /** As it is printed: rounded, but never onto the other side of its budget. */
  readonly text: string;
  /** As it is judged. */
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
/**
 * Of the budget: a median may miss by no more, however far its rounds are apart. Rounds of a machine so unsteady say
 * little, and so must not excuse anything: a quieter run has to tell.
 */
const MOST_NOISE_SHARE = 0.1;
/** Behind the point. */
const RATIO_DIGITS = 2;
const MOST_DIGITS = 6;

export function judge(budgets: readonly Budget[], outcome: Outcome): readonly Judgement[] {
  return budgets.map((budget) => {
    const value = outcome.figures[budget.name] ?? Number.NaN;
    const noise = noiseOf(budget, outcome.samples?.[budget.name]);
    return { budget, text: rounded(budget, value), value, noise, verdict: verdictOf(budget, value, noise) };
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
  return Math.min(ERRORS * MEDIAN_ERROR * deviation / Math.sqrt(samples.length), limit * MOST_NOISE_SHARE);
}

/** What was not measured at all is over. */
function verdictOf(budget: Budget, value: number, noise: number): Verdict {
  if (isKept(budget, value)) return "within";
  const missedBy = "most" in budget ? value - budget.most : budget.least - value;
  return missedBy <= noise ? "noise" : "over";
}

function isKept(budget: Budget, value: number): boolean {
  return "most" in budget ? value <= budget.most : value >= budget.least;
}

/** Counts and megabytes whole, ratios with two digits: `48`, `1.08`; more where those would hide a miss: `1.055`. */
function rounded(budget: Budget, value: number): string {
  for (let digits = value >= 10 ? 0 : RATIO_DIGITS; digits <= MOST_DIGITS; digits++) {
    const short = Number(value.toFixed(digits));
    if (isKept(budget, short) === isKept(budget, value)) return String(short);
  }
  return String(value);
}
