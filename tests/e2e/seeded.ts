import type { Random } from "../../src/base/random.ts";

/** Chance that can be had again: the seed is printed; JOBSET_SEED sets it. */
export function seeded(what: string): Random {
  const given = process.env["JOBSET_SEED"];
  const seed = given === undefined ? Date.now() % 2 ** 31 : Number(given);
  console.log(`${what}: JOBSET_SEED=${seed}`);
  let state = seed >>> 0;
  return {
    // The mixing steps of the splitmix family: enough for choosing moments.
    next() {
      state = (state + 0x9e3779b9) >>> 0;
      let mixed = state;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
    },
  };
}

/** A whole number from 0 to below `limit`. */
export function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}
