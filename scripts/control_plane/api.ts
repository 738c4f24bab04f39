/**
 * A bare client of the API server for scripts and tests. On purpose not the product's: it must not share its bugs.
 */
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";

export interface ApiAccess {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
}

export interface ApiAnswer {
  readonly code: number;
  readonly body: JsonObject;
}

export type PatchKind = "merge" | "strategic" | "json" | "apply";

const PATCH_TYPES: Readonly<Record<PatchKind, string>> = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
};

const TIMEOUT_MS = 30_000;

/** An answer that was not 2xx. */
export class ApiFailure extends Error {
  readonly code: number;
  readonly reason: string;

  constructor(action: string, answer: ApiAnswer) {
    super(`${action}: ${answer.code} ${asString(answer.body["message"]) ?? JSON.stringify(answer.body)}`);
    this.code = answer.code;
    this.reason = asString(answer.body["reason"]) ?? "";
  }
}

export class Api {
  readonly access: ApiAccess;

  constructor(access: ApiAccess) {
    this.access = access;
  }

  get(path: string): Promise<JsonObject> {
    return this.must("GET", path);
  }

  /** The items of a list, in one page. */
  async list(path: string): Promise<readonly JsonObject[]> {
    return asArray((await this.get(path))["items"]).map((item) => asObject(item) ?? {});
  }

  create(path: string, body: JsonObject): Promise<JsonObject> {
    return this.must("POST", path, body);
  }

  replace(path: string, body: JsonObject): Promise<JsonObject> {
    return this.must("PUT", path, body);
  }

  patch(path: string, body: unknown, kind: PatchKind = "merge"): Promise<JsonObject> {
    return this.must("PATCH", path, body, PATCH_TYPES[kind]);
  }

  delete(path: string, options?: JsonObject): Promise<JsonObject> {
    return this.must("DELETE", path, options);
  }

  /** The request whatever its answer; throws only where no answer came. */
  async request(method: string, path: string, body?: unknown, contentType = "application/json"): Promise<ApiAnswer> {
    const response = await this.raw(method, path, {
      body,
      contentType,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return { code: response.status, body: parseObject(text) };
  }

  /** The response itself, for logs and watches; its body must be read or cancelled. */
  raw(
    method: string,
    path: string,
    options: { readonly body?: unknown; readonly contentType?: string; readonly signal?: AbortSignal } = {},
  ): Promise<Response> {
    const headers: Record<string, string> = {
      authorization: `Bearer ${this.access.token}`,
      accept: "application/json",
      "accept-encoding": "identity",
    };
    if (options.body !== undefined) headers["content-type"] = options.contentType ?? "application/json";
    return fetch(`${this.access.url}${path}`, {
      method,
      headers,
      tls: { ca: this.access.caPem },
      timeout: false,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  }

  async must(method: string, path: string, body?: unknown, contentType?: string): Promise<JsonObject> {
    const answer = await this.request(method, path, body, contentType);
    if (answer.code >= 200 && answer.code < 300) return answer.body;
    throw new ApiFailure(`${method} ${path}`, answer);
  }
}

/** One event of a watch: its type and the object. */
export interface WatchEvent {
  readonly type: string;
  readonly object: JsonObject;
}

/** The events of a watch until the server ends it or the signal aborts. `path` carries its own query. */
export async function* watch(api: Api, path: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
  const response = await api.raw("GET", path, { signal });
  if (!response.ok || response.body === null) {
    throw new ApiFailure(`watch ${path}`, { code: response.status, body: parseObject(await response.text()) });
  }
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = parseObject(line);
      yield { type: asString(event["type"]) ?? "", object: asObject(at(event, "object")) ?? {} };
    }
  }
}

function parseObject(text: string): JsonObject {
  try {
    return asObject(JSON.parse(text)) ?? {};
  } catch {
    return { message: text };
  }
}
