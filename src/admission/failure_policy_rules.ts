/** The rules of a new JobSet's failure policy (spec 2.2: 1, 7, 8). */
import { asArray, asString, at } from "../base/json.ts";
import { type FieldError, invalid } from "./field_error.ts";
import { byteLength } from "./go_text.ts";
import { MAX_MATCHED_LENGTH } from "./limits.ts";
import { MessagePatterns } from "./message_patterns.ts";
import { type NewJobSet, orDefault, stringEntries } from "./new_job_set.ts";

const PATH = "spec.failurePolicy";
const MAX_NAME_LENGTH = 128;
const NAME = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;
const REASONS: readonly string[] = [
  "BackoffLimitExceeded",
  "DeadlineExceeded",
  "FailedIndexes",
  "MaxFailedIndexesExceeded",
  "PodFailurePolicy",
];
const JOB_ACTIONS: readonly unknown[] = ["RestartJob", "RestartJobAndIgnoreMaxRestarts"];
/** As many Jobs' restarts the status can count (spec 1.2). */
const MAX_COUNTED_REPLICAS = 1024;

/** The gates that the failure policy asks for. */
export interface FailurePolicyGates {
  readonly InPlaceRestart: boolean;
  readonly RestartJob: boolean;
}

/** Whether the Jobs are to restart in place. */
export function wantsInPlaceRestart({ spec }: NewJobSet): boolean {
  return at(spec, "failurePolicy", "restartStrategy") === "InPlaceRestart";
}

/** Rule 1. */
export function* strategyErrors(jobSet: NewJobSet, gates: FailurePolicyGates): Generator<FieldError> {
  if (gates.InPlaceRestart || !wantsInPlaceRestart(jobSet)) return;
  const why = "InPlaceRestart restart strategy cannot be set when InPlaceRestart feature gate is disabled";
  yield invalid(`${PATH}.restartStrategy`, "InPlaceRestart", why);
}

/** Rules 7 and 8. */
export function* failurePolicyErrors(jobSet: NewJobSet, gates: FailurePolicyGates): Generator<FieldError> {
  const rules = asArray(at(jobSet.spec, "failurePolicy", "rules"));
  const names = new Set(jobSet.replicatedJobs.map(({ name }) => name));
  const patterns = new MessagePatterns();
  let countsJobs = false;
  for (const [index, rule] of rules.entries()) {
    const path = `${PATH}.rules[${index}]`;
    const action = at(rule, "action");
    if (JOB_ACTIONS.includes(action)) {
      if (!gates.RestartJob) {
        yield invalid(`${path}.action`, action, disabledText());
        return;
      }
      countsJobs = true;
    }
    yield* ruleNameErrors(`${path}.name`, at(rule, "name"));
    yield* reasonErrors(path, rule);
    yield* patterns.errors(`${path}.onJobFailureMessagePatterns`, at(rule, "onJobFailureMessagePatterns"));
    yield* targetErrors(path, rule, names);
  }
  yield* sameNameErrors(rules);
  if (countsJobs) yield* countErrors(jobSet);
}

function disabledText(): string {
  return "RestartJob and RestartJobAndIgnoreMaxRestarts failure policy actions are not allowed " +
    "when RestartJob feature gate is disabled";
}

function* ruleNameErrors(field: string, value: unknown): Generator<FieldError> {
  const name = orDefault(value, asString, "");
  if (name === undefined) return;
  const length = byteLength(name);
  if (length < 1 || length > MAX_NAME_LENGTH) {
    const why =
      `invalid failure policy rule name of length ${length}, the rule name must be at least 1 characters long ` +
      `and at most ${MAX_NAME_LENGTH} characters long`;
    yield invalid(field, name, why);
  }
  if (name !== "" && length <= MAX_MATCHED_LENGTH && !NAME.test(name)) {
    const why =
      `invalid failure policy rule name '${name}', a failure policy rule name must start with an alphabetic ` +
      "character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric " +
      "character or '_'";
    yield invalid(field, name, why);
  }
}

function* reasonErrors(path: string, rule: unknown): Generator<FieldError> {
  for (const [index, reason] of stringEntries(at(rule, "onJobFailureReasons"))) {
    if (REASONS.includes(reason)) continue;
    const why = `invalid job failure reason '${reason}' in failure policy is not a recognized job failure reason`;
    yield invalid(`${path}.onJobFailureReasons[${index}]`, reason, why);
  }
}

function* targetErrors(path: string, rule: unknown, names: ReadonlySet<unknown>): Generator<FieldError> {
  for (const [index, target] of stringEntries(at(rule, "targetReplicatedJobs"))) {
    if (names.has(target)) continue;
    const why = `invalid replicatedJob name '${target}' in failure policy does not appear in .spec.ReplicatedJobs`;
    yield invalid(`${path}.targetReplicatedJobs[${index}]`, target, why);
  }
}

/** One error for each name that several rules have. */
function* sameNameErrors(rules: readonly unknown[]): Generator<FieldError> {
  const places = new Map<string, number[]>();
  for (const [index, rule] of rules.entries()) {
    const name = asString(at(rule, "name"));
    if (name === undefined) continue;
    const others = places.get(name);
    if (others === undefined) places.set(name, [index]);
    else others.push(index);
  }
  for (const [name, indices] of places) {
    if (indices.length === 1) continue;
    const why = `rule names are not unique, rules with indices [${indices.join(" ")}] all have the same name '${name}'`;
    yield invalid(`${PATH}.rules`, name, why);
  }
}

function* countErrors({ replicatedJobs }: NewJobSet): Generator<FieldError> {
  for (const { path, replicas } of replicatedJobs) {
    if (replicas === undefined || replicas <= MAX_COUNTED_REPLICAS) continue;
    const why = "JobSet cannot have a failure policy rule with RestartJob or RestartJobAndIgnoreMaxRestarts action " +
      `and a replicated job with replicas > ${MAX_COUNTED_REPLICAS}`;
    yield invalid(`${path}.replicas`, replicas, why);
  }
}
