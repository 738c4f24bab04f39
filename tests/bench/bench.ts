/** One figure and what it may be at most, or must be at least. */
export type Budget = { readonly name: string } & ({ readonly most: number } | { readonly least: number });

export interface Outcome {
  /** By the names of the budgets. */
  readonly figures: Readonly<Record<string, number>>;
  /** The rounds that a figure is the median of, where it is one: they tell how far it can be trusted. */
  readonly samples?: Readonly<Record<string, readonly number[]>>;
  /** What else was measured, for the page and its pictures: each a row of named values. */
  readonly series?: Readonly<Record<string, ReadonlyMap<string | number, number>>>;
  /** What else went wrong, one line each. */
  readonly faults: readonly string[];
}

/** A bench of the table in benches.ts. */
export interface Bench {
  readonly name: string;
  readonly about: string;
  readonly budgets: readonly Budget[];
  run(say: (line: string) => void): Promise<Outcome>;
}
