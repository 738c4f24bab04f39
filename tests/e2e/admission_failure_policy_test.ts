/** The rules of a new JobSet's failure policy, with all gates off (spec 2.2: 7, 8). */
import type { JsonObject } from "../../src/base/json.ts";
import { group, newJobSet } from "../../src/admission/test_job_set.ts";
import { verdicts } from "./verdicts.ts";

const e2e = verdicts();
const PATH = "spec.failurePolicy.rules";

const withRules = (...rules: readonly JsonObject[]) =>
  newJobSet({ failurePolicy: { maxRestarts: 1, rules }, replicatedJobs: [group("a")] }, { name: "js" });
const rule = (fields: JsonObject) => ({ name: "r", action: "FailJobSet", ...fields });

e2e.creates("rule 7", [
  ["a rule for a replicatedJob that exists", withRules(rule({ targetReplicatedJobs: ["a"] })), []],
  ["a rule for one that does not", withRules(rule({ targetReplicatedJobs: ["a", "b"] })), [
    `${PATH}[0].targetReplicatedJobs[1]: Invalid value: "b": ` +
    "invalid replicatedJob name 'b' in failure policy does not appear in .spec.ReplicatedJobs",
  ]],
]);

const badName = (name: string, quoted = name, index = 0) =>
  `${PATH}[${index}].name: Invalid value: "${quoted}": invalid failure policy rule name '${name}', a failure policy rule name ` +
  "must start with an alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end " +
  "with an alphanumeric character or '_'";
const badLength = (name: string) =>
  `${PATH}[0].name: Invalid value: "${name}": invalid failure policy rule name of length ${name.length}, the rule name must be ` +
  "at least 1 characters long and at most 128 characters long";
const twice = (name: string, indices: string) =>
  `${PATH}: Invalid value: "${name}": rule names are not unique, rules with indices [${indices}] all have the same name ` +
  `'${name}'`;

e2e.creates("rule 8, names (R27)", [
  ["all that a name may have", withRules(rule({ name: "aZ_9,:x_" })), []],
  ["one letter", withRules(rule({ name: "r" })), []],
  ["128 characters", withRules(rule({ name: "r".repeat(128) })), []],
  ["129 characters", withRules(rule({ name: "r".repeat(129) })), [badLength("r".repeat(129))]],
  ["a digit first", withRules(rule({ name: "1r" })), [badName("1r")]],
  ["a comma last", withRules(rule({ name: "r," })), [badName("r,")]],
  ["% and a line break (R62)", withRules(rule({ name: "r%s\n\"\\'" })), [badName("r%s\n\"\\'", "r%s\\n\\\"\\\\'")]],
  ["two rules of one name", withRules(rule({}), rule({ name: "other" }), rule({})), [twice("r", "0 2")]],
  [
    "three rules of one bad name, and two of another",
    withRules(...["-", "s", "-", "s", "-"].map((name) => rule({ name }))),
    [...[0, 2, 4].map((index) => badName("-", "-", index)), twice("-", "0 2 4"), twice("s", "1 3")],
  ],
]);

const REASONS = [
  "BackoffLimitExceeded",
  "DeadlineExceeded",
  "FailedIndexes",
  "MaxFailedIndexesExceeded",
  "PodFailurePolicy",
];
e2e.creates("rule 8, reasons", [
  ["every reason of a Job", withRules(rule({ onJobFailureReasons: REASONS })), []],
  ["a reason that no Job has", withRules(rule({ onJobFailureReasons: ["PodFailurePolicy", "Oops%d"] })), [
    `${PATH}[0].onJobFailureReasons[1]: Invalid value: "Oops%d": ` +
    "invalid job failure reason 'Oops%d' in failure policy is not a recognized job failure reason",
  ]],
]);

const pattern = (...onJobFailureMessagePatterns: readonly string[]) => withRules(rule({ onJobFailureMessagePatterns }));
e2e.creates("rule 8, patterns (R69)", [
  ["RE2 patterns", pattern("", "exit code 1[0-9]{2}", "(?i)^100%\\d\\p{Greek}$", "a\nb"), []],
  ["a pattern that is not closed", pattern("fine", "("), [
    `${PATH}[0].onJobFailureMessagePatterns[1]: Invalid value: "(": must be a valid RE2 regular expression: ` +
    "error parsing regexp: missing closing ): `(`",
  ]],
  ["a pattern that RE2 has not", pattern("(?=x)"), [
    `${PATH}[0].onJobFailureMessagePatterns[0]: Invalid value: "(?=x)": must be a valid RE2 regular expression: ` +
    "error parsing regexp: invalid or unsupported Perl syntax: `(?=`",
  ]],
]);

const noGate = (index: number, action: string) =>
  `${PATH}[${index}].action: Invalid value: "${action}": RestartJob and RestartJobAndIgnoreMaxRestarts failure policy actions ` +
  "are not allowed when RestartJob feature gate is disabled";
e2e.creates("rule 8, actions without their gate", [
  [
    "those of the whole JobSet",
    withRules(
      ...["FailJobSet", "RestartJobSet", "RestartJobSetAndIgnoreMaxRestarts"].map((action, index) => ({
        name: `r${index}`,
        action,
      })),
    ),
    [],
  ],
  ["RestartJob", withRules(rule({ action: "RestartJob" })), [noGate(0, "RestartJob")]],
  [
    "RestartJobAndIgnoreMaxRestarts, which ends the checks",
    withRules(rule({ name: "1" }), rule({ action: "RestartJobAndIgnoreMaxRestarts" }), rule({ name: "2" }), rule({})),
    [badName("1"), noGate(1, "RestartJobAndIgnoreMaxRestarts")],
  ],
]);
