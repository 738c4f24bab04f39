/** What a soak must keep to, and where it did not. Pure. */
import type { Measure } from "./samples.ts";

/** JobSets that come, and go, each second. */
export const PER_SECOND = 10;
/** A measure at the end against the same at its beginning. */
const MAX_GROWTH = 1.05;
/** A few still stand at the end, each for some three seconds. At less the load is not the one that was promised. */
const MIN_PACE = 0.95 * PER_SECOND;
/** Of the users' requests: nothing is ill-treated here, so that each of them must succeed. */
const MAX_FAILURES = 0;

export interface Soaked {
  readonly growths: ReadonlyMap<Measure, number>;
  /** JobSets that came and went, each second. */
  readonly pace: number;
  /** Requests of users. */
  readonly failures: number;
}

/** One line for each limit that was missed. */
export function complaints({ growths, pace, failures }: Soaked): readonly string[] {
  const grown = [...growths].filter(([, growth]) => !(growth <= MAX_GROWTH)).map(([measure, growth]) =>
    `${measure} grew to ${growth.toFixed(4)} of what it was, at most ${MAX_GROWTH} is allowed`
  );
  const slow = pace >= MIN_PACE ? [] : [`${pace.toFixed(2)} JobSets a second, at least ${MIN_PACE} are asked for`];
  const failed = failures <= MAX_FAILURES ? [] : [`${failures} requests failed, at most ${MAX_FAILURES} may`];
  return [...grown, ...slow, ...failed];
}
