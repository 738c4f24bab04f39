/** The arguments of `npm run simulate`. */
import { parseArgs } from "node:util";

export interface Options {
  readonly seed: number;
  readonly steps: number;
  readonly workers: number;
  readonly hasCanary: boolean;
  /** A scenario to be run in place of those that seeds give. */
  readonly scenario: string | undefined;
}

const NUMBERS = {
  seed: { fallback: 1, max: 2 ** 32 - 1 },
  steps: { fallback: 1_000_000, max: 1e12 },
  workers: { fallback: 2, max: 64 },
} as const;

/** The text says in one line what is wrong. */
export function readOptions(args: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: "string" },
        steps: { type: "string" },
        workers: { type: "string" },
        canary: { type: "boolean", default: false },
        scenario: { type: "string" },
      },
    });
    const number = (name: keyof typeof NUMBERS) => {
      const { fallback, max } = NUMBERS[name];
      const value = values[name] === undefined ? fallback : Number(values[name]);
      const isFit = /^\d+$/.test(values[name] ?? "0") && value <= max && (name === "seed" || value > 0);
      if (!isFit) throw new Error(`--${name} must be a whole number up to ${max}, not "${values[name]}"`);
      return value;
    };
    return {
      seed: number("seed"),
      steps: number("steps"),
      workers: number("workers"),
      hasCanary: values.canary,
      scenario: values.scenario,
    };
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
  }
}
