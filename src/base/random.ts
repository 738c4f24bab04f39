/** Chance, handed in so that the simulation can draw it from a seed. The only user of Math.random. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

/** The random source of the machine. */
export function systemRandom(): Random {
  return { next: () => Math.random() };
}
