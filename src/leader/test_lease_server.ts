/** One Lease in memory, as an API server keeps it, and clients on a bad network: for the tests of this folder. */
import type { Clock, Timer } from "../base/clock.ts";
import type { FakeClock } from "../base/fake_clock.ts";
import { asObject, asString, at, type JsonObject } from "../base/json.ts";
import { ApiError } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";

interface LeaseEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: JsonObject;
}

export const NAMESPACE = "jobset-system";
export const NAME = "election";
const COLLECTION = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;

export class LeaseServer {
  /** What it was asked to write, taken or not. */
  readonly writes: { readonly method: string; readonly body: JsonObject }[] = [];
  readonly #history: LeaseEvent[] = [];
  readonly #listeners = new Set<(event: LeaseEvent) => void>();
  #lease: JsonObject | undefined;
  #version = 1000;
  /** Takes no notice of resourceVersions: what no API server does. For tests of the tests. */
  isCareless = false;

  get lease(): JsonObject | undefined {
    return this.#lease;
  }

  get version(): string {
    return String(this.#version);
  }

  spec(field: string): unknown {
    return at(this.#lease, "spec", field);
  }

  /** As some other client would write it. */
  put(spec: JsonObject, metadata: JsonObject = {}): void {
    this.#store({ metadata: { ...asObject(this.#lease?.["metadata"]), ...metadata }, spec });
  }

  delete(): void {
    if (this.#lease === undefined) return;
    this.#version += 1;
    const metadata = { ...asObject(this.#lease["metadata"]), resourceVersion: this.version };
    const object = { ...this.#lease, metadata };
    this.#lease = undefined;
    this.#emit({ type: "DELETED", object });
  }

  serve({ method, path, body }: KubeRequest): JsonObject {
    const object = asObject(body) ?? {};
    if (method !== "GET") this.writes.push({ method, body: object });
    if (method === "POST") {
      if (path !== COLLECTION) throw new Error(`POST ${path}`);
      if (this.#lease !== undefined) throw refusal(409, "AlreadyExists");
      return this.#store(object);
    }
    if (path !== `${COLLECTION}/${NAME}`) throw new Error(`${method} ${path}`);
    if (this.#lease === undefined) throw refusal(404, "NotFound");
    if (method === "GET") return this.#lease;
    const isStale = ["uid", "resourceVersion"].some((field) =>
      at(object, "metadata", field) !== at(this.#lease, "metadata", field)
    );
    if (isStale && !this.isCareless) throw refusal(409, "Conflict");
    return this.#store(object);
  }

  /** The events after a version; without one, the state first and the bookmark that ends it. */
  watch(since: string | undefined, listen: (event: JsonObject) => void): () => void {
    if (since === undefined) {
      if (this.#lease !== undefined) listen({ type: "ADDED", object: this.#lease });
      const annotations = { "k8s.io/initial-events-end": "true" };
      listen({ type: "BOOKMARK", object: { metadata: { resourceVersion: this.version, annotations } } });
    } else {
      const version = (event: LeaseEvent) => Number(at(event.object, "metadata", "resourceVersion"));
      for (const event of this.#history) if (version(event) > Number(since)) listen({ ...event });
    }
    const listener = (event: LeaseEvent) => listen({ ...event });
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #store(object: JsonObject): JsonObject {
    const isNew = this.#lease === undefined;
    this.#version += 1;
    const uid = asString(at(this.#lease, "metadata", "uid")) ?? `uid-${this.#version}`;
    const metadata = { ...asObject(object["metadata"]), namespace: NAMESPACE, name: NAME, uid };
    this.#lease = { ...object, kind: "Lease", metadata: { ...metadata, resourceVersion: this.version } };
    this.#emit({ type: isNew ? "ADDED" : "MODIFIED", object: this.#lease });
    return this.#lease;
  }

  #emit(event: LeaseEvent): void {
    this.#history.push(event);
    for (const listen of [...this.#listeners]) listen(event);
  }
}

/** What the network does to one request; the delays are there and back. */
export interface Fate {
  readonly delaysMs: readonly [number, number];
  readonly fails?: "refused" | "unanswered" | "lostAnswer" | undefined;
  /** The server answers this error instead. */
  readonly error?: { readonly status: number; readonly reason: string } | undefined;
}

export const AT_ONCE: Fate = { delaysMs: [0, 0] };

/** A process's connection to the server. What it hears it hears by its own clock: not while it is stopped. */
export class LeaseClient implements KubeClient {
  /** Draws the fate of each request, and of each watch. */
  fate: (request: KubeRequest) => Fate = () => AT_ONCE;
  readonly requests: KubeRequest[] = [];
  readonly #server: LeaseServer;
  readonly #world: Clock;
  readonly #own: Clock;
  readonly #streams = new Set<(error: Error) => void>();

  constructor(server: LeaseServer, { world, own }: { world: Clock; own: Clock }) {
    this.#server = server;
    this.#world = world;
    this.#own = own;
  }

  request(request: KubeRequest): Promise<unknown> {
    this.requests.push(request);
    const { delaysMs: [thereMs, backMs], fails, error } = this.fate(request);
    return new Promise((resolve, reject) => {
      if (request.signal?.aborted) return reject(request.signal.reason);
      request.signal?.addEventListener("abort", () => reject(request.signal?.reason), { once: true });
      const back = (answer: () => void) => void this.#own.after(backMs, answer);
      this.#world.after(thereMs, () => {
        if (fails === "unanswered") return;
        if (fails === "refused") return back(() => reject(refusal(0, "Network")));
        if (error !== undefined) return back(() => reject(refusal(error.status, error.reason)));
        try {
          const answer = structuredClone(this.#server.serve(request));
          if (fails !== "lostAnswer") back(() => resolve(answer));
        } catch (refused) {
          back(() => reject(refused));
        }
      });
    });
  }

  async stream(request: KubeRequest): Promise<ReadableStream<Uint8Array>> {
    const { delaysMs: [delayMs], fails, error } = this.fate(request);
    await new Promise<void>((resolve) => this.#own.after(delayMs, resolve));
    if (request.signal?.aborted) throw request.signal.reason;
    if (fails !== undefined) throw refusal(0, "Network");
    if (error !== undefined) throw refusal(error.status, error.reason);
    if (request.query?.["fieldSelector"] !== `metadata.name=${NAME}`) throw new Error("watch: no fieldSelector");
    let unwatch = () => {};
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        const send = (event: JsonObject) => {
          const line = new TextEncoder().encode(`${JSON.stringify(event)}\n`);
          this.#own.after(delayMs, () => this.#streams.has(end) && controller.enqueue(line));
        };
        const end = (reason: Error) => {
          unwatch();
          if (this.#streams.delete(end)) controller.error(reason);
        };
        this.#streams.add(end);
        request.signal?.addEventListener("abort", () => end(new Error("aborted")), { once: true });
        unwatch = this.#server.watch(request.query?.["resourceVersion"], send);
      },
    });
  }

  /** Cuts the open watches off. */
  cut(): void {
    for (const end of [...this.#streams]) end(new Error("cut off"));
  }

  /** How many times it was asked. */
  count(method: string): number {
    return this.requests.filter((request) => request.method === method).length;
  }
}

/** A process's view of time: it may be stopped (SIGSTOP), and its wall clock may be set. */
export class ProcessClock implements Clock {
  readonly #world: FakeClock;
  /** What fell due while the process stood still. */
  readonly #held: (() => void)[] = [];
  #isStopped = false;
  wallOffsetMs = 0;
  /** What the monotonic clock did not count: the machine was suspended. */
  suspendedMs = 0;

  constructor(world: FakeClock) {
    this.#world = world;
  }

  now(): number {
    return this.#world.now() + this.wallOffsetMs;
  }

  monotonic(): number {
    return this.#world.monotonic() - this.suspendedMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    let isCancelled = false;
    const due = () => {
      if (isCancelled) return;
      if (this.#isStopped) this.#held.push(due);
      else fire();
    };
    const timer = this.#world.after(delayMs, due);
    return {
      cancel() {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  stop(): void {
    this.#isStopped = true;
  }

  resume(): void {
    this.#isStopped = false;
    for (const due of this.#held.splice(0)) due();
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }
}

function refusal(status: number, reason: string): ApiError {
  return new ApiError({ status, reason, message: `refused: ${reason}` });
}
