/** What a metric is called, and which labels its series have. */
export interface MetricDescription<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly L[];
  /** Called before each scrape: brings the series up to date. */
  readonly collect?: () => void;
}

/** A label's value for each label of the metric. */
export type Labels<L extends string> = Readonly<Record<L, string>>;

/** The metric's series by their labels, each made where it is first asked for. What has no labels is one series. */
export class SeriesMap<L extends string, S> {
  readonly #names: readonly L[];
  readonly #series = new Map<string, S>();
  readonly #make: (labels: string) => S;

  /** `make` is given the labels as they are written: `a="x",b="y"`. */
  constructor(names: readonly L[] = [], make: (labels: string) => S) {
    this.#names = names;
    this.#make = make;
  }

  of(labels: Labels<L>): S {
    const key = this.#key(labels);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const made = this.#make(key);
    this.#series.set(key, made);
    return made;
  }

  remove(labels: Labels<L>): void {
    this.#series.delete(this.#key(labels));
  }

  values(): Iterable<S> {
    return this.#series.values();
  }

  /** In the order of the description, whatever the caller's. */
  #key(labels: Labels<L>): string {
    let key = "";
    for (const name of this.#names) key += `${key === "" ? "" : ","}${name}="${escaped(labels[name])}"`;
    return key;
  }
}

/** The lines before the samples. */
export function headOf({ name, help }: MetricDescription<string>, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** As Go prints it: bounds are labels, and for Prometheus `1e-8` and `1e-08` are two series. */
export function printed(value: number): string {
  if (value === 0 || Math.abs(value) >= 1e-4) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

function escaped(value: string): string {
  if (!/[\\"\n]/.test(value)) return value;
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
