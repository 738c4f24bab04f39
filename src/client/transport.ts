import type { Clock } from "../base/clock.ts";
import { ApiError, apiErrorFromAnswer } from "./api_error.ts";
import type { ClusterAccess } from "./cluster_access.ts";
import { ClusterAccessError } from "./cluster_access_error.ts";
import { type Credentials, sameCredentials } from "./credentials.ts";
import { networkError } from "./network_error.ts";

/** One HTTP request, once. */
export interface Exchange {
  readonly method: string;
  /** Path and query, beginning with a slash. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** How long until the whole answer, or for a stream its head, must be there. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly credentials: Credentials;
}

export interface TransportOptions {
  readonly access: ClusterAccess;
  readonly proxy: string | undefined;
  readonly clock: Clock;
  /** The largest body taken, in bytes as they come out of decompression. */
  readonly bodyLimit: number;
}

/** An answer of 2xx, its body read. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** An answer of 2xx whose body is still to come. */
export interface OpenAnswer {
  readonly status: number;
  readonly body: ReadableStream<Uint8Array>;
}

/** What carries a request to the API server and brings its answer, once. Every failure is an ApiError but the caller's abort. */
export interface KubeTransport {
  /** Sends and reads the whole answer, of 2xx. */
  exchange(exchange: Exchange): Promise<Answer>;
  /** Sends and hands the body over as it arrives, once the head is there. */
  open(exchange: Exchange): Promise<OpenAnswer>;
  close(): void;
}

/** Why a request was cut off: its own deadline, told from the caller's abort by identity. */
const DEADLINE = Symbol("deadline");

/**
 * API servers close idle connections after 90 s: ours go before, so that no request runs into the close. Those of a burst, up to 64
 * with 35 KB each, go soon after it; the one used last is used next, so that those in use stay.
 */
const KEEP_IDLE_SECONDS = 15;

/** Bun's fetch with the cluster's TLS settings and connections of its own; the caller's abort rejects with the signal's reason. */
export class Transport implements KubeTransport {
  readonly #options: TransportOptions;
  #session: { readonly credentials: Credentials; readonly session: Bun.FetchSession } | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Sends and reads the whole answer. */
  async exchange(exchange: Exchange): Promise<Answer> {
    return await this.#withDeadline(exchange, async (signal) => {
      const response = await this.#fetch(exchange, signal);
      const text = exchange.method === "GET"
        ? await this.#readText(response, this.#options.bodyLimit, describe(exchange, this.#options.access))
        // One object at the most; reading it chunk by chunk takes twice as long as parsing it.
        : await response.text();
      return { status: response.status, contentType: response.headers.get("content-type") ?? "", text };
    });
  }

  /**
   * Sends and hands the body over as it arrives, once the head is there. The signal cuts the body off as well; it must
   * live no longer than the stream, because it stays listened to.
   */
  async open(exchange: Exchange): Promise<OpenAnswer> {
    const cut = new AbortController();
    exchange.signal?.addEventListener("abort", () => cut.abort(exchange.signal?.reason), { once: true });
    return await this.#withDeadline(exchange, async (signal) => {
      signal.addEventListener("abort", () => cut.abort(signal.reason), { once: true });
      const response = await this.#fetch(exchange, cut.signal);
      return { status: response.status, body: response.body ?? new Blob([]).stream() };
    });
  }

  /** fetch's own timeout is a coarse idle limit: deadlines are timers of ours. */
  async #withDeadline<R>(exchange: Exchange, act: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const { access, clock } = this.#options;
    const { signal, timeoutMs } = exchange;
    signal?.throwIfAborted();
    const cut = new AbortController();
    const onAbort = () => cut.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = clock.after(timeoutMs, () => cut.abort(DEADLINE));
    try {
      return await act(cut.signal);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof ApiError || error instanceof ClusterAccessError) throw error;
      const action = describe(exchange, access);
      if (cut.signal.reason === DEADLINE) {
        throw new ApiError({ status: 0, reason: "Timeout", message: `${action}: no answer within ${timeoutMs} ms` });
      }
      throw networkError(action, error);
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** The response if it is a success; otherwise its body becomes the ApiError. */
  async #fetch(exchange: Exchange, signal: AbortSignal): Promise<Response> {
    const { access } = this.#options;
    const response = await this.#sessionFor(exchange.credentials).fetch(access.server + exchange.target, {
      method: exchange.method,
      headers: { ...exchange.headers, ...exchange.credentials.headers },
      ...(exchange.body === undefined ? {} : { body: exchange.body }),
      signal,
      redirect: "manual",
      timeout: false,
    });
    if (response.ok) return response;
    const action = describe(exchange, access);
    const body = await this.#readText(response, ERROR_BODY_LIMIT, action);
    throw apiErrorFromAnswer({
      status: response.status,
      action,
      body,
      retryAfter: response.headers.get("retry-after"),
    });
  }

  async #readText(response: Response, limit: number, action: string): Promise<string> {
    const length = response.headers.get("content-length");
    if (length !== null && Number(length) <= limit && !response.headers.has("content-encoding")) {
      return await response.text();
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > limit) {
        // Leaving the loop cancels the body, which closes its connection.
        throw new ApiError({ status: 0, reason: "BadAnswer", message: `${action}: the answer exceeds ${limit} bytes` });
      }
      chunks.push(chunk);
    }
    return new TextDecoder().decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  }

  /** Connections carry the client certificate they were opened with: other certificates, other connections. */
  #sessionFor(credentials: Credentials): Bun.FetchSession {
    const known = this.#session;
    if (known !== undefined && sameTls(known.credentials, credentials)) return known.session;
    known?.session.close();
    const { access, proxy } = this.#options;
    const session = new Bun.FetchSession({
      keepAlive: { idleTimeout: KEEP_IDLE_SECONDS },
      proxy: proxy === undefined ? false : { url: proxy, respectNoProxy: false },
      tls: {
        rejectUnauthorized: !access.insecureSkipTlsVerify,
        ...(access.tlsServerName === undefined ? {} : { serverName: access.tlsServerName }),
        ...(credentials.ca === undefined ? {} : { ca: credentials.ca }),
        ...(credentials.cert === undefined ? {} : { cert: credentials.cert }),
        ...(credentials.key === undefined ? {} : { key: credentials.key }),
      },
    });
    this.#session = { credentials, session };
    return session;
  }

  /** Closes idle connections; requests under way finish. */
  close(): void {
    this.#session?.session.close();
  }
}

/** A Status is a few hundred bytes; a Job refused field by field may take some KB. */
const ERROR_BODY_LIMIT = 4 * 1024 * 1024;

function sameTls(a: Credentials, b: Credentials): boolean {
  return a === b || sameCredentials({ ...a, headers: {} }, { ...b, headers: {} });
}

/** What was tried, for messages; the query of a watch would fill the line. */
function describe(exchange: Exchange, access: ClusterAccess): string {
  return `${exchange.method} ${access.server}${exchange.target.replace(/\?.*/, "")}`;
}
