import { headOf, type Labels, type MetricDescription, printed, SeriesMap } from "./series.ts";

interface Distribution {
  /** The lines of the buckets, then of the sum and of the count, up to their values. */
  readonly prefixes: readonly string[];
  readonly sumPrefix: string;
  readonly countPrefix: string;
  /** Observations of each bucket alone; the last is beyond all bounds. */
  readonly counts: Float64Array;
  sum: number;
}

export interface HistogramDescription<L extends string> extends MetricDescription<L> {
  /** Upper bounds, in ascending order. */
  readonly buckets: readonly number[];
}

/** How many of the observed values were within each bound. */
export class Histogram<L extends string = never> {
  readonly #head: string;
  readonly #buckets: readonly number[];
  readonly #series: SeriesMap<L, Distribution>;

  constructor(description: HistogramDescription<L>) {
    const { name, labels, buckets } = description;
    const bounds = [...buckets.map(printed), "+Inf"];
    this.#head = headOf(description, "histogram");
    this.#buckets = buckets;
    this.#series = new SeriesMap(labels, (given) => ({
      prefixes: bounds.map((bound) => `${name}_bucket{${given}${given === "" ? "" : ","}le="${bound}"} `),
      sumPrefix: `${name}_sum${given === "" ? "" : `{${given}}`} `,
      countPrefix: `${name}_count${given === "" ? "" : `{${given}}`} `,
      counts: new Float64Array(bounds.length),
      sum: 0,
    }));
  }

  /** The series of these labels are there, even if nothing was observed. */
  start(labels: Labels<L>): void {
    this.#series.of(labels);
  }

  observe(labels: Labels<L>, value: number): void {
    const distribution = this.#series.of(labels);
    const within = this.#buckets.findIndex((bound) => value <= bound);
    const index = within < 0 ? this.#buckets.length : within;
    distribution.counts[index] = (distribution.counts[index] ?? 0) + 1;
    distribution.sum += value;
  }

  text(): string {
    let text = this.#head;
    for (const { prefixes, sumPrefix, countPrefix, counts, sum } of this.#series.values()) {
      let count = 0;
      for (const [index, prefix] of prefixes.entries()) {
        count += counts[index] ?? 0;
        text += `${prefix}${count}\n`;
      }
      text += `${sumPrefix}${printed(sum)}\n${countPrefix}${count}\n`;
    }
    return text;
  }
}
