/** A JobSet, what its users do to it, and what must have become of it at the end. */
import type { JsonObject } from "../../src/base/json.ts";
import type { Random } from "../../src/base/random.ts";
import type { Goal } from "./rest.ts";
import type { Stage } from "./stage.ts";

export interface Play {
  readonly kind: string;
  readonly name: string;
  readonly object: JsonObject;
  readonly goal: Goal;
  /** After it was created; whatever is random in it was drawn before. */
  readonly act?: (stage: Stage) => Promise<void>;
}

export type Kind = (name: string, draw: Draw) => Omit<Play, "kind" | "name">;

/** Choices out of a seed. */
export class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.#random.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  of<T>(first: T, ...rest: readonly T[]): T {
    return [first, ...rest][this.between(0, rest.length)] ?? first;
  }

  /** In another order. */
  shuffled<T>(items: readonly T[]): readonly T[] {
    return items.map((item) => ({ item, key: this.#random.next() })).toSorted((a, b) => a.key - b.key)
      .map(({ item }) => item);
  }
}
