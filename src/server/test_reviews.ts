/** For tests: an API server that knows who has which token, and who may what. */
import { asString, at, type JsonObject } from "../base/json.ts";
import type { ReviewClient } from "./access_check.ts";

export class FakeReviews implements ReviewClient {
  /** Users by token, and those who may. */
  readonly users = new Map<string, JsonObject>();
  readonly allowed = new Set<string>();
  /** The paths of the requests, and their bodies' specs. */
  readonly requests: { readonly path: string; readonly spec: unknown }[] = [];
  /** What requests fail with. */
  failure: Error | undefined;

  request({ path, body }: { readonly path: string; readonly body: JsonObject }): Promise<unknown> {
    this.requests.push({ path, spec: body["spec"] });
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return Promise.resolve({
      ...body,
      status: path.endsWith("/tokenreviews") ? this.#token(body) : this.#access(body),
    });
  }

  /** How often each kind of review was asked for. */
  get counts(): { readonly tokens: number; readonly accesses: number } {
    const tokens = this.requests.filter(({ path }) => path.endsWith("/tokenreviews")).length;
    return { tokens, accesses: this.requests.length - tokens };
  }

  #token(body: JsonObject): JsonObject {
    const user = this.users.get(asString(at(body, "spec", "token")) ?? "");
    return user === undefined ? { authenticated: false, user: {}, error: "invalid" } : { authenticated: true, user };
  }

  #access(body: JsonObject): JsonObject {
    return { allowed: this.allowed.has(asString(at(body, "spec", "user")) ?? "") };
  }
}

/** Prometheus may, a stranger may not. */
export function testReviews(): FakeReviews {
  const reviews = new FakeReviews();
  reviews.users.set("good", { username: "prometheus", uid: "1", groups: ["monitoring"], extra: { scope: ["all"] } });
  reviews.users.set("stranger", { username: "stranger", uid: "2", groups: [] });
  reviews.allowed.add("prometheus");
  return reviews;
}
