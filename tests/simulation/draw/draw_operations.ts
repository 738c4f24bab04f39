/** Draws what users and the queue do to a JobSet. */
import type { FeatureGates } from "../../../src/api/feature_gates.ts";
import { asArray, asInteger, asObject, asString, at, type JsonObject } from "../../../src/base/json.ts";
import type { Random } from "../../../src/base/random.ts";
import { between, chance, pick } from "../actors/chance.ts";
import { drawJobSet, type JobSetPlan } from "./draw_job_set.ts";
import type { Operation } from "../types.ts";

export interface OperationPlan {
  readonly object: JsonObject;
  readonly plan: JobSetPlan;
  readonly fromMs: number;
  readonly toMs: number;
}

const AT_ONCE = 0.35;
const EARLINESS = 1.8;
const RESUMED_AT_LAST = 0.7;

/** An operation without its time and place. */
type What = WithoutPlace<Operation>;
type WithoutPlace<T> = T extends Operation ? Omit<T, "atMs" | "jobSet"> : never;

/** In the order of their times. */
export function drawOperations(random: Random, { object, plan, fromMs, toMs }: OperationPlan): readonly Operation[] {
  const count = plan.isQueued ? between(random, 1, 6) : pick(random, [0, 0, 1, 1, 2, 3, 6]);
  const times = drawTimes(random, { count, fromMs, toMs });
  const drawer = new OperationDrawer(random, object, plan);
  const operations = times.map((atMs): Operation => ({ atMs, jobSet: plan.name, ...drawer.draw() }));
  const last = drawer.isSuspended && chance(random, RESUMED_AT_LAST) ? drawer.flip() : undefined;
  return last === undefined ? operations : [...operations, { atMs: toMs, jobSet: plan.name, ...last }];
}

/** In their order: more of them early, while most JobSets still run; some follow at the heels of the one before. */
function drawTimes(
  random: Random,
  { count, fromMs, toMs }: { readonly count: number; readonly fromMs: number; readonly toMs: number },
): readonly number[] {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const last = times.at(-1);
    const isAtOnce = last !== undefined && chance(random, AT_ONCE);
    times.push(
      isAtOnce
        ? Math.min(toMs, last + between(random, 0, 600))
        : fromMs + Math.floor((toMs - fromMs) * random.next() ** EARLINESS),
    );
  }
  return times.sort((one, other) => one - other);
}

/** Knows how the JobSet would stand if all that was drawn before had come to pass. */
class OperationDrawer {
  readonly #random: Random;
  readonly #plan: JobSetPlan;
  #object: JsonObject;
  #isSuspended: boolean;

  constructor(random: Random, object: JsonObject, plan: JobSetPlan) {
    this.#random = random;
    this.#plan = plan;
    this.#object = object;
    this.#isSuspended = at(object, "spec", "suspend") === true;
  }

  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  draw(): What {
    if (this.#isElastic && chance(this.#random, 0.4)) return this.#edit();
    const luck = this.#random.next();
    if (this.#isSuspended && luck < 0.7 || luck < 0.35) return this.flip();
    if (luck < 0.6) return this.#recreate();
    if (luck < 0.75) return this.#edit();
    if (luck < 0.9) {
      return this.#meddle();
    }
    const propagation = pick(this.#random, ["Foreground", "Background", "Background", "Orphan"]);
    return { by: "user", kind: "delete", propagation };
  }

  /** A queue changes templates itself: what users write over them is refused. */
  get #isElastic(): boolean {
    return this.#plan.gates.ElasticJobSet === true && !this.#plan.isQueued;
  }

  /** Children are changed by hand. */
  #meddle(): What {
    const nth = between(this.#random, 0, 5);
    const luck = this.#random.next();
    if (luck < 0.4) return { by: "user", kind: "deleteJob", nth };
    if (luck < 0.6) return { by: "user", kind: "deleteService" };
    return luck < 0.85 ? { by: "user", kind: "deletePod", nth } : { by: "queue", kind: "suspendJob", nth };
  }

  flip(): What {
    this.#isSuspended = !this.#isSuspended;
    const by = this.#plan.isQueued && chance(this.#random, 0.9) ? "queue" : "user";
    return { by, kind: this.#isSuspended ? "suspend" : "resume" };
  }

  /** As it was, or quite another JobSet of the same name. */
  #recreate(): What {
    if (chance(this.#random, 0.5)) {
      this.#isSuspended = at(this.#object, "spec", "suspend") === true;
      return { by: "user", kind: "recreate" };
    }
    this.#object = drawJobSet(this.#random, this.#plan);
    this.#isSuspended = at(this.#object, "spec", "suspend") === true;
    return { by: "user", kind: "recreate", object: this.#object };
  }

  #edit(): What {
    const luck = this.#isElastic ? 0.1 + 0.9 * this.#random.next() : this.#random.next() * 0.6;
    const patch = luck < 0.2
      ? { metadata: { labels: { edited: String(between(this.#random, 0, 9)) } } }
      : luck < 0.4
      ? { spec: { ttlSecondsAfterFinished: pick(this.#random, [null, 0, 3, 10]) } }
      : { spec: { replicatedJobs: this.#scaled() } };
    return { by: "user", kind: "edit", patch };
  }

  /** Other sizes of its Indexed Jobs: refused, or without effect, while the gate ElasticJobSet is off. */
  #scaled(): readonly unknown[] {
    const scaled = asArray(at(this.#object, "spec", "replicatedJobs")).map((entry) =>
      this.#scale(asObject(entry) ?? {})
    );
    this.#object = { ...this.#object, spec: { ...asObject(this.#object["spec"]), replicatedJobs: scaled } };
    return scaled;
  }

  #scale(group: JsonObject): JsonObject {
    const template = asObject(group["template"]) ?? {};
    const spec = asObject(template["spec"]) ?? {};
    const isElastic = asString(spec["completionMode"]) === "Indexed" &&
      asInteger(spec["parallelism"]) === asInteger(spec["completions"]);
    if (!isElastic || chance(this.#random, 0.3)) return group;
    const old = asInteger(spec["parallelism"]) ?? 1;
    const size = (old + between(this.#random, 0, 1)) % 3 + 1;
    return { ...group, template: { ...template, spec: { ...spec, parallelism: size, completions: size } } };
  }
}

/** The gates of a run: all as they come by default in one of three. */
export function drawGates(random: Random): Partial<FeatureGates> {
  if (chance(random, 0.33)) return {};
  const gates: Partial<Record<keyof FeatureGates, boolean>> = {};
  for (const gate of GATES) if (chance(random, 0.5)) gates[gate] = true;
  return gates;
}

const GATES = [
  "RestartJob",
  "ElasticJobSet",
  "ExecutionAttemptsTracking",
  "MutablePodResourcesForSuspendedJobSets",
] as const;
