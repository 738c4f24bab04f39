/** What the users of a play have: a namespace, and requests that are made again until they are answered. */
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { ApiFailure } from "../../scripts/control_plane/api.ts";
import type { Cluster } from "../e2e/cluster.ts";
import { isFinishedJob, jobFacts } from "./facts.ts";
import type { Judge } from "./judge.ts";
import type { Life } from "./life.ts";

const RETRY_MS = 200;
const LOOK_MS = 50;

export class Stage {
  readonly cluster: Cluster;
  readonly judge: Judge;
  readonly #byHand: Set<string>;
  readonly #signal: AbortSignal;

  /** `byHand` is told the uids of what the users delete. */
  constructor(parts: {
    readonly cluster: Cluster;
    readonly judge: Judge;
    readonly byHand: Set<string>;
    readonly signal: AbortSignal;
  }) {
    this.cluster = parts.cluster;
    this.judge = parts.judge;
    this.#byHand = parts.byHand;
    this.#signal = parts.signal;
  }

  life(name: string): Life | undefined {
    return this.judge.find(this.cluster.namespace, name);
  }

  async create(body: JsonObject): Promise<void> {
    await this.#persist(() => this.cluster.create("jobsets", body), 409);
  }

  async patch(name: string, body: JsonObject): Promise<void> {
    await this.#persist(() => this.cluster.patch("jobsets", name, body), 404);
  }

  /** Resolves once that object is gone; another of the same name may be there by then. */
  async remove(name: string, propagation: "Background" | "Foreground"): Promise<void> {
    const uid = this.life(name)?.uid;
    if (uid === undefined) return;
    this.#byHand.add(uid);
    const options = { propagationPolicy: propagation, preconditions: { uid } };
    await this.#persist(() => this.cluster.api.delete(this.cluster.path("jobsets", name), options), 404, 409);
    await this.until(() => this.life(name)?.uid !== uid);
  }

  /** Deletes a child Job as a user would; nothing where it is gone. */
  async removeJob(job: { readonly uid: string; readonly name: string }): Promise<void> {
    this.#byHand.add(job.uid);
    const options = { propagationPolicy: "Foreground", preconditions: { uid: job.uid } };
    await this.#persist(() => this.cluster.api.delete(this.cluster.path("jobs", job.name), options), 404, 409);
  }

  async removeService(name: string): Promise<void> {
    await this.#persist(() => this.cluster.delete("services", name), 404);
  }

  /** Fails a Job that nobody runs; nothing where it is gone. */
  async fail(job: { readonly uid: string; readonly name: string }): Promise<void> {
    await this.#end(job, ["FailureTarget", "Failed"], () => ({}));
  }

  async complete(job: { readonly uid: string; readonly name: string }): Promise<void> {
    await this.#end(job, ["SuccessCriteriaMet", "Complete"], (endTime) => {
      return { completionTime: endTime, succeeded: 1, completedIndexes: "0" };
    });
  }

  /** Waits as long as it takes; rejects when the run ends. */
  async until(check: () => boolean): Promise<void> {
    while (!check()) await this.sleep(LOOK_MS);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#signal.aborted) return reject(this.#signal.reason);
      const abort = () => {
        clearTimeout(timer);
        reject(this.#signal.reason);
      };
      const timer = setTimeout(() => {
        this.#signal.removeEventListener("abort", abort);
        resolve();
      }, ms);
      this.#signal.addEventListener("abort", abort, { once: true });
    });
  }

  async #end(
    job: { readonly uid: string; readonly name: string },
    types: readonly string[],
    more: (endTime: string) => JsonObject,
  ): Promise<void> {
    await this.#persist(
      async () => {
        const stored = await this.cluster.get("jobs", job.name);
        // It is another by now, or an earlier try took effect and its answer was lost.
        if (at(stored, "metadata", "uid") !== job.uid || isFinishedJob(jobFacts(stored))) return;
        const now = time();
        const startTime = asString(at(stored, "status", "startTime")) ?? now;
        const conditions = types.map((type) => ({
          type,
          status: "True",
          reason: "ByHand",
          message: "",
          lastProbeTime: time(),
          lastTransitionTime: time(),
        }));
        const status = { startTime, active: 0, ready: 0, ...more(now), conditions };
        const body = { metadata: { uid: job.uid }, status };
        await this.cluster.api.patch(`${this.cluster.path("jobs", job.name)}/status`, body);
      },
      404,
      409,
    );
  }

  /** Sends a request until it is done, or answered with one of these codes. */
  async #persist(send: () => Promise<unknown>, ...done: readonly number[]): Promise<void> {
    for (;;) {
      try {
        return void await send();
      } catch (error) {
        if (error instanceof ApiFailure && done.includes(error.code)) return;
        if (isOfAnother(error)) return;
        // What no repetition changes is a defect of the play.
        if (error instanceof ApiFailure && [400, 403, 422].includes(error.code)) throw error;
        await this.sleep(RETRY_MS);
      }
    }
  }
}

/** The object was replaced by another of its name, whose uid is not the one that was sent. */
export function isOfAnother(error: unknown): boolean {
  return error instanceof ApiFailure && error.code === 422 && error.message.includes("metadata.uid");
}

/** As the API writes times: whole seconds. */
function time(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}
