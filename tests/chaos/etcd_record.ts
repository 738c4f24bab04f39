/**
 * Every write of JobSets and Jobs, heard from etcd itself: unlike a watch of the API server it loses none, whoever is killed. The
 * API server must store JSON (`STORAGE_FLAG`).
 */
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import type { ControlPlane } from "../../scripts/control_plane.ts";
import type { Frame } from "./frame.ts";

export const STORAGE_FLAG = "--storage-media-type=application/json";

/** Both kinds' keys begin so: `/registry/jobs/NS/NAME` and `/registry/jobset.x-k8s.io/jobsets/NS/NAME`. */
const PREFIX = "/registry/job";
const PREFIX_END = "/registry/joc";
const MARK = btoa(`${PREFIX}-mark`);
const KEY = /^\/registry\/(jobs|jobset\.x-k8s\.io\/jobsets)\/([^/]+)\/([^/]+)$/;
const RETRY_MS = 100;

export class EtcdRecord {
  readonly #controlPlane: ControlPlane;
  readonly #onFrame: (frame: Frame) => void;
  readonly #abort = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  readonly #stored = new Map<string, JsonObject>();
  #done: Promise<void> = Promise.resolve();
  #revision = 0;
  #frames = 0;

  private constructor(controlPlane: ControlPlane, onFrame: (frame: Frame) => void) {
    this.#controlPlane = controlPlane;
    this.#onFrame = onFrame;
    this.#failed.promise.catch(() => undefined); // told by whoever awaits it
  }

  /** Begins with what is written from now on; there must be no JobSet and no Job yet. */
  static async start(controlPlane: ControlPlane, onFrame: (frame: Frame) => void): Promise<EtcdRecord> {
    const record = new EtcdRecord(controlPlane, onFrame);
    record.#revision = await record.#currentRevision();
    record.#done = record.#run();
    return record;
  }

  /** Rejects where the record has a gap: nothing can be judged after that. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  get frames(): number {
    return this.#frames;
  }

  /** Resolves once all that is stored now was heard. */
  async caughtUp(): Promise<void> {
    // An etcd that is full takes deletes only: so a mark lies ready to be deleted.
    const removed = await this.#controlPlane.etcd("/v3/kv/deleterange", { key: MARK });
    if (at(removed, "deleted") === undefined) await this.#mark();
    else await this.#reach(removed);
    await this.#mark().catch(() => undefined); // it is full
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  async #mark(): Promise<void> {
    await this.#reach(await this.#controlPlane.etcd("/v3/kv/put", { key: MARK, value: btoa("mark") }));
  }

  async #reach(answer: unknown): Promise<void> {
    const revision = Number(asString(at(answer, "header", "revision")));
    while (this.#revision < revision && !this.#abort.signal.aborted) await pause();
  }

  async #currentRevision(): Promise<number> {
    const range = await this.#controlPlane.etcd("/v3/kv/range", { key: btoa(PREFIX), limit: "1" });
    return Number(asString(at(range, "header", "revision")));
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#watch(signal);
      } catch {
        // etcd is away, perhaps on purpose.
      }
      if (!signal.aborted) await pause();
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const create = { key: btoa(PREFIX), range_end: btoa(PREFIX_END), start_revision: String(this.#revision + 1) };
    const response = await fetch(`${this.#controlPlane.etcdUrl}/v3/watch`, {
      method: "POST",
      body: JSON.stringify({ create_request: create }),
      signal,
      timeout: false,
    });
    if (response.body === null) return;
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of response.body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") this.#hearOrFail(line);
    }
  }

  /** What goes wrong here is no failure of etcd's, and would be the same the next time. */
  #hearOrFail(line: string): void {
    if (this.#abort.signal.aborted) return;
    try {
      this.#hear(asObject(JSON.parse(line)) ?? {});
    } catch (error) {
      this.#failed.reject(error);
      this.#abort.abort();
    }
  }

  #hear(message: JsonObject): void {
    const result = at(message, "result");
    if (at(result, "canceled") === true) {
      this.#failed.reject(new Error(`record from etcd after revision ${this.#revision}: ${JSON.stringify(result)}`));
      return this.#abort.abort();
    }
    for (const event of asArray(at(result, "events"))) this.#store(event);
  }

  #store(event: unknown): void {
    const revision = Number(at(event, "kv", "mod_revision"));
    const key = atob(asString(at(event, "kv", "key")) ?? "");
    const [, resource, namespace = "", name = ""] = KEY.exec(key) ?? [];
    if (resource !== undefined) {
      const isDelete = asString(at(event, "type")) === "DELETE";
      const before = this.#stored.get(key);
      const object = isDelete ? before : decode(asString(at(event, "kv", "value")) ?? "");
      if (object === undefined) throw new Error(`record from etcd: "${key}" is deleted and was never there`);
      if (isDelete) this.#stored.delete(key);
      else this.#stored.set(key, object);
      this.#frames += 1;
      const verb = isDelete ? "delete" : before === undefined ? "create" : "update";
      const kind = resource === "jobs" ? "Job" : "JobSet";
      this.#onFrame({ kind, verb, namespace, name, object, revision, atMs: performance.now() });
    }
    this.#revision = revision;
  }
}

function decode(base64: string): JsonObject {
  return asObject(JSON.parse(Buffer.from(base64, "base64").toString("utf8"))) ?? {};
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, RETRY_MS));
}
