/** What the contract of the API servers is written against: a client and a namespace, whichever server is behind it. */
import { asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { ApiError } from "../../src/client/api_error.ts";
import type { KubeClient, KubeRequest } from "../../src/client/kube_client.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";

/** One API server, with a namespace that one test has to itself. */
export interface ContractApi {
  readonly client: KubeClient;
  readonly namespace: string;
  /** Forgets all versions before now. */
  compact(): Promise<void>;
}

export interface ContractServer {
  /** A namespace of its own each time. */
  open(): Promise<ContractApi>;
  close(): void;
}

/** Registers a test: what the API server promises, and how to see it. */
export type Contract = (promise: string, check: (api: Api) => Promise<void>) => void;

const PATCHES = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;
const METADATA_ONLY = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
const METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
const PATHS = {
  jobsets: "/apis/jobset.x-k8s.io/v1alpha2",
  jobs: "/apis/batch/v1",
  pods: "/api/v1",
  services: "/api/v1",
  persistentvolumeclaims: "/api/v1",
  events: "/apis/events.k8s.io/v1",
  leases: "/apis/coordination.k8s.io/v1",
} as const;
const TIMEOUT_MS = 60_000;

export type Resource = keyof typeof PATHS;
type Query = Readonly<Record<string, string>>;

/** A short way of speaking to an API server. */
export class Api {
  readonly namespace: string;
  readonly #api: ContractApi;

  constructor(api: ContractApi) {
    this.#api = api;
    this.namespace = api.namespace;
  }

  path(resource: Resource, name?: string): string {
    const collection = `${PATHS[resource]}/namespaces/${this.namespace}/${resource}`;
    return name === undefined ? collection : `${collection}/${name}`;
  }

  /** The answer as an object, without managedFields, which the simulation does not keep. */
  async send(request: KubeRequest): Promise<JsonObject> {
    return withoutManagers(asObject(await this.#api.client.request({ retry: false, ...request })) ?? {});
  }

  create(resource: Resource, body: unknown): Promise<JsonObject> {
    return this.send({ method: "POST", path: this.path(resource), body });
  }

  get(resource: Resource, name: string): Promise<JsonObject> {
    return this.send({ method: "GET", path: this.path(resource, name) });
  }

  list(resource: Resource, query: Query = {}): Promise<JsonObject> {
    return this.send({ method: "GET", path: this.path(resource), query });
  }

  put(resource: Resource, name: string, body: unknown): Promise<JsonObject> {
    return this.send({ method: "PUT", path: this.path(resource, name), body });
  }

  /** `name` may have `/status` behind it. */
  patch(resource: Resource, name: string, body: unknown, kind: keyof typeof PATCHES = "merge"): Promise<JsonObject> {
    return this.send({ method: "PATCH", path: this.path(resource, name), body, contentType: PATCHES[kind] });
  }

  delete(resource: Resource, name: string, options?: JsonObject): Promise<JsonObject> {
    return this.send({ method: "DELETE", path: this.path(resource, name), body: options });
  }

  metadata(resource: Resource, name: string): Promise<JsonObject> {
    return this.send({ method: "GET", path: this.path(resource, name), accept: METADATA_ONLY });
  }

  metadataList(resource: Resource): Promise<JsonObject> {
    return this.send({ method: "GET", path: this.path(resource), accept: METADATA_LIST });
  }

  compact(): Promise<void> {
    return this.#api.compact();
  }

  /** A watch that is read line by line; end it with `close`. */
  async watch(resource: Resource, query: Query, options: { readonly isMetadataOnly?: boolean } = {}): Promise<Watch> {
    const end = new AbortController();
    const stream = await this.#api.client.stream({
      method: "GET",
      path: this.path(resource),
      query: { watch: "1", timeoutSeconds: "30", ...query },
      signal: end.signal,
      retry: false,
      ...(options.isMetadataOnly === true ? { accept: `${METADATA_ONLY},application/json` } : {}),
    });
    return new Watch(stream, end);
  }

  /** Waits until the object is gone. */
  async gone(resource: Resource, name: string): Promise<void> {
    await this.until(`${resource} "${name}" to be gone`, async () => {
      return (await refused(this.get(resource, name), { mayPass: true }))?.status === 404;
    });
  }

  until(what: string, check: () => Promise<boolean>): Promise<void> {
    return waitFor(what, { timeoutMs: TIMEOUT_MS, check });
  }
}

export interface WatchLine {
  readonly type: string;
  readonly object: JsonObject;
}

/** As much of a stream's reader as is used; Bun's own has more. */
interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** The lines of one watch. */
export class Watch {
  readonly #reader: Reader;
  readonly #end: AbortController;
  readonly #decoder = new TextDecoder();
  #rest = "";

  constructor(stream: ReadableStream<Uint8Array>, end: AbortController) {
    this.#reader = stream.getReader();
    this.#end = end;
  }

  /** The next line; throws where the watch has ended. */
  async next(): Promise<WatchLine> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line: unknown = JSON.parse(this.#rest.slice(0, end));
        this.#rest = this.#rest.slice(end + 1);
        return { type: asString(at(line, "type")) ?? "", object: withoutManagers(asObject(at(line, "object")) ?? {}) };
      }
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`the watch ended; left of it is "${this.#rest}"`);
      this.#rest += this.#decoder.decode(value, { stream: true });
    }
  }

  /** The next lines, each as its type and the object's name. */
  async names(count: number): Promise<readonly string[]> {
    const names: string[] = [];
    while (names.length < count) {
      const { type, object } = await this.next();
      names.push(`${type} ${nameOf(object)}`);
    }
    return names;
  }

  close(): void {
    this.#reader.cancel().catch(() => {}); // it may have ended by itself
    this.#end.abort(new Error("the test has seen enough"));
  }
}

/** The refusal of a request. Throws where it was not refused, or not by the API server. */
export async function refused(
  request: Promise<unknown>,
  { mayPass = false }: { readonly mayPass?: boolean } = {},
): Promise<ApiError | undefined> {
  try {
    const passed = await request;
    if (mayPass) return undefined;
    throw new Error(`not refused: ${JSON.stringify(passed)}`);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

/** What a refusal tells, for whole comparisons. */
export async function refusal(request: Promise<unknown>): Promise<JsonObject> {
  const error = await refused(request);
  return { status: error?.status, reason: error?.reason, message: error?.message, details: error?.details };
}

/** Its code and reason alone, where the words are of no use to anybody. */
export async function refusalCode(request: Promise<unknown>): Promise<string> {
  const error = await refused(request);
  return `${error?.status} ${error?.reason}`;
}

export function nameOf(object: unknown): string {
  return asString(at(object, "metadata", "name")) ?? "";
}

export function uidOf(object: unknown): string {
  return asString(at(object, "metadata", "uid")) ?? "";
}

export function versionOf(object: unknown): string {
  return asString(at(object, "metadata", "resourceVersion")) ?? "";
}

export function generationOf(object: unknown): unknown {
  return at(object, "metadata", "generation");
}

function withoutManagers(object: JsonObject): JsonObject {
  const items = object["items"];
  if (Array.isArray(items)) return { ...object, items: items.map((item) => withoutManagers(asObject(item) ?? {})) };
  const metadata = asObject(object["metadata"]);
  if (metadata === undefined) return object;
  const { managedFields: _, ...rest } = metadata;
  return { ...object, metadata: rest };
}
