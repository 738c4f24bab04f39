import type { Random } from "../../src/base/random.ts";
import { seededRandom } from "../../src/base/seeded_random.ts";

/** Chance that can be had again: the seed is printed; JOBSET_SEED sets it. */
export function seeded(what: string): Random {
  const given = process.env["JOBSET_SEED"];
  const seed = given === undefined ? Date.now() % 2 ** 31 : Number(given);
  console.log(`${what}: JOBSET_SEED=${seed}`);
  return seededRandom(seed);
}

/** A whole number from 0 to below `limit`. */
export function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}
