import { abortable } from "../base/abortable.ts";
import { type Clock, sleep } from "../base/clock.ts";
import { ApiError, isTooManyRequests, isUnauthorized, notWanted } from "./api_error.ts";
import type { ClusterAccess } from "./cluster_access.ts";
import { sameCredentials } from "./credentials.ts";
import { wasCutOff, wasNotSent } from "./network_error.ts";
import { proxyFor } from "./proxy.ts";
import { RateLimiter } from "./rate_limiter.ts";
import { Semaphore } from "./semaphore.ts";
import { type Exchange, type KubeTransport, Transport } from "./transport.ts";

export interface KubeRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Begins with a slash; without a query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** A value is sent as JSON; a string is JSON already. */
  readonly body?: unknown;
  /** application/json if left out. */
  readonly contentType?: string | undefined;
  /** application/json if left out. */
  readonly accept?: string | undefined;
  /** Until the whole answer, or the head of a stream, is there: 30 s if left out. Each try has it anew. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Passes by the rate limit and the limit of requests in flight: the lease. Streams always do. */
  readonly privileged?: boolean | undefined;
  /** False: 429 and Retry-After are the caller's business. */
  readonly retry?: boolean | undefined;
  /**
   * Asked right before each try, however long the request waited for its turn or for a server that asked it to: what has
   * been overtaken meanwhile is not sent, and rejects (`isNotWanted`).
   */
  readonly isWanted?: (() => boolean) | undefined;
}

/**
 * The Kubernetes API. Both calls reject with an ApiError, or with the signal's reason once it aborts. A write that
 * failed for want of an answer (status 0) may have taken place.
 */
export interface KubeClient {
  /** The answer's JSON; its text where it is something else, as from /readyz. */
  request(request: KubeRequest): Promise<unknown>;
  /** The body as it arrives: a watch. The signal must live no longer than the stream. Cancel or read it to its end. */
  stream(request: KubeRequest): Promise<ReadableStream<Uint8Array>>;
}

/** One request as it went, for metrics and tests. */
export interface RequestRecord {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** The HTTP code, 0 where none came. */
  readonly code: number;
  readonly durationMs: number;
}

export interface KubeClientOptions {
  readonly access: ClusterAccess;
  /** The environment, for the proxy. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Requests per second; 0 or less: no limit. */
  readonly qps: number;
  readonly burst: number;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly onRequest?: ((record: RequestRecord) => void) | undefined;
  /** The largest answer taken; 256 MiB if left out. */
  readonly bodyLimit?: number | undefined;
  /** Sends the requests in place of Bun's fetch: the simulation. */
  readonly transport?: KubeTransport | undefined;
}

/** Bun runs 256 requests at once per process and lets the rest wait without a word: this leaves room for watches and the lease. */
const MAX_IN_FLIGHT = 150;

/** As client-go. */
const MAX_RETRIES = 10;

/** A server that asks for more than this gets its error handed on: the caller has better things to do. */
const MAX_RETRY_AFTER_MS = 60_000;

const DEFAULT_TIMEOUT_MS = 30_000;

/** The client of a cluster. Throws a ClusterAccessError where the proxy settings make no sense. */
export function createKubeClient(options: KubeClientOptions): KubeClient & { close(): void } {
  return new FetchKubeClient(options);
}

class FetchKubeClient implements KubeClient {
  readonly #options: KubeClientOptions;
  readonly #transport: KubeTransport;
  readonly #limiter: RateLimiter;
  readonly #inFlight = new Semaphore(MAX_IN_FLIGHT);
  readonly #host: string;

  constructor(options: KubeClientOptions) {
    const { access, env, clock, bodyLimit = 256 * 1024 * 1024 } = options;
    const proxy = proxyFor(access.server, { proxyUrl: access.proxyUrl, env });
    this.#options = options;
    this.#transport = options.transport ?? new Transport({ access, proxy, clock, bodyLimit });
    this.#limiter = new RateLimiter({ qps: options.qps, burst: options.burst, clock });
    this.#host = new URL(access.server).host;
  }

  async request(request: KubeRequest): Promise<unknown> {
    const { contentType, text } = await this.#retrying(request, (exchange) => this.#transport.exchange(exchange));
    return contentType.includes("json") ? parseJson(text, request) : text;
  }

  async stream(request: KubeRequest): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.#retrying(
      { ...request, privileged: true },
      (exchange) => this.#transport.open(exchange),
    );
    return body;
  }

  close(): void {
    this.#transport.close();
  }

  async #retrying<R extends { readonly status: number }>(
    request: KubeRequest,
    send: (exchange: Exchange) => Promise<R>,
  ): Promise<R> {
    const { access, clock } = this.#options;
    const exchange = this.#exchangeOf(request);
    // A plugin may take a minute, which nobody waits for who has given up.
    let credentials = await abortable(access.credentials.current(), request.signal);
    let mayRenew = true;
    let mayReconnect = true;
    for (let retries = 0;; retries++) {
      try {
        return await this.#inTurn(request, () => send({ ...exchange, credentials }));
      } catch (error) {
        if (isUnauthorized(error) && mayRenew) {
          mayRenew = false;
          const renewed = await abortable(access.credentials.renew(credentials), request.signal);
          if (sameCredentials(renewed, credentials)) throw error;
          credentials = renewed;
        } else if (mayReconnect && (wasNotSent(error) || (request.method === "GET" && wasCutOff(error)))) {
          mayReconnect = false;
        } else {
          const waitMs = request.retry === false || retries >= MAX_RETRIES ? undefined : askedToWaitMs(error);
          if (waitMs === undefined) throw error;
          await sleep(clock, waitMs, request.signal ?? new AbortController().signal);
        }
      }
    }
  }

  #exchangeOf(request: KubeRequest): Omit<Exchange, "credentials"> {
    const { body, query = {} } = request;
    const search = queryText(query);
    return {
      method: request.method,
      target: search === "" ? request.path : `${request.path}?${search}`,
      headers: {
        Accept: request.accept ?? "application/json",
        "User-Agent": this.#options.userAgent,
        ...(body === undefined ? {} : { "Content-Type": request.contentType ?? "application/json" }),
        ...(query["watch"] === undefined ? {} : { "Accept-Encoding": "identity" }),
      },
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
      timeoutMs: request.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      signal: request.signal,
    };
  }

  async #inTurn<R extends { readonly status: number }>(request: KubeRequest, send: () => Promise<R>): Promise<R> {
    const { method, path, isWanted = () => true } = request;
    const sendIfWanted = () => {
      if (!isWanted()) throw notWanted(`${method} ${path}`);
      return this.#recorded(request, send);
    };
    if (request.privileged) return await sendIfWanted();
    await this.#limiter.take(request.signal);
    await this.#inFlight.acquire(request.signal);
    try {
      return await sendIfWanted();
    } finally {
      this.#inFlight.release();
    }
  }

  async #recorded<R extends { readonly status: number }>(request: KubeRequest, send: () => Promise<R>): Promise<R> {
    const { clock, onRequest } = this.#options;
    const startMs = clock.monotonic();
    const record = (code: number) => {
      const durationMs = clock.monotonic() - startMs;
      onRequest?.({ method: request.method, host: this.#host, path: request.path, code, durationMs });
    };
    try {
      const result = await send();
      record(result.status);
      return result;
    } catch (error) {
      record(error instanceof ApiError ? error.status : 0);
      throw error;
    }
  }
}

/** As URLSearchParams writes it, which costs a megabyte of memory. */
function queryText(query: Readonly<Record<string, string>>): string {
  const text = (word: string) => encodeURIComponent(word).replaceAll("%20", "+");
  return Object.entries(query).map(([name, value]) => `${text(name)}=${text(value)}`).join("&");
}

/** How long to wait before the same request goes again: only where the server says so, as client-go does. */
function askedToWaitMs(error: unknown): number | undefined {
  if (!(error instanceof ApiError) || error.retryAfterMs === undefined) return undefined;
  const mayRepeat = isTooManyRequests(error) || error.status >= 500;
  return mayRepeat && error.retryAfterMs <= MAX_RETRY_AFTER_MS ? error.retryAfterMs : undefined;
}

function parseJson(text: string, request: KubeRequest): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `${request.method} ${request.path}: the answer is not JSON: ${text.slice(0, 100)}`;
    throw new ApiError({ status: 0, reason: "BadAnswer", message, cause });
  }
}
