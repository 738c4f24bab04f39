/** Records what watches show, each frame with the time at which it came. */
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { type Api, watch } from "../control_plane/api.ts";

export type RecordedKind = "JobSet" | "Job" | "Pod" | "Event";

export interface Frame {
  /** Milliseconds since the recorder started; Kubernetes' own times are whole seconds. */
  readonly atMs: number;
  readonly kind: RecordedKind;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: JsonObject;
}

const PATHS: Readonly<Record<RecordedKind, string>> = {
  JobSet: "/apis/jobset.x-k8s.io/v1alpha2/jobsets",
  Job: "/apis/batch/v1/jobs",
  Pod: "/api/v1/pods",
  Event: "/apis/events.k8s.io/v1/events",
};

export class Recorder {
  readonly frames: Frame[] = [];
  readonly #api: Api;
  readonly #startedAt = performance.now();
  readonly #abort = new AbortController();
  #loops: readonly Promise<void>[] = [];
  #problem: unknown;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Resolves once nothing that comes later can be missed. */
  async start(): Promise<void> {
    const kinds = Object.keys(PATHS) as RecordedKind[];
    const versions = await Promise.all(kinds.map((kind) => this.#version(PATHS[kind])));
    this.#loops = kinds.map((kind, index) =>
      this.#follow(kind, versions[index] ?? "0").catch((error) => void (this.#problem ??= error))
    );
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Ends it; throws where a watch broke off, as the record then has holes. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#loops);
    if (this.#problem !== undefined) throw this.#problem;
  }

  async #version(path: string): Promise<string> {
    return asString(at(await this.#api.get(`${path}?limit=1`), "metadata", "resourceVersion")) ?? "0";
  }

  async #follow(kind: RecordedKind, since: string): Promise<void> {
    const { signal } = this.#abort;
    let version = since;
    while (!signal.aborted) {
      try {
        for await (const event of watch(this.#api, `${PATHS[kind]}?watch=1&resourceVersion=${version}`, signal)) {
          const { type, object } = event;
          if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED") {
            throw new Error(`record ${kind}s: ${JSON.stringify(object)}`);
          }
          version = asString(at(object, "metadata", "resourceVersion")) ?? version;
          this.frames.push({ atMs: this.elapsedMs, kind, type, object });
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }
}
