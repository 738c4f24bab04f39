/** Draws from a random source: delays, choices, coins. */
import type { Random } from "../../../src/base/random.ts";

/** A whole number, both ends included. */
export function between(random: Random, low: number, high: number): number {
  return low + Math.floor(random.next() * (high - low + 1));
}

export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

export function pick<const T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[Math.floor(random.next() * values.length)] ?? values[0];
}

/** How long a controller of the cluster takes to see a change and act: mostly at once, now and then seconds late. */
export function lag(random: Random): number {
  const luck = random.next();
  if (luck < 0.8) return between(random, 1, 20);
  return luck < 0.98 ? between(random, 20, 300) : between(random, 1_000, 4_000);
}
