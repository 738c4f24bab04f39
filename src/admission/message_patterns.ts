/** The patterns for failure messages must compile (R69): a broken one would never match, without a word. */
import { messageOf } from "../base/message_of.ts";
import { RE2Set } from "re2js";
import { withoutGroupNames } from "../api/group_names.ts";
import { type FieldError, invalid } from "./field_error.ts";
import { stringEntries } from "./new_job_set.ts";
import { patternCost } from "./pattern_cost.ts";

/** Of all patterns of a JobSet together: what can be compiled within a second or so, whatever stands there. */
const MAX_TOTAL_COST = 16_384;

/** Checks the patterns of one JobSet; the same one only once. */
export class MessagePatterns {
  readonly #problems = new Map<string, string | undefined>();
  #cost = 0;

  *errors(field: string, list: unknown): Generator<FieldError> {
    for (const [index, pattern] of stringEntries(list)) {
      const problem = this.#problem(pattern);
      if (problem !== undefined) yield invalid(`${field}[${index}]`, pattern, problem);
    }
  }

  #problem(pattern: string): string | undefined {
    if (this.#problems.has(pattern)) return this.#problems.get(pattern);
    const cost = this.#cost + costOf(pattern);
    if (cost > MAX_TOTAL_COST) {
      return `the patterns of all rules must not be longer than ${MAX_TOTAL_COST} characters together, with their repetitions ` +
        "written out, and a Unicode class or a range beyond ASCII counted as 128";
    }
    this.#cost = cost;
    const problem = syntaxProblem(pattern);
    this.#problems.set(pattern, problem);
    return problem;
  }
}

function costOf(pattern: string): number {
  return pattern.length > MAX_TOTAL_COST ? pattern.length : patternCost(pattern);
}

function syntaxProblem(pattern: string): string | undefined {
  const problem = problemOf(pattern);
  const nameless = problem === undefined ? pattern : withoutGroupNames(pattern);
  // Whatever else is wrong is told of the pattern as it stands.
  return nameless !== pattern && problemOf(nameless) === undefined ? undefined : problem;
}

/** A set reads and simplifies a pattern, but builds the machine for it only when it is asked to match: that costs most. */
function problemOf(pattern: string): string | undefined {
  try {
    new RE2Set().add(pattern);
    return undefined;
  } catch (error) {
    return `must be a valid RE2 regular expression: ${messageOf(error)}`;
  }
}
