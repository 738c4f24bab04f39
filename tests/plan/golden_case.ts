/** The form of the golden cases. Unknown keys are errors: a misspelt expectation would otherwise pass unseen. */
import { parse } from "yaml";
import { asArray, asObject, asString, type JsonObject } from "../../src/base/json.ts";

/** What happens to the world before a plan is made, and the plan that is then expected. */
export interface Frame {
  /** Merged into the JobSet (a merge patch); `null` takes a field away. */
  readonly jobSet: JsonObject;
  /** Rows as in `jobs`, merged into the Jobs of those names; a new name is a new Job. */
  readonly set: readonly JsonObject[];
  /** Names of Jobs that vanish. */
  readonly gone: readonly string[];
  /** Rows merged into the Pods of those names; until the first frame that has any the Pods are not known. */
  readonly pods: readonly JsonObject[] | undefined;
  /** Names of Pods that vanish. */
  readonly podsGone: readonly string[];
  readonly service: boolean | undefined;
  readonly claims: readonly string[];
  readonly succeededAndGone: JsonObject;
  readonly inFlight: JsonObject;
  readonly outdated: readonly string[];
  readonly now: string | undefined;
  /** Names of the feature gates that are on, here and in the frames that follow. */
  readonly gates: readonly string[] | undefined;
  /** Priorities by PriorityClass; `""` is the global default. Without it they can't be read. */
  readonly priorities: JsonObject | undefined;
  readonly expect: JsonObject;
}

export interface GoldenCase {
  readonly name: string;
  readonly frames: readonly Frame[];
}

const FRAME_KEYS = [
  "jobSet",
  "jobs",
  "gone",
  "pods",
  "podsGone",
  "service",
  "claims",
  "succeededAndGone",
  "inFlight",
  "outdated",
  "now",
  "gates",
  "priorities",
  "expect",
];
const PLAN_KEYS = [
  "deletes",
  "creates",
  "bodies",
  "patches",
  "service",
  "claims",
  "vanished",
  "deleteJobSet",
  "status",
  "events",
  "finished",
  "lookAgainAt",
  "error",
  "problems",
  "notices",
  "oldPods",
];

/** Reads one file: `shared` holds anchors only, `cases` the cases. */
export function readGoldenCases(text: string): readonly GoldenCase[] {
  const file = known(parse(text, { merge: true, uniqueKeys: true, maxAliasCount: -1 }), ["shared", "cases"], "file");
  return asArray(file["cases"]).map((value) => {
    const name = asString(asObject(value)?.["name"]) ?? "";
    if (!/^[a-z].*: /.test(name)) throw new Error(`case "${name}": a name is "subject: promise"`);
    const golden = known(value, ["name", "ids", "then", ...FRAME_KEYS], name);
    const ids = asArray(golden["ids"]).map(String);
    const { name: _name, ids: _ids, then, ...first } = golden;
    return {
      name: ids.length === 0 ? name : `${name} (${ids.join(", ")})`,
      frames: [first, ...asArray(then)].map((frame) => readFrame(frame, name)),
    };
  });
}

function readFrame(value: unknown, name: string): Frame {
  const frame = known(value, FRAME_KEYS, name);
  return {
    jobSet: asObject(frame["jobSet"]) ?? {},
    set: asArray(frame["jobs"]).map((row) => asObject(row) ?? {}),
    gone: asArray(frame["gone"]).map(String),
    pods: frame["pods"] === undefined ? undefined : asArray(frame["pods"]).map((row) => asObject(row) ?? {}),
    podsGone: asArray(frame["podsGone"]).map(String),
    service: frame["service"] === undefined ? undefined : frame["service"] === true,
    claims: asArray(frame["claims"]).map(String),
    succeededAndGone: asObject(frame["succeededAndGone"]) ?? {},
    inFlight: asObject(frame["inFlight"]) ?? {},
    outdated: asArray(frame["outdated"]).map(String),
    now: asString(frame["now"]),
    gates: frame["gates"] === undefined ? undefined : asArray(frame["gates"]).map(String),
    priorities: asObject(frame["priorities"]),
    expect: known(frame["expect"] ?? {}, PLAN_KEYS, name),
  };
}

/** The object, if it has no other keys than these. */
export function known(value: unknown, keys: readonly string[], where: string): JsonObject {
  const object = asObject(value);
  if (object === undefined) throw new Error(`case "${where}": an object is expected, not ${JSON.stringify(value)}`);
  const unknown = Object.keys(object).filter((key) => !keys.includes(key));
  if (unknown.length > 0) throw new Error(`case "${where}": unknown key "${unknown.join('", "')}"`);
  return object;
}
