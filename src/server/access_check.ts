import { messageOf } from "../base/message_of.ts";
import { createHash } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { asObject, asString, at, type JsonObject } from "../base/json.ts";
import { type Answer, AnswerCache } from "./answer_cache.ts";

/** The API server, as far as it is asked here. */
export interface ReviewClient {
  request(
    request: {
      readonly method: "POST";
      readonly path: string;
      readonly body: JsonObject;
      readonly timeoutMs: number;
      readonly retry: false;
    },
  ): Promise<unknown>;
}

/** What somebody wants, and how they say who they are. */
export interface AccessRequest {
  /** The Authorization header. */
  readonly authorization: string | null;
  /** The path that is asked for, and the verb of it: `get`. */
  readonly path: string;
  readonly verb: string;
}

export type Access =
  | { readonly kind: "allowed" }
  | { readonly kind: "unauthenticated" }
  | { readonly kind: "forbidden"; readonly user: string }
  /** The API server did not say. */
  | { readonly kind: "unknown"; readonly problem: string };

const TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/** Spec 6.4: how long answers hold. */
const TOKEN_MS = 60_000;
const ALLOWED_MS = 300_000;
const DENIED_MS = 30_000;

/** Whoever makes up tokens fills a cache, not the memory. */
const MAX_ENTRIES = 1000;
/** A scrape gives up after 10 s. */
const TIMEOUT_MS = 8_000;

/** Asks the API server who has a bearer token (TokenReview), and whether they may (SubjectAccessReview): spec 6.4. */
export class AccessCheck {
  readonly #client: ReviewClient;
  /** By the token's digest: tokens are not kept. The user as the API server describes them; undefined: nobody. */
  readonly #users: AnswerCache<JsonObject | undefined>;
  readonly #decisions: AnswerCache<boolean>;

  constructor({ client, clock }: { readonly client: ReviewClient; readonly clock: Clock }) {
    this.#client = client;
    this.#users = new AnswerCache({ clock, maxEntries: MAX_ENTRIES });
    this.#decisions = new AnswerCache({ clock, maxEntries: MAX_ENTRIES });
  }

  async check({ authorization, path, verb }: AccessRequest): Promise<Access> {
    const token = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) return { kind: "unauthenticated" };
    try {
      const user = await this.#users.get(digest(token), () => this.#reviewToken(token));
      if (user === undefined) return { kind: "unauthenticated" };
      const spec = { ...subjectOf(user), nonResourceAttributes: { path, verb } };
      const isAllowed = await this.#decisions.get(digest(JSON.stringify(spec)), () => this.#reviewAccess(spec));
      return isAllowed ? { kind: "allowed" } : { kind: "forbidden", user: asString(user["username"]) ?? "" };
    } catch (error) {
      return { kind: "unknown", problem: messageOf(error) };
    }
  }

  async #reviewToken(token: string): Promise<Answer<JsonObject | undefined>> {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token } };
    const review = await this.#post(TOKEN_REVIEWS, body);
    const isAuthenticated = at(review, "status", "authenticated") === true;
    return { value: isAuthenticated ? asObject(at(review, "status", "user")) : undefined, ttlMs: TOKEN_MS };
  }

  async #reviewAccess(spec: JsonObject): Promise<Answer<boolean>> {
    const body = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec };
    const isAllowed = at(await this.#post(ACCESS_REVIEWS, body), "status", "allowed") === true;
    return { value: isAllowed, ttlMs: isAllowed ? ALLOWED_MS : DENIED_MS };
  }

  #post(path: string, body: JsonObject): Promise<unknown> {
    return this.#client.request({ method: "POST", path, body, timeoutMs: TIMEOUT_MS, retry: false });
  }
}

/** The user of a TokenReview in the words of a SubjectAccessReview. */
function subjectOf({ username, uid, groups, extra }: JsonObject): JsonObject {
  return { user: username, uid, groups, extra };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}
