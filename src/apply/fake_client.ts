/** The handful of API server requests that apply sends, against objects in memory: for the unit tests of this folder. */
import { asArray, asObject, asString, at, type JsonObject } from "../base/json.ts";
import { ApiError, notWanted } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";

export type WatchEvent = { readonly kind: "upsert" | "delete"; readonly path: string; readonly body: JsonObject };

/** What happens to a request instead of its plain answer. */
export type Fault =
  | { readonly kind: "refuse"; readonly status: number; readonly reason?: string; readonly message?: string }
  /** It takes effect, but no answer comes back, or an error. */
  | { readonly kind: "loseAnswer"; readonly status?: number; readonly reason?: string }
  /** It takes effect only once the promise resolves. */
  | { readonly kind: "hold"; readonly until: Promise<void> }
  /** It waits in the client, as for a server that asked for it, and is sent once the promise resolves if still wanted. */
  | { readonly kind: "wait"; readonly until: Promise<void> };

interface ScriptedFault {
  readonly matches: (request: KubeRequest) => boolean;
  readonly fault: Fault;
  left: number;
}

interface Condition {
  readonly type: string;
  readonly reason?: string;
}

/** The namespaces' objects by path, each with uid and resourceVersion, as an API server keeps them. */
export class FakeClient implements KubeClient {
  readonly requests: KubeRequest[] = [];
  /** A field of every status that the schema does not know. */
  prunes = "";
  /** The largest number of creates and deletes of Jobs at once. */
  mostAtOnce = 0;
  readonly #objects = new Map<string, JsonObject>();
  readonly #onWatch: (event: WatchEvent) => void;
  readonly #faults: ScriptedFault[] = [];
  #version = 100;
  #uids = 0;
  #atOnce = 0;

  constructor(onWatch: (event: WatchEvent) => void = () => {}) {
    this.#onWatch = onWatch;
  }

  get version(): string {
    return String(this.#version);
  }

  /** The next `times` requests of this method whose path contains `part` meet the fault. */
  fail(method: KubeRequest["method"], part: string | RegExp, fault: Fault, times = 1): void {
    const isHit = (path: string) => typeof part === "string" ? path.includes(part) : part.test(path);
    this.#faults.push({
      matches: (request) => request.method === method && isHit(request.path),
      fault,
      left: times,
    });
  }

  /** Ends all faults that have not been met yet. */
  heal(): void {
    this.#faults.length = 0;
  }

  async request(request: KubeRequest): Promise<unknown> {
    const sent = { ...request, body: parseBody(request.body) };
    this.requests.push(sent);
    const isCounted = request.path.includes("/jobs") && (request.method === "POST" || request.method === "DELETE");
    if (isCounted) this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    try {
      const fault = this.#takeFault(request);
      if (fault?.kind === "hold" || fault?.kind === "wait") await fault.until;
      else await Promise.resolve();
      if (fault?.kind === "wait" && request.isWanted?.() === false) throw notWanted(request.path);
      if (fault?.kind === "refuse") throw refusal(fault.status, fault.reason ?? "Unknown", fault.message);
      const answer = this.#serve(sent);
      if (fault?.kind !== "loseAnswer") return answer;
      const { status = 0, reason = "Timeout" } = fault;
      throw new ApiError({ status, reason, message: `${request.method} ${request.path}: no answer` });
    } finally {
      if (isCounted) this.#atOnce--;
    }
  }

  stream(): Promise<ReadableStream<Uint8Array>> {
    return Promise.reject(new Error("the fake client has no streams"));
  }

  /** The objects whose path contains this. */
  list(part: string): readonly JsonObject[] {
    return [...this.#objects].filter(([path]) => path.includes(part)).map(([, body]) => body);
  }

  get(path: string): JsonObject | undefined {
    return this.#objects.get(path);
  }

  /** How many requests were sent that match. */
  count(method: KubeRequest["method"], part: string): number {
    return this.requests.filter((request) => request.method === method && request.path.includes(part)).length;
  }

  /** Makes or changes an object as some other client would. */
  put(path: string, body: JsonObject): JsonObject {
    const old = asObject(this.#objects.get(path)?.["metadata"]);
    this.#version++;
    const metadata = {
      ...asObject(body["metadata"]),
      uid: asString(old?.["uid"]) ?? asString(at(body, "metadata", "uid")) ?? `uid-${++this.#uids}`,
      resourceVersion: this.version,
    };
    const stored = { ...body, metadata };
    this.#objects.set(path, stored);
    this.#onWatch({ kind: "upsert", path, body: stored });
    return stored;
  }

  /** Takes the object away at once. */
  remove(path: string): void {
    const body = this.#objects.get(path);
    if (body === undefined) return;
    this.#version++;
    this.#objects.delete(path);
    const metadata = { ...asObject(body["metadata"]), resourceVersion: this.version };
    this.#onWatch({ kind: "delete", path, body: { ...body, metadata } });
  }

  /** The garbage collector: what is being deleted is gone. */
  collect(): void {
    for (const [path, body] of [...this.#objects]) {
      if (at(body, "metadata", "deletionTimestamp") !== undefined) this.remove(path);
    }
  }

  /** The Job controller: counters and conditions of one Job. */
  setJobStatus(path: string, status: JsonObject, conditions: readonly Condition[] = []): void {
    const body = this.#objects.get(path);
    if (body === undefined) throw new Error(`no Job at ${path}`);
    const made = conditions.map(({ type, reason = "" }) => ({
      type,
      status: "True",
      reason,
      message: "",
      lastTransitionTime: "2030-01-01T00:00:00Z",
    }));
    this.put(path, { ...body, status: { ...asObject(body["status"]), ...status, conditions: made } });
  }

  #takeFault(request: KubeRequest): Fault | undefined {
    const scripted = this.#faults.find((fault) => fault.left > 0 && fault.matches(request));
    if (scripted !== undefined) scripted.left--;
    return scripted?.fault;
  }

  #serve(request: KubeRequest): unknown {
    switch (request.method) {
      case "POST":
        return this.#create(request);
      case "GET":
        return /\/(pods|jobs)$/.test(request.path) ? this.#list(request) : this.#find(request.path);
      case "DELETE":
        return this.#delete(request);
      default:
        return this.#patch(request);
    }
  }

  #find(path: string): JsonObject {
    const body = this.#objects.get(path);
    if (body === undefined) throw refusal(404, "NotFound", `${path} not found`);
    return body;
  }

  /** One page: `limit` objects of this label. */
  #list({ path, query = {} }: KubeRequest): JsonObject {
    const [key = "", value] = (query["labelSelector"] ?? "").split("=");
    const found = this.list(`${path}/`).filter((object) => at(object, "metadata", "labels", key) === value);
    const start = Number(query["continue"] ?? 0);
    const end = start + Number(query["limit"] ?? found.length);
    return { metadata: end < found.length ? { continue: String(end) } : {}, items: found.slice(start, end) };
  }

  #create({ path, body }: KubeRequest): JsonObject {
    const object = asObject(body) ?? {};
    const target = `${path}/${asString(at(object, "metadata", "name"))}`;
    if (this.#objects.has(target)) throw refusal(409, "AlreadyExists", `"${target}" already exists`);
    if (path.includes("/events")) checkEvent(object);
    return this.put(target, object);
  }

  #delete({ path, body }: KubeRequest): JsonObject {
    const object = this.#find(path);
    for (const field of ["uid", "resourceVersion"]) {
      const wanted = at(body, "preconditions", field);
      if (wanted !== undefined && wanted !== at(object, "metadata", field)) throw refusal(409, "Conflict", field);
    }
    // A Pod that is forced does not wait for its kubelet.
    if (path.includes("/pods/") && at(body, "gracePeriodSeconds") === 0) {
      this.remove(path);
      return object;
    }
    if (at(body, "propagationPolicy") !== "Foreground") throw refusal(400, "BadRequest", "only Foreground here");
    if (at(object, "metadata", "deletionTimestamp") !== undefined) return object;
    const metadata = { ...asObject(object["metadata"]), deletionTimestamp: "2030-01-01T00:00:00Z" };
    return this.put(path, { ...object, metadata });
  }

  #pruned(status: JsonObject): JsonObject {
    return Object.fromEntries(Object.entries(status).filter(([field]) => field !== this.prunes));
  }

  #patch(request: KubeRequest): JsonObject {
    const isStatus = request.path.endsWith("/status");
    const path = isStatus ? request.path.slice(0, -"/status".length) : request.path;
    const object = this.#find(path);
    const patched = request.contentType === "application/json-patch+json"
      ? applyOps(object, asArray(request.body))
      : mergeObject(object, request.body);
    for (const field of ["uid", "resourceVersion"]) {
      if (at(patched, "metadata", field) !== at(object, "metadata", field)) throw refusal(409, "Conflict", field);
    }
    if (path.includes("/events/")) checkEvent(patched);
    if (isStatus) return this.put(path, { ...object, status: this.#pruned(asObject(patched["status"]) ?? {}) });
    checkTemplate(object, patched);
    return this.put(path, { ...patched, status: object["status"] });
  }
}

function refusal(status: number, reason: string, message = `refused with ${status}`): ApiError {
  return new ApiError({ status, reason, message });
}

function parseBody(body: unknown): unknown {
  return typeof body === "string" ? JSON.parse(body) : JSON.parse(JSON.stringify(body ?? null));
}

/** RFC 7396. */
function mergeObject(target: unknown, patch: unknown): JsonObject {
  const merged: Record<string, unknown> = { ...asObject(target) };
  for (const [key, value] of Object.entries(asObject(patch) ?? {})) {
    if (value === null) delete merged[key];
    else merged[key] = asObject(value) === undefined ? value : mergeObject(merged[key], value);
  }
  return merged;
}

/** RFC 6902, `test` and `add`; of lists only what is there can be changed. */
function applyOps(object: JsonObject, ops: readonly unknown[]): JsonObject {
  return ops.reduce<JsonObject>((result, op) => {
    const path = (asString(at(op, "path")) ?? "").split("/").slice(1).map((key) => key.replaceAll("~1", "/"));
    if (at(op, "op") === "test") {
      if ((valueAt(result, path) ?? null) !== at(op, "value")) throw refusal(422, "Invalid", "test failed");
      return result;
    }
    return asObject(addAt(result, path, at(op, "value"))) ?? {};
  }, object);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((here, key) => Array.isArray(here) ? here[Number(key)] : at(here, key), value);
}

function addAt(value: unknown, [key = "", ...rest]: readonly string[], added: unknown): unknown {
  const next = (inner: unknown) => rest.length === 0 ? added : addAt(inner, rest, added);
  if (Array.isArray(value)) return value.map((item: unknown, index) => index === Number(key) ? next(item) : item);
  const object = asObject(value);
  if (object === undefined) throw refusal(422, "Invalid", `nothing at "${key}" to add to`);
  return { ...object, [key]: next(object[key]) };
}

/** The API server takes another pod template only of a Job that is suspended and has never started (spec 3.8). */
function checkTemplate(before: JsonObject, after: JsonObject): void {
  const [old, next] = [before, after].map((object) => JSON.stringify(at(object, "spec", "template")));
  if (old === next) return;
  const isFrozen = at(before, "status", "startTime") !== undefined || at(before, "spec", "suspend") !== true;
  if (isFrozen) throw refusal(422, "Invalid", "field is immutable");
}

/** The limits of events.k8s.io/v1. */
function checkEvent(event: JsonObject): void {
  const note = asString(event["note"]) ?? "";
  if (new TextEncoder().encode(note).length > 1024) throw refusal(422, "Invalid", "note: can have at most 1024 bytes");
  const count = at(event, "series", "count");
  if (event["series"] !== undefined && !(typeof count === "number" && count >= 2)) {
    throw refusal(422, "Invalid", "series.count: should be at least 2");
  }
  const fields = Object.keys(asObject(event["regarding"]) ?? {}).sort().join();
  if (fields !== "apiVersion,kind,name,namespace,uid") throw refusal(422, "Invalid", `regarding has ${fields}`);
}
