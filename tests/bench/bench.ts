/** One figure and what it may be at most, or must be at least. */
export type Budget = { readonly name: string } & ({ readonly most: number } | { readonly least: number });

export interface Outcome {
  /** By the names of the budgets. */
  readonly figures: Readonly<Record<string, number>>;
  /** What else went wrong, one line each. */
  readonly faults: readonly string[];
}

/** A bench of the table in main.ts. */
export interface Bench {
  readonly name: string;
  readonly about: string;
  readonly budgets: readonly Budget[];
  run(say: (line: string) => void): Promise<Outcome>;
}
