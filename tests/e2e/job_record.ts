/** Every child Job that a namespace ever had, whatever becomes of the watch: Jobs made once too often show here. */
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { watch } from "../../scripts/control_plane/api.ts";
import { attemptOf, type Cluster, isDeleting, labelsOf, nameOf, uidOf } from "./cluster.ts";

export interface RecordedJob {
  readonly uid: string;
  readonly name: string;
  readonly jobSet: string;
  readonly attempt: number;
  /** When it was seen first, by the monotonic clock. */
  readonly seenAtMs: number;
  /** Its deletion was asked for, or it is gone. */
  isDeleted: boolean;
}

const PAUSE_MS = 100;

export class JobRecord {
  readonly #cluster: Cluster;
  readonly #jobs = new Map<string, RecordedJob>();
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #version = "";

  private constructor(cluster: Cluster, version: string) {
    this.#cluster = cluster;
    this.#version = version;
    this.#done = this.#run();
  }

  /** Begins with an empty namespace, or at least with no Job that matters. */
  static async start(cluster: Cluster): Promise<JobRecord> {
    const list = await cluster.api.get(cluster.path("jobs"));
    return new JobRecord(cluster, asString(at(list, "metadata", "resourceVersion")) ?? "0");
  }

  get all(): readonly RecordedJob[] {
    return [...this.#jobs.values()];
  }

  of(jobSet: string, attempt?: number): readonly RecordedJob[] {
    return this.all.filter((job) => job.jobSet === jobSet && (attempt === undefined || job.attempt === attempt));
  }

  /** How many Jobs each restart attempt had, such as `{ "0": 4, "1": 4 }`. */
  counts(jobSet: string): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { attempt } of this.of(jobSet)) counts[attempt] = (counts[attempt] ?? 0) + 1;
    return counts;
  }

  /** Looks a last time at what is there, and ends. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
    await this.#list();
  }

  async #run(): Promise<void> {
    const { api } = this.#cluster;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const path = `${this.#cluster.path("jobs")}?watch=1&resourceVersion=${this.#version}`;
        for await (const { type, object } of watch(api, path, signal)) {
          if (type === "ERROR") break;
          this.#see(object, type === "DELETED");
          this.#version = asString(at(object, "metadata", "resourceVersion")) ?? this.#version;
        }
        if (!signal.aborted) await this.#list();
      } catch {
        // The API server is away, perhaps on purpose.
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        await this.#list().catch(() => undefined);
      }
    }
  }

  async #list(): Promise<void> {
    const list = await this.#cluster.api.get(this.#cluster.path("jobs"));
    for (const item of await this.#cluster.list("jobs")) this.#see(item, false);
    this.#version = asString(at(list, "metadata", "resourceVersion")) ?? this.#version;
  }

  #see(object: JsonObject, isGone: boolean): void {
    const uid = uidOf(object);
    const known = this.#jobs.get(uid);
    const isDeleted = isGone || isDeleting(object) || known?.isDeleted === true;
    const jobSet = labelsOf(object)["jobset.sigs.k8s.io/jobset-name"] ?? "";
    const seenAtMs = known?.seenAtMs ?? performance.now();
    this.#jobs.set(uid, { uid, name: nameOf(object), jobSet, attempt: attemptOf(object), seenAtMs, isDeleted });
  }
}
