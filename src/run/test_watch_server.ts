/** For tests: an API server as far as watches see it. */
import { at, type JsonObject } from "../base/json.ts";
import { ApiError } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";

interface Stream {
  readonly path: string;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
}

export class TestWatchServer implements KubeClient {
  /** Every stream and request that was asked for. */
  readonly asked: KubeRequest[] = [];
  readonly #objects = new Map<string, Map<string, JsonObject>>();
  readonly #refusals = new Map<string, ApiError>();
  readonly #streams = new Set<Stream>();
  readonly #silent = new Set<string>();
  #version = 100;

  /** The paths of the streams that are open now. */
  get watched(): string[] {
    return [...this.#streams].map(({ path }) => path).sort();
  }

  /** How often a watch of this path was opened. */
  opened(path: string): number {
    return this.asked.filter((request) => request.path === path && request.query?.["watch"] === "1").length;
  }

  /** From now on this path is refused, and streams of it end; undefined: served again. */
  refuse(path: string, status: number | undefined): void {
    if (status === undefined) return void this.#refusals.delete(path);
    const error = new ApiError({
      status,
      reason: status === 403 ? "Forbidden" : "Network",
      message: `refused: ${status}`,
    });
    this.#refusals.set(path, error);
    for (const stream of this.#streams) {
      if (stream.path !== path) continue;
      this.#streams.delete(stream);
      stream.controller.error(error);
    }
  }

  put(path: string, object: JsonObject): void {
    const name = String(at(object, "metadata", "name"));
    const objects = this.#objects.get(path) ?? new Map<string, JsonObject>();
    this.#objects.set(path, objects);
    const type = objects.has(name) ? "MODIFIED" : "ADDED";
    const stored = this.#stored(object, name);
    objects.set(name, stored);
    this.#send(path, { type, object: stored });
  }

  remove(path: string, name: string): void {
    const object = this.#objects.get(path)?.get(name);
    if (object === undefined) return;
    this.#objects.get(path)?.delete(name);
    this.#send(path, { type: "DELETED", object: this.#stored(object, name) });
  }

  /** From now on streams of this path tell nothing, and do not end. */
  silence(path: string): void {
    this.#silent.add(path);
  }

  /** Watches and whole lists are served. */
  request(request: KubeRequest): Promise<unknown> {
    this.asked.push(request);
    const objects = request.method === "GET" ? this.#objects.get(request.path) : undefined;
    const refusal = this.#refusals.get(request.path);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (objects !== undefined) {
      return Promise.resolve({ metadata: { resourceVersion: String(this.#version) }, items: [...objects.values()] });
    }
    return Promise.reject(new Error(`${request.path} is not served here`));
  }

  async stream(request: KubeRequest): Promise<ReadableStream<Uint8Array>> {
    this.asked.push(request);
    const { path, query, signal } = request;
    await Promise.resolve();
    const refusal = this.#refusals.get(path);
    if (refusal !== undefined) throw refusal;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        const stream = { path, controller };
        this.#streams.add(stream);
        signal?.addEventListener("abort", () => {
          if (this.#streams.delete(stream)) controller.error(signal.reason);
        }, { once: true });
        if (query?.["sendInitialEvents"] !== "true") return;
        for (const object of this.#objects.get(path)?.values() ?? []) write(stream, { type: "ADDED", object });
        const annotations = { "k8s.io/initial-events-end": "true" };
        const metadata = { resourceVersion: String(this.#version), annotations };
        write(stream, { type: "BOOKMARK", object: { metadata } });
      },
    });
  }

  #stored(object: JsonObject, name: string): JsonObject {
    this.#version++;
    const metadata = { uid: `uid-${name}`, ...Object(object["metadata"]), resourceVersion: String(this.#version) };
    return { ...object, metadata };
  }

  #send(path: string, event: JsonObject): void {
    if (this.#silent.has(path)) return;
    for (const stream of this.#streams) {
      if (stream.path === path) write(stream, event);
    }
  }
}

function write({ controller }: Stream, event: JsonObject): void {
  controller.enqueue(new TextEncoder().encode(`${JSON.stringify(event)}\n`));
}
