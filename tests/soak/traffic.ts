/** JobSets that come and go at a steady pace; their Jobs are run by hand, through writes of their status. */
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { type Api, ApiFailure, watch } from "../../scripts/control_plane/api.ts";
import { type Cluster, isDeleting, nameOf } from "../e2e/cluster.ts";
import { isOfAnother } from "../chaos/stage.ts";
import { byHand, jobSet } from "../e2e/job_sets.ts";

/** One in so many restarts once before it ends. */
const RESTARTED = 5;
/** One in so many is deleted while its Jobs run; of the others half go by their TTL and half by hand. */
const DELETED_EARLY = 11;
const RUN_MS = 1_000;
const RETRY_MS = 250;
/** Where the machine is too slow for the pace, no more than so many are let stand. */
const MAX_STANDING = 200;

export interface TrafficOptions {
  readonly cluster: Cluster;
  readonly perSecond: number;
  readonly report: (line: string) => void;
}

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #abort = new AbortController();
  readonly #busy = new Set<Promise<void>>();
  #created = 0;
  #gone = 0;
  #failures = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  get created(): number {
    return this.#created;
  }

  /** JobSets that came and went. */
  get gone(): number {
    return this.#gone;
  }

  get failures(): number {
    return this.#failures;
  }

  start(): void {
    this.#spawn(this.#create());
    this.#spawn(this.#follow("jobs", (object) => this.#onJob(object)));
    this.#spawn(this.#follow("jobsets", (object, type) => this.#onJobSet(object, type)));
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#busy);
  }

  /** At the pace asked for, whatever the answers; a pace that can't be kept shows in `created`. */
  async #create(): Promise<void> {
    const { perSecond } = this.#options;
    const startedAt = performance.now();
    while (!this.#abort.signal.aborted) {
      const due = Math.floor((performance.now() - startedAt) / 1000 * perSecond);
      while (this.#created < due && this.#created - this.#gone < MAX_STANDING) {
        const index = this.#created++;
        this.#spawn(this.#try(() => this.#options.cluster.create("jobsets", this.#jobSet(index))));
      }
      await this.#pause(20);
    }
  }

  #jobSet(index: number): JsonObject {
    const ttl = index % 2 === 0 ? { ttlSecondsAfterFinished: 1 } : {};
    return jobSet(`js-${index}`, [byHand("a"), byHand("b")], { failurePolicy: { maxRestarts: 3 }, ...ttl });
  }

  /** A new Job fails or completes a little later. */
  #onJob(job: JsonObject): void {
    if (isDeleting(job) || at(job, "status", "startTime") !== undefined) return;
    const jobSet = asString(at(job, "metadata", "labels", "jobset.sigs.k8s.io/jobset-name")) ?? "";
    const index = Number(jobSet.slice("js-".length));
    const attempt = at(job, "metadata", "labels", "jobset.sigs.k8s.io/restart-attempt");
    const fails = index % RESTARTED === 0 && attempt === "0" && nameOf(job).endsWith("-a-0");
    this.#spawn(this.#after(RUN_MS, async () => {
      if (index % DELETED_EARLY === 0 && index % RESTARTED !== 0) return await this.#remove(jobSet);
      await this.#end(job, fails);
    }));
  }

  #onJobSet(object: JsonObject, type: string): void {
    if (type === "DELETED") this.#gone += 1;
    const isFinished = (asString(at(object, "status", "terminalState")) ?? "") !== "";
    if (type === "DELETED" || !isFinished || isDeleting(object)) return;
    if (at(object, "spec", "ttlSecondsAfterFinished") !== undefined) return;
    this.#spawn(this.#after(RUN_MS, () => this.#remove(nameOf(object))));
  }

  async #end(job: JsonObject, fails: boolean): Promise<void> {
    const { cluster } = this.#options;
    const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    const types = fails ? ["FailureTarget", "Failed"] : ["SuccessCriteriaMet", "Complete"];
    const times = { lastProbeTime: now, lastTransitionTime: now };
    const conditions = types.map((type) => ({ type, status: "True", reason: "ByHand", message: "", ...times }));
    const done = fails ? {} : { completionTime: now, succeeded: 1, completedIndexes: "0" };
    const body = {
      metadata: { uid: at(job, "metadata", "uid") },
      status: { startTime: now, active: 0, ready: 0, ...done, conditions },
    };
    await this.#try(() => cluster.api.patch(`${cluster.path("jobs", nameOf(job))}/status`, body));
  }

  #remove(name: string): Promise<void> {
    return this.#try(() => this.#options.cluster.delete("jobsets", name));
  }

  async #follow(resource: "jobs" | "jobsets", see: (object: JsonObject, type: string) => void): Promise<void> {
    const { cluster: { api }, cluster } = this.#options;
    const { signal } = this.#abort;
    let version = await newestVersion(api, cluster.path(resource));
    while (!signal.aborted) {
      try {
        const query = `watch=1&resourceVersion=${version}`;
        for await (const { type, object } of watch(api, `${cluster.path(resource)}?${query}`, signal)) {
          if (type === "ERROR") throw new Error(`follow ${resource}: ${JSON.stringify(object)}`);
          version = asString(at(object, "metadata", "resourceVersion")) ?? version;
          see(object, type);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#options.report(error instanceof Error ? error.message : String(error));
        version = await newestVersion(api, cluster.path(resource)).catch(() => version);
        await this.#pause(RETRY_MS);
      }
    }
  }

  /** What is gone already is done; anything else counts as a failure. */
  async #try(send: () => Promise<unknown>): Promise<void> {
    try {
      await send();
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      if (isOfAnother(error) || (error instanceof ApiFailure && (error.code === 404 || error.code === 409))) return;
      this.#failures += 1;
      if (this.#failures < 10) this.#options.report(error instanceof Error ? error.message : String(error));
    }
  }

  async #after(ms: number, act: () => Promise<void>): Promise<void> {
    await this.#pause(ms);
    if (!this.#abort.signal.aborted) await act();
  }

  #spawn(work: Promise<void>): void {
    this.#busy.add(work);
    void work.finally(() => this.#busy.delete(work));
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end, { once: true });
    });
  }
}

async function newestVersion(api: Api, path: string): Promise<string> {
  return asString(at(await api.get(`${path}?limit=1`), "metadata", "resourceVersion")) ?? "0";
}
