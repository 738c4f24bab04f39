import { expect, test } from "bun:test";
import { readOptions, UsageError } from "./options.ts";

test("feature gates are handed on by their names", () => {
  const { featureGates } = readOptions(["--feature-gates", "InPlaceRestart=true,RestartJob=false"]);
  expect(featureGates).toEqual({ InPlaceRestart: true, RestartJob: false });
  expect(readOptions([]).featureGates).toEqual({});
});

test("what is no flag, no gate or no number is told in one line", () => {
  const mistakes: readonly (readonly [readonly string[], string])[] = [
    [["--feature-gates", "InPlaceRestart"], '--feature-gates: "InPlaceRestart" is not of the form A=true or A=false'],
    [["--timeout", "soon"], '--timeout: "soon" is not a number of seconds'],
    [["--gates"], "Unknown option '--gates'; see npm run demo -- --help"],
  ];
  for (const [args, message] of mistakes) expect(() => readOptions(args)).toThrow(new UsageError(message));
});
