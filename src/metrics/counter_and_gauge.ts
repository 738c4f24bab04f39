import { headOf, type Labels, type MetricDescription, printed, SeriesMap } from "./series.ts";

interface Sample {
  /** The line up to the value. */
  readonly prefix: string;
  value: number;
}

/** One value per series; what has no labels is there from the start, at zero. */
abstract class Values<L extends string> {
  protected readonly series: SeriesMap<L, Sample>;
  readonly #head: string;
  readonly #collect: () => void;

  constructor(type: "counter" | "gauge", description: MetricDescription<L>) {
    const { name, labels: names, collect = () => {} } = description;
    this.#head = headOf(description, type);
    this.#collect = collect;
    this.series = new SeriesMap(names, (labels) => ({
      prefix: labels === "" ? `${name} ` : `${name}{${labels}} `,
      value: 0,
    }));
    if (names === undefined) this.series.of({} as Labels<L>);
  }

  remove(labels: Labels<L>): void {
    this.series.remove(labels);
  }

  text(): string {
    this.#collect();
    let text = this.#head;
    for (const { prefix, value } of this.series.values()) text += `${prefix}${printed(value)}\n`;
    return text;
  }
}

/** What only grows. */
export class Counter<L extends string = never> extends Values<L> {
  constructor(description: MetricDescription<L>) {
    super("counter", description);
  }

  /** An increase of 0 makes the series. */
  inc(labels: Labels<L>, increase = 1): void {
    this.series.of(labels).value += increase;
  }

  /** For what is counted elsewhere. */
  set(labels: Labels<L>, value: number): void {
    this.series.of(labels).value = value;
  }
}

/** What goes up and down. */
export class Gauge<L extends string = never> extends Values<L> {
  constructor(description: MetricDescription<L>) {
    super("gauge", description);
  }

  set(labels: Labels<L>, value: number): void {
    this.series.of(labels).value = value;
  }

  change(labels: Labels<L>, by: number): void {
    this.series.of(labels).value += by;
  }
}
