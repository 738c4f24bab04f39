/** One namespace of a real cluster as a test sees it: objects go in, states are waited for. */
import { asArray, asInteger, asObject, asString, asStringMap, at, type JsonObject } from "../../src/base/json.ts";
import { type Api, ApiFailure, watch } from "../../scripts/control_plane/api.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import type { Environment, KubectlAnswer } from "./environment.ts";

const JOBSET_API = "/apis/jobset.x-k8s.io/v1alpha2";
const DEADLINE_MS = 30_000;
const LOOK_EVERY_MS = 50;
const LONGEST_STATE = 6000;

/** A condition of a JobSet or a Job. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

/** What an Event of a JobSet says; `count` is that of its series. */
export interface SeenEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly count: number;
}

export type Resource = "jobsets" | "jobs" | "pods" | "services" | "endpointslices" | "pvcs" | "quotas" | "events";

const PREFIXES: Readonly<Record<Resource, readonly [string, string]>> = {
  jobsets: [JOBSET_API, "jobsets"],
  jobs: ["/apis/batch/v1", "jobs"],
  pods: ["/api/v1", "pods"],
  services: ["/api/v1", "services"],
  endpointslices: ["/apis/discovery.k8s.io/v1", "endpointslices"],
  pvcs: ["/api/v1", "persistentvolumeclaims"],
  quotas: ["/api/v1", "resourcequotas"],
  events: ["/apis/events.k8s.io/v1", "events"],
};

/** Every namespace's JobSets, Jobs and so on, by their path; for watches over all of it. */
export function resourcePath(resource: Resource, namespace: string, name?: string): string {
  const [prefix, plural] = PREFIXES[resource];
  return `${prefix}/namespaces/${namespace}/${plural}${name === undefined ? "" : `/${name}`}`;
}

export class Cluster {
  readonly namespace: string;
  readonly environment: Environment;
  readonly api: Api;
  readonly #recordings: Recording[] = [];

  private constructor(environment: Environment, namespace: string) {
    this.environment = environment;
    this.api = environment.api;
    this.namespace = namespace;
  }

  /** A new namespace, empty. */
  static async create(environment: Environment, labels: Readonly<Record<string, string>> = {}): Promise<Cluster> {
    const name = `e2e-${crypto.randomUUID().slice(0, 8)}`;
    const metadata = { name, labels };
    await environment.api.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata });
    return new Cluster(environment, name);
  }

  /** JobSets first, so that no controller fills the namespace again while it is emptied. Not waited for. */
  async remove(): Promise<void> {
    for (const recording of this.#recordings) recording.abort();
    await this.api.delete(this.path("jobsets"));
    await this.api.delete(`/api/v1/namespaces/${this.namespace}`);
  }

  path(resource: Resource, name?: string): string {
    return resourcePath(resource, this.namespace, name);
  }

  list(resource: Resource, query = ""): Promise<readonly JsonObject[]> {
    return this.api.list(`${this.path(resource)}${query === "" ? "" : `?${query}`}`);
  }

  /** The object, or undefined where there is none. */
  async find(resource: Resource, name: string): Promise<JsonObject | undefined> {
    const answer = await this.api.request("GET", this.path(resource, name));
    if (answer.code === 404) return undefined;
    if (answer.code !== 200) throw new ApiFailure(`get ${resource} ${name}`, answer);
    return answer.body;
  }

  get(resource: Resource, name: string): Promise<JsonObject> {
    return this.api.get(this.path(resource, name));
  }

  create(resource: Resource, body: JsonObject): Promise<JsonObject> {
    return this.api.create(`${this.path(resource)}?fieldValidation=Strict`, body);
  }

  /** A merge patch. */
  patch(resource: Resource, name: string, body: JsonObject): Promise<JsonObject> {
    return this.api.patch(this.path(resource, name), body);
  }

  patchStatus(resource: Resource, name: string, status: JsonObject): Promise<JsonObject> {
    return this.api.patch(`${this.path(resource, name)}/status`, { status });
  }

  /** Gives the order; `wait` for it with `eventually`. */
  async delete(resource: Resource, name: string, propagationPolicy = "Background"): Promise<void> {
    await this.api.delete(this.path(resource, name), { propagationPolicy });
  }

  kubectl(...args: readonly string[]): Promise<KubectlAnswer> {
    return this.environment.kubectl(["-n", this.namespace, ...args]);
  }

  jobSet(name: string): Promise<JsonObject> {
    return this.get("jobsets", name);
  }

  /** The child Jobs of a JobSet, by name. */
  async jobs(jobSet: string): Promise<readonly JsonObject[]> {
    return sortByName(await this.list("jobs", `labelSelector=jobset.sigs.k8s.io/jobset-name%3D${jobSet}`));
  }

  async jobNames(jobSet: string): Promise<readonly string[]> {
    return (await this.jobs(jobSet)).map(nameOf);
  }

  /** The Pods of a JobSet, by name. */
  async pods(jobSet: string): Promise<readonly JsonObject[]> {
    return sortByName(await this.list("pods", `labelSelector=jobset.sigs.k8s.io/jobset-name%3D${jobSet}`));
  }

  /** The Events about an object of this name, oldest first. */
  async events(regarding: string): Promise<readonly SeenEvent[]> {
    const found = (await this.list("events")).filter((event) => at(event, "regarding", "name") === regarding);
    const time = (event: JsonObject) => asString(event["eventTime"]) ?? "";
    return found.toSorted((a, b) => time(a) < time(b) ? -1 : 1).map((event) => ({
      type: asString(event["type"]) ?? "",
      reason: asString(event["reason"]) ?? "",
      note: asString(event["note"]) ?? "",
      count: asInteger(at(event, "series", "count")) ?? 1,
    }));
  }

  /**
   * Looks until `look` returns something other than undefined or false, and returns that. Whatever `look` throws counts as "not
   * yet"; it, and the state of the namespace, stand in the error when time is over.
   */
  async eventually<T>(
    what: string,
    look: () => Promise<T | undefined | false>,
    timeoutMs = DEADLINE_MS,
  ): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      let problem: string;
      try {
        const seen = await look();
        if (seen !== undefined && seen !== false) return seen;
        problem = "";
      } catch (error) {
        problem = `\n${error instanceof Error ? error.message : String(error)}`;
      }
      if (performance.now() > deadline) {
        throw new Error(`wait for ${what}: not within ${timeoutMs / 1000} s${problem}\n${await this.describe()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  /** The JobSet once its terminalState is this. */
  terminal(name: string, state: "Completed" | "Failed", timeoutMs?: number): Promise<JsonObject> {
    return this.eventually(`${name} to be ${state}`, async () => {
      const jobSet = await this.jobSet(name);
      return terminalState(jobSet) === state ? jobSet : undefined;
    }, timeoutMs);
  }

  /** The JobSet once a condition has this status. */
  condition(name: string, type: string, status = "True", timeoutMs?: number): Promise<JsonObject> {
    return this.eventually(`${name} to have ${type} ${status}`, async () => {
      const jobSet = await this.jobSet(name);
      return conditionOf(jobSet, type)?.status === status ? jobSet : undefined;
    }, timeoutMs);
  }

  /** The child Jobs once there are exactly this many, none of them being deleted, all of this attempt where one is given. */
  jobCount(name: string, count: number, attempt?: number, timeoutMs?: number): Promise<readonly JsonObject[]> {
    const of = attempt === undefined ? "" : ` of attempt ${attempt}`;
    return this.eventually(`${count} Jobs${of} of ${name}`, async () => {
      const jobs = await this.jobs(name);
      const isRight = (job: JsonObject) => !isDeleting(job) && (attempt === undefined || attemptOf(job) === attempt);
      return jobs.length === count && jobs.every(isRight) ? jobs : undefined;
    }, timeoutMs);
  }

  /** An Event of this reason about the JobSet. */
  event(name: string, reason: string): Promise<SeenEvent> {
    const find = async () => (await this.events(name)).find((event) => event.reason === reason);
    return this.eventually(`an Event ${reason} of ${name}`, find);
  }

  /** Records what a watch shows from now on, until it is stopped. */
  async record(resource: Resource): Promise<Recording> {
    const list = await this.api.get(this.path(resource));
    const version = asString(at(list, "metadata", "resourceVersion")) ?? "0";
    const recording = new Recording(this.api, this.path(resource), version);
    this.#recordings.push(recording);
    return recording;
  }

  /** The state of the namespace in few words, for error messages. */
  async describe(): Promise<string> {
    const resources: readonly Resource[] = ["jobsets", "jobs", "pods"];
    const lists = await Promise.all(resources.map((resource) => this.list(resource).catch(() => [])));
    const lines = resources.flatMap((resource, index) => (lists[index] ?? []).map((item) => describe(resource, item)));
    const events = (await this.list("events").catch(() => [])).map((event) =>
      `event ${asString(event["reason"])} of ${asString(at(event, "regarding", "name"))}: ${asString(event["note"])}`
    );
    return [`namespace ${this.namespace}:`, ...lines, ...events.slice(-10)].join("\n").slice(0, LONGEST_STATE);
  }
}

/** The frames of a watch, in order. */
export class Recording {
  readonly frames: { readonly type: string; readonly object: JsonObject }[] = [];
  readonly #api: Api;
  readonly #path: string;
  readonly #since: string;
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;

  constructor(api: Api, path: string, since: string) {
    this.#api = api;
    this.#path = path;
    this.#since = since;
    this.#done = this.#run();
    this.#done.catch(() => undefined); // told by stop
  }

  /** Ends it once it has seen all that a list shows now; throws where the watch broke off before. */
  async stop(): Promise<void> {
    const list = await this.#api.get(this.#path);
    await waitFor("the recording to catch up", { timeoutMs: DEADLINE_MS, check: () => this.#hasSeen(list) });
    this.abort();
    await this.#done;
  }

  abort(): void {
    this.#abort.abort();
  }

  /** Whether every object of the list was seen in its state there or a later one, and every other one is gone or newer. */
  #hasSeen(list: JsonObject): boolean {
    const seen = new Map(this.frames.map(({ type, object }) => [uidOf(object), { type, version: versionOf(object) }]));
    const items = new Map(asArray(list["items"]).map((item) => [uidOf(item), versionOf(item)]));
    const isCurrent = ([uid, version]: readonly [string, number]) =>
      version <= Number(this.#since) || version <= (seen.get(uid)?.version ?? 0);
    return [...items].every(isCurrent) &&
      [...seen].every(([uid, { type, version }]) => type === "DELETED" || items.has(uid) || version > versionOf(list));
  }

  /** The API server ends a watch that it cannot push to fast enough: it goes on from the last frame. */
  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const last = this.frames.at(-1);
      const version = last === undefined ? this.#since : String(versionOf(last.object));
      try {
        for await (const event of watch(this.#api, `${this.#path}?watch=1&resourceVersion=${version}`, signal)) {
          if (event.type === "ERROR") throw new Error(`record ${this.#path}: ${JSON.stringify(event.object)}`);
          this.frames.push(event);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }
}

function versionOf(object: unknown): number {
  return Number(at(object, "metadata", "resourceVersion"));
}

export function nameOf(object: unknown): string {
  return asString(at(object, "metadata", "name")) ?? "";
}

export function uidOf(object: unknown): string {
  return asString(at(object, "metadata", "uid")) ?? "";
}

export function labelsOf(object: unknown): Readonly<Record<string, string>> {
  return asStringMap(at(object, "metadata", "labels"));
}

export function annotationsOf(object: unknown): Readonly<Record<string, string>> {
  return asStringMap(at(object, "metadata", "annotations"));
}

export function isDeleting(object: unknown): boolean {
  return at(object, "metadata", "deletionTimestamp") !== undefined;
}

/** The uid of its first owner. */
export function ownerUidOf(object: unknown): string {
  return asString(at(asArray(at(object, "metadata", "ownerReferences"))[0], "uid")) ?? "";
}

/** The restart attempt that a Job or a Pod belongs to. */
export function attemptOf(object: unknown): number {
  return Number(labelsOf(object)["jobset.sigs.k8s.io/restart-attempt"]);
}

export function terminalState(jobSet: unknown): string {
  return asString(at(jobSet, "status", "terminalState")) ?? "";
}

export function restartsOf(jobSet: unknown): number {
  return asInteger(at(jobSet, "status", "restarts")) ?? -1;
}

export function conditionsOf(object: unknown): readonly Condition[] {
  return asArray(at(object, "status", "conditions")).map((entry) => {
    const field = (name: string) => asString(at(entry, name)) ?? "";
    return {
      type: field("type"),
      status: field("status"),
      reason: field("reason"),
      message: field("message"),
      lastTransitionTime: field("lastTransitionTime"),
    };
  });
}

export function conditionOf(object: unknown, type: string): Condition | undefined {
  return conditionsOf(object).find((condition) => condition.type === type);
}

/** The counters of one replicatedJob (spec 1.2). */
export function countersOf(jobSet: unknown, replicatedJob: string): JsonObject {
  const entries = asArray(at(jobSet, "status", "replicatedJobsStatus"));
  return asObject(entries.find((entry) => at(entry, "name") === replicatedJob)) ?? {};
}

function sortByName(objects: readonly JsonObject[]): readonly JsonObject[] {
  return objects.toSorted((a, b) => nameOf(a) < nameOf(b) ? -1 : 1);
}

function describe(resource: Resource, item: JsonObject): string {
  const deleting = isDeleting(item) ? " (being deleted)" : "";
  const what = resource === "pods" ? `${asString(at(item, "status", "phase"))}` : JSON.stringify(item["status"]);
  const suspend = resource === "jobs" ? ` suspend=${String(at(item, "spec", "suspend"))}` : "";
  return `${resource.slice(0, -1)} ${nameOf(item)}${deleting}${suspend}: ${what}`;
}
