import Counter from "prom-client/lib/counter.js";
import Gauge from "prom-client/lib/gauge.js";
import Histogram from "prom-client/lib/histogram.js";
import Registry from "prom-client/lib/registry.js";

/** What a metric is called, and which labels its series have. */
export interface MetricDescription<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly L[];
  /** Called before each scrape: brings the series up to date. */
  readonly collect?: () => void;
}

/** Metrics of this process alone, never those of prom-client's global registry. */
export class MetricRegistry {
  readonly #registry = new Registry();

  get contentType(): string {
    return this.#registry.contentType;
  }

  counter<L extends string = never>(description: MetricDescription<L>): Counter<L> {
    return new Counter<L>(this.#configuration(description));
  }

  gauge<L extends string = never>(description: MetricDescription<L>): Gauge<L> {
    return new Gauge<L>(this.#configuration(description));
  }

  /** `buckets`: upper bounds in ascending order. */
  histogram<L extends string = never>(
    description: MetricDescription<L> & { readonly buckets: readonly number[] },
  ): Histogram<L> {
    return new Histogram<L>({ ...this.#configuration(description), buckets: [...description.buckets] });
  }

  /** Everything, in Prometheus' text format. */
  async text(): Promise<string> {
    const text = await this.#registry.metrics();
    return text.replace(/\ble="([0-9][^"]*)"/g, (_, bound: string) => `le="${asGoPrints(Number(bound))}"`);
  }

  #configuration<L extends string>({ name, help, labels = [], collect }: MetricDescription<L>) {
    return { name, help, labelNames: [...labels], registers: [this.#registry], ...(collect && { collect }) };
  }
}

/** Bounds are labels: for Prometheus `1e-8` and `1e-08` are two series, and those of Go programs are called the latter. */
function asGoPrints(value: number): string {
  if (value === 0 || (value >= 1e-4 && value < 1e21)) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}
