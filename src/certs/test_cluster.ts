/** For tests: the Secret and both webhook configurations in memory, with watches and optimistic locking as of an API server. */
import { asArray, asObject, asString, at, type JsonObject } from "../base/json.ts";
import { ApiError } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";

export const SECRETS = "/api/v1/namespaces/ns/secrets";
export const SECRET = `${SECRETS}/cert`;
const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
export const MUTATING = `${ADMISSION}/mutatingwebhookconfigurations/jobset-mutating-webhook-configuration`;
export const VALIDATING = `${ADMISSION}/validatingwebhookconfigurations/jobset-validating-webhook-configuration`;

interface Stream {
  readonly collection: string;
  readonly send: (event: JsonObject) => void;
}

export class TestCluster implements KubeClient {
  /** Writes that were asked for, refused ones included: method and path. */
  readonly writes: string[] = [];
  /** Called after each change. */
  onChange: () => void = () => {};
  /** What a request meets instead of its answer; "never": nothing at all. */
  refuse: (method: string, path: string) => ApiError | "never" | undefined = () => undefined;
  readonly #objects = new Map<string, JsonObject>();
  readonly #streams = new Set<Stream>();
  #version = 100;

  get(path: string): JsonObject | undefined {
    return this.#objects.get(path);
  }

  /** Makes, changes or (undefined) deletes an object as somebody else would. */
  put(path: string, object: JsonObject | undefined): JsonObject {
    const before = this.#objects.get(path);
    const name = path.slice(path.lastIndexOf("/") + 1);
    const resourceVersion = String(++this.#version);
    const namespace = path.startsWith(SECRETS) ? { namespace: "ns" } : {};
    const uid = at(before, "metadata", "uid") ?? `u${resourceVersion}`;
    const metadata = { ...asObject((object ?? before)?.["metadata"]), name, ...namespace, uid, resourceVersion };
    const after = { ...(object ?? before), metadata };
    if (object === undefined) this.#objects.delete(path);
    else this.#objects.set(path, after);
    const type = object === undefined ? "DELETED" : before === undefined ? "ADDED" : "MODIFIED";
    this.#tell(path.slice(0, path.lastIndexOf("/")), { type, object: after });
    this.onChange();
    return after;
  }

  async request(request: KubeRequest): Promise<unknown> {
    const { method, path } = request;
    this.writes.push(`${method} ${path}`);
    await this.#meet(request);
    const body = asObject(JSON.parse(JSON.stringify(request.body))) ?? {};
    if (method === "POST") {
      const target = `${path}/${asString(at(body, "metadata", "name"))}`;
      if (this.#objects.has(target)) throw refusal(409, "AlreadyExists");
      return this.put(target, body);
    }
    const present = this.#objects.get(path);
    if (present === undefined) throw refusal(404, "NotFound");
    const version = at(body, "metadata", "resourceVersion");
    if (version !== at(present, "metadata", "resourceVersion")) throw refusal(409, "Conflict");
    return this.put(path, method === "PUT" ? body : patched(present, body));
  }

  async stream(request: KubeRequest): Promise<ReadableStream<Uint8Array>> {
    const { path: collection, query = {}, signal } = request;
    await this.#meet(request);
    const path = `${collection}/${(query["fieldSelector"] ?? "").replace("metadata.name=", "")}`;
    const object = this.#objects.get(path);
    let entry: Stream | undefined;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        const send = (event: JsonObject) => controller.enqueue(Buffer.from(`${JSON.stringify(event)}\n`));
        entry = { collection, send };
        this.#streams.add(entry);
        signal?.addEventListener("abort", () => {
          if (entry !== undefined && this.#streams.delete(entry)) controller.error(signal.reason);
        }, { once: true });
        if (query["sendInitialEvents"] === undefined) return;
        if (object !== undefined) send({ type: "ADDED", object });
        const annotations = { "k8s.io/initial-events-end": "true" };
        send({ type: "BOOKMARK", object: { metadata: { resourceVersion: String(this.#version), annotations } } });
      },
      cancel: () => {
        if (entry !== undefined) this.#streams.delete(entry);
      },
    });
  }

  #tell(collection: string, event: JsonObject): void {
    for (const stream of this.#streams) {
      if (stream.collection === collection) stream.send(event);
    }
  }

  async #meet({ method, path, signal }: KubeRequest): Promise<void> {
    await Promise.resolve();
    const fault = this.refuse(method, path);
    if (fault === undefined) return;
    if (fault !== "never") throw fault;
    await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true }));
  }
}

export function refusal(status: number, reason: string, message: string = reason): ApiError {
  return new ApiError({ status, reason, message });
}

/** A strategic merge patch of webhooks, whose key is the name. */
function patched(present: JsonObject, patch: JsonObject): JsonObject {
  const changes = new Map(asArray(patch["webhooks"]).map((webhook) => [at(webhook, "name"), asObject(webhook)]));
  const webhooks = asArray(present["webhooks"]).map((webhook) => {
    const clientConfig = {
      ...asObject(at(webhook, "clientConfig")),
      ...asObject(changes.get(at(webhook, "name"))?.["clientConfig"]),
    };
    return { ...asObject(webhook), clientConfig };
  });
  return { ...present, webhooks };
}
