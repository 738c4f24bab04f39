/** Runs the golden cases: objects and clock in, Plan out. The expectations are written by hand from the specification. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { jobFactory } from "../../src/plan/job_factory.ts";
import { plan } from "../../src/plan/plan.ts";
import type { JobPatch, Plan, PlanInput } from "../../src/plan/types.ts";
import { type Frame, type GoldenCase, known, readGoldenCases } from "./golden_case.ts";
import { eventOf, textOf, timeOf } from "./shorthand.ts";
import { expandRange, expandStatus, World } from "./world.ts";

const FOLDER = import.meta.dir;

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".yaml")).sort()) {
  describe(file, () => {
    for (const golden of readGoldenCases(readFileSync(`${FOLDER}/${file}`, "utf8"))) {
      test(golden.name, () => runCase(golden));
    }
  });
}

/** Each frame changes the world, plans, compares, and applies the plan's effects. */
function runCase(golden: GoldenCase): void {
  const world = new World(golden.name);
  for (const [index, frame] of golden.frames.entries()) {
    world.change(frame);
    const input = world.input(frame);
    const actual = plan(input);
    const pods = input.pods === undefined ? undefined : [...input.pods].reverse();
    const reversed = plan({ ...input, pods, jobs: [...input.jobs].reverse() });
    const where = golden.frames.length > 1 ? { frame: index } : {};
    expect({ ...where, ...shorten(actual, frame, input) }).toEqual({ ...where, ...expected(frame, input) });
    expect(sorted(reversed)).toEqual(sorted(actual));
    world.apply(actual);
  }
}

/** The whole plan in the words of the cases. Bodies are compared where a case gives them. */
function shorten(actual: Plan, frame: Frame, input: PlanInput): JsonObject {
  const { deletes, creates, patches, service, claims, deleteJobSet, status, events, finished, lookAgainAt } = actual;
  const build = jobFactory(input.jobSet, input);
  const bodies = Object.entries(asObject(frame.expect["bodies"]) ?? {}).map(([name]) => {
    const create = creates.find((candidate) => candidate.name === name);
    return [name, create === undefined ? undefined : build(create)] as const;
  });
  return {
    deletes: deletes.map(({ uid }) => uid).sort(),
    creates: creates.map(({ name }) => name),
    bodies: Object.fromEntries(bodies),
    patches: patches.map(shortenPatch).sort((left, right) => left.uid < right.uid ? -1 : 1),
    service: typeof frame.expect["service"] === "object" ? service?.body : service?.name,
    claims: asObject(asArray(frame.expect["claims"])[0]) === undefined
      ? claims.map(({ name }) => name)
      : claims.map(({ body }) => body),
    vanished: actual.vanished ?? [],
    deleteJobSet,
    status,
    events,
    finished,
    lookAgainAt,
    error: actual.error,
    problems: actual.problems,
    notices: actual.notices ?? [],
    oldPods: shortenOldPods(actual),
  };
}

function shortenPatch({ uid, change }: JobPatch): { readonly uid: string; readonly change: unknown } {
  return { uid, change };
}

function expected({ expect: wanted }: Frame, input: PlanInput): JsonObject {
  const lookAgainAt = asString(wanted["lookAgainAt"]);
  return {
    deletes: names(wanted["deletes"]).toSorted(),
    creates: names(wanted["creates"]),
    bodies: wanted["bodies"] ?? {},
    patches: asArray(wanted["patches"]).flatMap(expectedPatch).toSorted((left, right) => left.uid < right.uid ? -1 : 1),
    service: wanted["service"],
    claims: wanted["claims"] ?? [],
    vanished: names(wanted["vanished"]),
    deleteJobSet: wanted["deleteJobSet"] ?? false,
    status: wanted["status"] === undefined ? undefined : expectedStatus(wanted["status"], input),
    events: asArray(wanted["events"]).map((line) => eventOf(textOf(line))),
    finished: wanted["finished"],
    lookAgainAt: lookAgainAt === undefined ? undefined : timeOf(lookAgainAt),
    error: wanted["error"],
    problems: wanted["problems"] ?? [],
    notices: asArray(wanted["notices"]).map((line) => eventOf(textOf(line))),
    oldPods: wanted["oldPods"],
  };
}

/** `afterMs`, the uids of the old Jobs, and whether their deletion is under way. */
function shortenOldPods({ oldPods }: Plan): JsonObject | undefined {
  if (oldPods === undefined) return undefined;
  return { ...oldPods, jobs: [...oldPods.jobs].sort() };
}

function expectedStatus(value: unknown, { jobSet, now }: PlanInput): JsonObject {
  const short = known(
    value,
    [
      "restarts",
      "restartsCountTowardsMax",
      "terminalState",
      "conditions",
      "counters",
      "previousInPlaceRestartAttempt",
      "currentInPlaceRestartAttempt",
      "executionAttempts",
    ],
    "status",
  );
  const restarts = short["restarts"] ?? jobSet.status.restarts;
  // Whatever else changes than counters must go at once.
  const fields = { ...expandStatus(short, now), restarts };
  const onlyCounters = Object.keys(short).every((field) => field === "counters" || field === "restarts") &&
    restarts === jobSet.status.restarts && !raisesJobRestarts(fields, jobSet);
  return { fields, onlyCounters };
}

function raisesJobRestarts({ replicatedJobsStatus }: JsonObject, { status }: PlanInput["jobSet"]): boolean {
  const lists = (entry: unknown) => JSON.stringify(at(entry, "jobRestarts"));
  const stored = new Map(status.replicatedJobs.map(({ name, raw }) => [name, lists(raw)]));
  return asArray(replicatedJobsStatus).some((entry) => stored.get(String(at(entry, "name"))) !== lists(entry));
}

/**
 * `suspend js-w-0#0`, `resume js-w-0#0`, each perhaps with `as 3`, `suspend-outdated js-w-0#0`, `scale js-w-0#0 to 4`, `label js-w-0#0 as 1`, or an object
 * with a resume's parts.
 */
function expectedPatch(value: unknown): { readonly uid: string; readonly change: unknown }[] {
  const patch = asObject(value);
  if (patch !== undefined) {
    const parts = ["uid", "clearStartTime", "scheduling", "resources", "executionAttempt"];
    const { uid, ...change } = known(patch, parts, "patch");
    return expandRange(textOf(uid)).map((uid) => ({
      uid,
      change: { kind: "resume", clearStartTime: false, ...change },
    }));
  }
  const [kind = "", uid = "", , number] = textOf(value).split(" ");
  const change = expectedChange(kind, number === undefined ? undefined : Number(number));
  return expandRange(uid).map((uid) => ({ uid, change }));
}

function expectedChange(kind: string, number: number | undefined): JsonObject {
  if (kind === "scale") return { kind, size: number };
  if (kind === "label") return { kind, jobRestartAttempt: number };
  if (kind === "suspend-outdated") return { kind: "suspend", ifOutdated: true };
  const mark = number === undefined ? {} : { executionAttempt: number };
  return { kind, ...(kind === "resume" ? { clearStartTime: false } : {}), ...mark };
}

function names(value: unknown): readonly string[] {
  return asArray(value).flatMap((name) => expandRange(textOf(name)));
}

/** The plan without the order of its parts that follows the order of the Jobs. */
function sorted(value: Plan): JsonObject {
  const byUid = (left: { uid: string }, right: { uid: string }) => left.uid < right.uid ? -1 : 1;
  return {
    ...value,
    deletes: value.deletes.toSorted(byUid),
    patches: value.patches.toSorted(byUid),
    problems: value.problems.toSorted(),
  };
}
