/** The patterns for failure messages must compile (R69): a broken one would never match, without a word. */
import { RE2Set } from "re2js";
import { type FieldError, invalid } from "./field_error.ts";
import { stringEntries } from "./new_job_set.ts";

/**
 * Of all patterns of a JobSet together. Reading one takes up to 50 µs a character at worst (nothing but Unicode classes), so this is
 * what can be answered within a second whatever stands there.
 */
const MAX_TOTAL_LENGTH = 16_384;

/** Checks the patterns of one JobSet; the same one only once. */
export class MessagePatterns {
  readonly #problems = new Map<string, string | undefined>();
  #length = 0;

  *errors(field: string, list: unknown): Generator<FieldError> {
    for (const [index, pattern] of stringEntries(list)) {
      const problem = this.#problem(pattern);
      if (problem !== undefined) yield invalid(`${field}[${index}]`, pattern, problem);
    }
  }

  #problem(pattern: string): string | undefined {
    if (this.#problems.has(pattern)) return this.#problems.get(pattern);
    this.#length += pattern.length;
    if (this.#length > MAX_TOTAL_LENGTH) {
      return `the patterns of all rules must not be longer than ${MAX_TOTAL_LENGTH} characters together`;
    }
    const problem = syntaxProblem(pattern);
    this.#problems.set(pattern, problem);
    return problem;
  }
}

/** A set reads and simplifies a pattern, but builds the machine for it only when it is asked to match: that costs most. */
function syntaxProblem(pattern: string): string | undefined {
  try {
    new RE2Set().add(pattern);
    return undefined;
  } catch (error) {
    return `must be a valid RE2 regular expression: ${error instanceof Error ? error.message : String(error)}`;
  }
}
