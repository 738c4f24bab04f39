/** A hand-made sequence of writes before the judges: what they said of it. */
import { asObject, at, type JsonObject } from "../../../src/base/json.ts";
import { NO_FAULTS } from "../draw/draw_faults.ts";
import type {
  Judge,
  ProcessView,
  ResourceName,
  Scenario,
  SimulatedServer,
  SimulationView,
  User,
  Write,
} from "../types.ts";
import { createJudges } from "./create_judges.ts";

const START_MS = Date.UTC(2030, 0, 1);
const PREFIX = "jobset.sigs.k8s.io/";

interface WriteOptions {
  readonly user?: User;
  readonly subresource?: "status";
}

/** Stores what it is told, without any rule, under the eyes of the judges. */
export class TestBench {
  /** What was violated, in order, each once. */
  readonly violated: string[] = [];
  readonly details: string[] = [];
  readonly process: { -readonly [K in keyof ProcessView]: ProcessView[K] };
  readonly judges: readonly Judge[];
  readonly #processes: ProcessView[] = [];
  readonly #stored = new Map<
    string,
    { readonly resource: ResourceName; readonly object: JsonObject; readonly version: number }
  >();
  #nowMs = START_MS;
  #version = 1;

  constructor(scenario: Partial<Scenario> = {}, options: { readonly hasCanary?: boolean } = {}) {
    this.process = {
      name: "controller-1",
      isAlive: true,
      isLeading: true,
      errors: [],
      sizes: { queue: 0, jobSets: 0, jobs: 0, services: 0, gone: 0, timers: 0, requests: 0 },
    };
    this.#processes.push(this.process);
    const report = (invariant: string, detail: string) => {
      if (!this.violated.includes(invariant)) this.violated.push(invariant);
      this.details.push(`${invariant}: ${detail}`);
    };
    this.judges = createJudges(this.#view(scenario), report, options);
  }

  addProcess(): void {
    this.#processes.push({ ...this.process, name: "controller-2" });
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  /** The time as Kubernetes writes it. */
  time(): string {
    return new Date(this.#nowMs).toISOString().replace(/\.\d+Z$/, "Z");
  }

  /** Creates an object, or puts it in the place of the one of its uid. */
  put(
    resource: ResourceName,
    object: JsonObject,
    { user = "controller-1", subresource }: WriteOptions = {},
  ): JsonObject {
    const uid = String(at(object, "metadata", "uid"));
    const before = this.#stored.get(uid)?.object;
    this.#stored.set(uid, { resource, object, version: this.#version });
    const verb = before === undefined ? "create" : "update";
    this.#tell({ resource, verb, subresource, user, before, after: object, resourceVersion: this.#version++ });
    return object;
  }

  /** The status of a JobSet, as a controller writes it, laid over the one it has. */
  status(uid: string, status: JsonObject, user: User = "controller-1"): void {
    const object = this.object(uid);
    const changed = { ...object, status: { restarts: 0, ...asObject(object["status"]), ...status } };
    this.put("jobsets", changed, { user, subresource: "status" });
  }

  /** Lays fields over the metadata, spec and status of a stored object. */
  change(
    uid: string,
    change: { readonly metadata?: JsonObject; readonly spec?: JsonObject; readonly status?: JsonObject },
    user: User,
  ): void {
    const object = this.object(uid);
    const merged = Object.entries(change).map(([key, fields]) => [key, { ...asObject(object[key]), ...fields }]);
    this.put(this.#stored.get(uid)?.resource ?? "jobs", { ...object, ...Object.fromEntries(merged) }, { user });
  }

  remove(uid: string, user: User = "controller-1"): void {
    const stored = this.#stored.get(uid);
    if (stored === undefined) throw new Error(`${uid} is not stored`);
    this.#stored.delete(uid);
    this.#tell({
      resource: stored.resource,
      verb: "delete",
      subresource: undefined,
      user,
      before: stored.object,
      after: undefined,
      resourceVersion: this.#version++,
    });
  }

  object(uid: string): JsonObject {
    const stored = this.#stored.get(uid);
    if (stored === undefined) throw new Error(`${uid} is not stored`);
    return stored.object;
  }

  /** As a watch tells of it: with its resourceVersion. */
  told(uid: string): JsonObject {
    const object = this.object(uid);
    const resourceVersion = String(this.#stored.get(uid)?.version);
    return { ...object, metadata: { ...asObject(object["metadata"]), resourceVersion } };
  }

  /** Of all Jobs that are stored. */
  jobUids(): readonly string[] {
    return [...this.#stored].flatMap(([uid, { resource }]) => resource === "jobs" ? [uid] : []);
  }

  /** What was found so far is no matter. */
  forget(): void {
    this.violated.length = 0;
    this.details.length = 0;
  }

  /** Of the newest write. */
  get version(): number {
    return this.#version - 1;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  afterSteps(count = 1): void {
    for (let step = 0; step < count; step++) {
      for (const judge of this.judges) judge.afterStep();
    }
  }

  rest(): void {
    for (const judge of this.judges) judge.atRest();
  }

  #tell(write: Write): void {
    for (const judge of this.judges) judge.onWrite(write);
  }

  #view(scenario: Partial<Scenario>): SimulationView {
    const stored = this.#stored;
    const all = (resource: ResourceName) => [...stored.values()].filter((entry) => entry.resource === resource);
    const refuse = (): never => {
      throw new Error("judges only look");
    };
    const server: SimulatedServer = {
      handle: refuse,
      watch: refuse,
      create: refuse,
      update: refuse,
      remove: refuse,
      get: (resource, { namespace, name }) => {
        return all(resource).map(({ object }) => object).find((object) => {
          return at(object, "metadata", "name") === name && at(object, "metadata", "namespace") === namespace;
        });
      },
      all: (resource) => all(resource).map(({ object }) => object),
      count: (resource) => all(resource).length,
      ownedBy: (uid) =>
        [...stored.values()].filter(({ object }) =>
          JSON.stringify(at(object, "metadata", "ownerReferences") ?? []).includes(uid)
        ),
      hasUid: (uid) => stored.has(uid),
      onWrite: refuse,
      compact: refuse,
      resourceVersion: 1,
    };
    return {
      server,
      random: { next: () => 0.5 },
      now: () => this.#nowMs,
      elapsed: () => this.#nowMs - START_MS,
      after: refuse,
      scenario: {
        seed: 1,
        gates: {},
        controllers: 1,
        hasWebhooks: true,
        jobSets: [],
        operations: [],
        faults: NO_FAULTS,
        incidents: [],
        calmAtMs: 0,
        ...scenario,
      },
      processes: this.#processes,
      steps: 1,
      isCalm: false,
    };
  }
}

/** A JobSet `js` with uid `js`: replicatedJobs `a` of two and `b` of one. */
export function jobSet(spec: JsonObject = {}, more: JsonObject = {}): JsonObject {
  return {
    metadata: { name: "js", namespace: "ns", uid: "js", ...asObject(more["metadata"]) },
    spec: {
      replicatedJobs: [{ name: "a", replicas: 2, template: {} }, { name: "b", replicas: 1, template: {} }],
      network: { enableDNSHostnames: false },
      ...spec,
    },
    ...(more["status"] === undefined ? {} : { status: more["status"] }),
  };
}

interface JobOptions {
  readonly attempt?: number;
  readonly jobAttempt?: number;
  readonly execution?: number;
  readonly suspend?: boolean;
  readonly owner?: string;
  readonly template?: JsonObject;
}

/** A Job such as `a-0`; its uid is `a-0/<attempt>.<job attempt>`. */
export function job(
  place: string,
  { attempt = 0, jobAttempt = 0, execution, suspend = false, owner = "js", template = {} }: JobOptions = {},
): JsonObject {
  const [replicatedJob = ""] = place.split("-");
  return {
    metadata: {
      name: `js-${place}`,
      namespace: "ns",
      uid: uidOf(place, attempt, jobAttempt),
      labels: {
        [`${PREFIX}replicatedjob-name`]: replicatedJob,
        [`${PREFIX}restart-attempt`]: String(attempt),
        [`${PREFIX}job-restart-attempt`]: String(jobAttempt),
      },
      annotations: execution === undefined ? {} : { [`${PREFIX}execution-attempt`]: String(execution) },
      ownerReferences: [
        { apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet", name: "js", uid: owner, controller: true },
      ],
    },
    spec: { parallelism: 1, completions: 1, suspend, template },
  };
}

export function uidOf(place: string, attempt = 0, jobAttempt = 0): string {
  return `${place}/${attempt}.${jobAttempt}`;
}

/** A status with one true condition of a Job. */
export function ended(type: string, { reason = "", message = "", time = "2030-01-01T00:00:00Z" } = {}): JsonObject {
  return { conditions: [{ type, status: "True", reason, message, lastTransitionTime: time }] };
}

export function condition(type: string, status: string, words: string, time = "2030-01-01T00:00:00Z"): JsonObject {
  const [reason = ""] = words.split(": ", 1);
  const message = words.slice(reason.length + 2);
  return { type, status, reason, message, lastTransitionTime: time };
}

export const COMPLETED = condition("Completed", "True", "AllJobsCompleted: jobset completed successfully");

export function restarting(job: string): JsonObject {
  const message = `applying RestartJobSet failure policy action (first failed job: ${job})`;
  return condition("RestartingJobSet", "True", `DefaultFailurePolicy: ${message}`);
}

export function counts(name: string, values: Partial<Record<string, unknown>> = {}): JsonObject {
  return { name, ready: 0, succeeded: 0, failed: 0, active: 0, suspended: 0, ...values };
}
