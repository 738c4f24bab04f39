/** A small world for golden cases: what the API server would store, and how a plan's effects change it. */
import { asArray, asInteger, asObject, asString, asStringMap, at, type JsonObject } from "../../src/base/json.ts";
import { DEFAULT_FEATURE_GATES, featureGateProblem, featureGates } from "../../src/api/feature_gates.ts";
import { type Job, readJob } from "../../src/api/job.ts";
import { type JobSet, readJobSet } from "../../src/api/job_set.ts";
import { type Pod, readPod } from "../../src/api/pod.ts";
import { EXECUTION_ATTEMPT } from "../../src/api/keys.ts";
import type { Priorities } from "../../src/api/priority.ts";
import { createOf, jobFactory } from "../../src/plan/job_factory.ts";
import { nothingKnown } from "../../src/plan/nothing_known.ts";
import type { InFlight, JobChange, JobSurroundings, Plan, PlanInput } from "../../src/plan/types.ts";
import { type Frame, known } from "./golden_case.ts";
import { markOf, resumedRow } from "./resumed_row.ts";
import { conditionOf, countersOf, timeOf } from "./shorthand.ts";

const PREFIX = "jobset.sigs.k8s.io/";
const ROW_KEYS = [
  "name",
  "uid",
  "attempt",
  "jobAttempt",
  "execution",
  "replicatedJob",
  "owner",
  "labels",
  "phase",
  "conditions",
  "active",
  "ready",
  "succeeded",
  "parallelism",
  "completions",
  "suspend",
  "started",
  "deleting",
  "template",
];

const POD_KEYS = ["name", "attempt", "restarts", "phase", "owner", "deleting"];

/** The JobSet `js` in namespace `ns`, its Jobs, and what else a plan reads. */
export class World {
  readonly #where: string;
  #jobSet: JsonObject = {
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    metadata: { name: "js", namespace: "ns", uid: "uid-js", resourceVersion: "7" },
  };
  readonly #rows = new Map<string, JsonObject>();
  #pods: Map<string, JsonObject> | undefined;
  #isNew = true;
  #service = true;
  readonly #claims = new Set<string>();
  readonly #succeededAndGone = new Map<string, number>();
  #now = timeOf("12:00:00");
  #surroundings: JobSurroundings = { gates: DEFAULT_FEATURE_GATES, priorities: undefined };

  constructor(where: string) {
    this.#where = where;
  }

  get jobSet(): JobSet {
    const view = readJobSet(this.#jobSet);
    if (view === undefined) throw new Error(`case "${this.#where}": the JobSet is not readable`);
    return view;
  }

  /** What happens from outside before the next plan. */
  change(frame: Frame): void {
    const isFirst = this.#isNew;
    this.#isNew = false;
    // What is stored at first may hold nulls; later a null takes the field away.
    this.#jobSet = mergePatch(this.#jobSet, this.#expandStatus(frame.jobSet), { keepsNulls: isFirst });
    for (const name of frame.gone.flatMap(expandRange)) {
      if (!this.#rows.delete(name)) throw new Error(`case "${this.#where}": no Job "${name}" to vanish`);
    }
    for (const row of frame.set) this.#setRows(row);
    this.#changePods(frame);
    if (frame.service !== undefined) this.#service = frame.service;
    for (const claim of frame.claims) this.#claims.add(claim);
    for (const [name, attempt] of Object.entries(frame.succeededAndGone)) {
      this.#succeededAndGone.set(name, asInteger(attempt) ?? 0);
    }
    if (frame.now !== undefined) this.#now = timeOf(frame.now);
    if (frame.gates !== undefined) this.#surroundings = { ...this.#surroundings, gates: gatesOn(frame.gates) };
    if (frame.priorities !== undefined) {
      this.#surroundings = { ...this.#surroundings, priorities: prioritiesOf(frame.priorities) };
    }
  }

  input({ inFlight, outdated }: Pick<Frame, "inFlight" | "outdated">): PlanInput {
    return {
      jobSet: this.jobSet,
      jobs: [...this.#rows.values()].map((row) => this.#job(row)),
      hasService: this.#service,
      claims: this.#claims,
      succeededAndGone: this.#succeededAndGone,
      inFlight: this.#inFlight(inFlight),
      outdated: new Set(outdated),
      now: this.#now,
      pods: this.#pods === undefined ? undefined : [...this.#pods.values()].map((row) => this.#pod(row)),
      ...this.#surroundings,
    };
  }

  /** The plan's effects, as if each request had been answered at once. */
  apply(plan: Plan): void {
    const jobSet = this.jobSet;
    const build = jobFactory(jobSet, this.#surroundings);
    for (const { name } of plan.deletes) this.#merge(name, { deleting: true });
    for (const create of plan.creates) {
      const suspend = jobSet.suspend;
      const body = build(create);
      const jobAttempt = at(body, "metadata", "labels", `${PREFIX}job-restart-attempt`);
      this.#rows.set(create.name, {
        name: create.name,
        attempt: jobSet.status.restarts,
        ...(jobAttempt === undefined ? {} : { jobAttempt: Number(jobAttempt) }),
        execution: at(body, "metadata", "annotations", EXECUTION_ATTEMPT),
        suspend,
        template: at(body, "spec", "template"),
        parallelism: at(body, "spec", "parallelism"),
        completions: at(body, "spec", "completions"),
        ready: 0,
        active: suspend ? 0 : 1,
      });
    }
    for (const { name, change } of plan.patches) this.#patch(name, change);
    if (plan.service !== undefined) this.#service = true;
    for (const { name } of plan.claims) this.#claims.add(name);
    for (const name of plan.vanished ?? []) this.#succeededAndGone.set(name, jobSet.status.restarts);
    if (plan.status !== undefined) this.#jobSet = mergePatch(this.#jobSet, { status: plan.status.fields });
  }

  #patch(name: string, change: JobChange): void {
    switch (change.kind) {
      case "suspend":
        return this.#merge(name, { suspend: true, ...markOf(change) });
      case "label":
        return this.#merge(name, { jobAttempt: change.jobRestartAttempt });
      case "scale":
        return this.#merge(name, { parallelism: change.size, completions: change.size });
      case "resume":
        return this.#merge(name, resumedRow(this.#rows.get(name), change));
    }
  }

  #merge(name: string, fields: JsonObject): void {
    this.#rows.set(name, { ...this.#rows.get(name), name, ...fields });
  }

  #setRows(row: JsonObject): void {
    known(row, ROW_KEYS, this.#where);
    for (const name of expandRange(String(row["name"]))) this.#merge(name, { ...row, name });
  }

  #changePods({ pods, podsGone }: Frame): void {
    for (const name of podsGone.flatMap(expandRange)) {
      if (this.#pods?.delete(name) !== true) throw new Error(`case "${this.#where}": no Pod "${name}" to vanish`);
    }
    if (pods === undefined) return;
    this.#pods ??= new Map();
    for (const row of pods) {
      known(row, POD_KEYS, this.#where);
      for (const name of expandRange(String(row["name"]))) {
        this.#pods.set(name, { ...this.#pods.get(name), ...row, name });
      }
    }
  }

  #pod(row: JsonObject): Pod {
    const pod = readPod(podBody(row));
    if (pod === undefined) throw new Error(`case "${this.#where}": Pod "${row["name"]}" is not readable`);
    return pod;
  }

  #expandStatus(jobSet: JsonObject): JsonObject {
    const status = asObject(jobSet["status"]);
    if (status === undefined) return jobSet;
    return { ...jobSet, status: expandStatus(status, this.#now) };
  }

  #job(row: JsonObject): Job {
    const job = readJob(jobBody(row["template"] === "built" ? { ...row, template: this.#builtTemplate(row) } : row));
    if (job === undefined) throw new Error(`case "${this.#where}": Job "${row["name"]}" is not readable`);
    return job;
  }

  /** The pod template that a new Job of this name would have. */
  #builtTemplate(row: JsonObject): JsonObject {
    const jobSet = this.jobSet;
    const [, replicatedJob, index] = /^js-(.*)-(\d+)$/.exec(String(row["name"])) ?? [];
    const position = jobSet.replicatedJobs.findIndex(({ name }) => name === replicatedJob);
    const body = jobFactory(jobSet, this.#surroundings)(createOf(jobSet, position, Number(index)));
    return asObject(at(body, "spec", "template")) ?? {};
  }

  #inFlight(shorthand: JsonObject): InFlight {
    const names = known(shorthand, Object.keys(nothingKnown().inFlight), this.#where);
    const set = (key: string) => new Set(asArray(names[key]).map(String));
    return {
      creates: set("creates"),
      refused: set("refused"),
      deletes: set("deletes"),
      patches: set("patches"),
      resumes: set("resumes"),
      scales: new Map(Object.entries(asObject(names["scales"]) ?? {}).map(([uid, size]) => [uid, Number(size)])),
      claims: set("claims"),
      service: names["service"] === true,
      jobSetDelete: names["jobSetDelete"] === true,
    };
  }
}

function gatesOn(names: readonly string[]): JobSurroundings["gates"] {
  for (const name of names) {
    const problem = featureGateProblem(name, true);
    if (problem !== undefined) throw new Error(problem);
  }
  return featureGates(Object.fromEntries(names.map((name) => [name, true])));
}

function prioritiesOf(shorthand: JsonObject): Priorities {
  const { "": globalDefault = 0, ...classes } = shorthand;
  return {
    byClass: new Map(Object.entries(classes).map(([name, value]) => [name, Number(value)])),
    globalDefault: Number(globalDefault),
  };
}

/** A status in shorthand: conditions as lines, counters by name. */
export function expandStatus(status: JsonObject, now: number): JsonObject {
  const { conditions, counters, ...others } = status;
  return {
    ...others,
    ...(conditions === undefined
      ? {}
      : { conditions: asArray(conditions).map((line) => conditionOf(String(line), now)) }),
    ...(counters === undefined ? {} : { replicatedJobsStatus: countersOf(counters) }),
  };
}

/** `a-[0-2]` is `a-0`, `a-1`, `a-2`. */
export function expandRange(name: string): readonly string[] {
  const match = /^(.*)\[(\d+)-(\d+)\](.*)$/.exec(name);
  if (match === null) return [name];
  const [, before, first, last, after] = match;
  const count = Number(last) - Number(first) + 1;
  return Array.from({ length: count }, (_, offset) => `${before}${Number(first) + offset}${after}`);
}

function jobBody(row: JsonObject): JsonObject {
  const name = String(row["name"]);
  const attempt = row["attempt"] ?? 0;
  const jobAttempt = row["jobAttempt"] ?? undefined;
  const uid = asString(row["uid"]) ?? `${name}#${attempt}${jobAttempt ? `.${String(jobAttempt)}` : ""}`;
  const [, replicatedJob, index] = /^js-(.*)-(\d+)$/.exec(name) ?? ["", "", ""];
  const suspend = row["suspend"] === true;
  const template = asObject(row["template"]);
  return {
    metadata: {
      namespace: "ns",
      name,
      uid,
      resourceVersion: "1",
      labels: asStringMap({
        [`${PREFIX}replicatedjob-name`]: row["replicatedJob"] ?? replicatedJob,
        [`${PREFIX}restart-attempt`]: String(attempt),
        [`${PREFIX}job-index`]: index,
        ...(jobAttempt === undefined ? {} : { [`${PREFIX}job-restart-attempt`]: String(jobAttempt) }),
        ...asObject(row["labels"]),
      }),
      ownerReferences: [{
        apiVersion: "jobset.x-k8s.io/v1alpha2",
        kind: "JobSet",
        name: "js",
        uid: row["owner"] ?? "uid-js",
        controller: true,
      }],
      annotations: row["execution"] === undefined ? {} : { [EXECUTION_ATTEMPT]: String(row["execution"]) },
      ...(row["deleting"] === true ? { deletionTimestamp: "2026-01-01T11:59:00Z" } : {}),
    },
    spec: {
      suspend,
      parallelism: row["parallelism"] ?? 1,
      completions: row["completions"] ?? 1,
      ...(template === undefined ? {} : { template: withControllerLabels(template, name, uid) }),
    },
    status: {
      active: row["active"] ?? (suspend ? 0 : 1),
      ready: row["ready"] ?? 0,
      succeeded: row["succeeded"] ?? 0,
      ...(row["started"] === true ? { startTime: "2026-01-01T11:00:00Z" } : {}),
      conditions: [...phaseConditions(row), ...asArray(row["conditions"])],
    },
  };
}

function podBody(
  { name, attempt, restarts = 0, phase = "Running", owner = "uid-js", deleting }: JsonObject,
): JsonObject {
  return {
    metadata: {
      namespace: "ns",
      name,
      uid: `uid-${name}`,
      resourceVersion: "1",
      // A Pod that nobody's controller made may lack the label.
      labels: { [`${PREFIX}jobset-name`]: "js", ...(owner === null ? {} : { [`${PREFIX}jobset-uid`]: owner }) },
      annotations: attempt === undefined || attempt === null
        ? {}
        : { [`${PREFIX}in-place-restart-attempt`]: String(attempt) },
      ...(deleting === true ? { deletionTimestamp: "2026-01-01T11:59:00Z" } : {}),
    },
    status: { phase, containerStatuses: [{ name: "c", restartCount: 0 }, { name: "d", restartCount: restarts }] },
  };
}

/** What the API server puts into each Job's pod template. */
function withControllerLabels(template: JsonObject, name: string, uid: string): JsonObject {
  const metadata = asObject(template["metadata"]);
  return {
    ...template,
    metadata: {
      ...metadata,
      labels: {
        ...asStringMap(metadata?.["labels"]),
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
      },
    },
  };
}

const PHASES: Readonly<Record<string, string>> = {
  complete: "Complete",
  succeeding: "SuccessCriteriaMet",
  failed: "Failed",
  failing: "FailureTarget",
};

/** A phase in shorthand: `failed 11:50:00 BackoffLimitExceeded some message`. */
function phaseConditions(row: JsonObject): readonly JsonObject[] {
  const [kind = "active", time = "-", reason = "", ...message] = (asString(row["phase"]) ?? "active").split(" ");
  if (kind === "active") return [];
  const type = PHASES[kind];
  if (type === undefined) throw new Error(`Job "${row["name"]}": unknown phase "${kind}"`);
  const lastTransitionTime = time === "-" ? {} : { lastTransitionTime: new Date(timeOf(time)).toISOString() };
  return [{ type, status: "True", reason, message: message.join(" "), ...lastTransitionTime }];
}

function mergePatch(target: JsonObject, patch: JsonObject, options = { keepsNulls: false }): JsonObject {
  const merged: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const object = asObject(value);
    if (value === null && !options.keepsNulls) delete merged[key];
    else merged[key] = object === undefined ? value : mergePatch(asObject(merged[key]) ?? {}, object, options);
  }
  return merged;
}
