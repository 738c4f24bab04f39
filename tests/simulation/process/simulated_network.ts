/** The way between one process and the simulated API server: latencies, and everything that goes wrong on it. */
import type { Random } from "../../../src/base/random.ts";
import { ApiError, apiErrorFromAnswer } from "../../../src/client/api_error.ts";
import { networkError } from "../../../src/client/network_error.ts";
import type { Answer, Exchange, KubeTransport, OpenAnswer } from "../../../src/client/transport.ts";
import type { ProcessLife } from "./process_clock.ts";
import { Carrier } from "./carrier.ts";
import type { Timeline } from "../timeline.ts";
import type { FaultRates, ServerAnswer, ServerRequest, ServerStream, SimulatedServer, User } from "../types.ts";

export interface NetworkOptions {
  readonly user: User;
  readonly timeline: Timeline;
  readonly life: ProcessLife;
  readonly server: SimulatedServer;
  readonly random: Random;
  /** Undefined once nothing goes wrong any more. */
  readonly faults: () => FaultRates | undefined;
  /** The server does not answer at all. */
  readonly isOut: () => boolean;
  /** A request is about to leave: judges look at it, an incident may wait for it. */
  readonly onSend: (exchange: Exchange) => void;
}

/** A request takes this long to arrive, and its answer as long again. */
const LATENCY_MS = { min: 0.1, span: 2 };
const SLOW_FACTOR = 100;
/** The latest that a stray request arrives. */
const STRAY_MS = 8_000;
const RETRY_AFTER = "1";

type Settle = {
  readonly resolve: (answer: ServerAnswer | ServerStream) => void;
  readonly reject: (error: unknown) => void;
};

/** One process's connections. They die with it. */
export class SimulatedNetwork implements KubeTransport {
  readonly #options: NetworkOptions;
  readonly #carriers = new Set<Carrier>();
  #underWay = 0;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** Requests and streams under way. */
  get underWay(): number {
    return this.#underWay + this.#carriers.size;
  }

  async exchange(exchange: Exchange): Promise<Answer> {
    const answer = await this.#send(exchange, (request) => this.#options.server.handle(request));
    if (!("text" in answer)) throw new Error("a request that is no watch was answered with a stream");
    return { status: answer.status, contentType: "application/json", text: answer.text };
  }

  async open(exchange: Exchange): Promise<OpenAnswer> {
    const answer = await this.#send(exchange, (request) => this.#watch(request));
    if ("text" in answer) throw new Error("a watch was answered with an object");
    const carrier = new Carrier({ ...this.#options, stream: answer, onEnd: () => this.#carriers.delete(carrier) });
    this.#carriers.add(carrier);
    exchange.signal?.addEventListener("abort", () => carrier.end(), { once: true });
    const { searchParams } = new URL(exchange.target, "http://api");
    carrier.endAfter(Number(searchParams.get("timeoutSeconds") ?? 300) * 1000);
    return { status: 200, body: carrier.body };
  }

  close(): void {
    for (const carrier of this.#carriers) carrier.end();
  }

  /** Every open watch ends with an error. */
  cutStreams(): void {
    for (const carrier of [...this.#carriers]) carrier.cut();
  }

  #watch(request: ServerRequest): ServerAnswer | ServerStream {
    const { faults, random, server } = this.#options;
    const isGone = (faults()?.gone ?? 0) > 0 && "resourceVersion" in request.query &&
      random.next() < (faults()?.gone ?? 0);
    return isGone ? failure(410, "Expired", "too old resource version") : server.watch(request);
  }

  #send(
    exchange: Exchange,
    serve: (request: ServerRequest) => ServerAnswer | ServerStream,
  ): Promise<ServerAnswer | ServerStream> {
    const { signal } = exchange;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { life, onSend } = this.#options;
    this.#underWay += 1;
    return new Promise<ServerAnswer | ServerStream>((resolve, reject) => {
      let isOpen = true;
      const finish = (settle: () => void) => {
        if (!isOpen) return;
        isOpen = false;
        this.#underWay -= 1;
        deadline.cancel();
        signal?.removeEventListener("abort", onAbort);
        settle();
      };
      const action = `${exchange.method} ${exchange.target.replace(/\?.*/, "")}`;
      const onAbort = () => finish(() => reject(signal?.reason));
      const deadline = life.after(exchange.timeoutMs, "deadline", () => finish(() => reject(timedOut(action))));
      signal?.addEventListener("abort", onAbort, { once: true });
      onSend(exchange);
      this.#travel({ exchange, action, serve }, {
        resolve: (answer) => finish(() => resolve(answer)),
        reject: (error) => finish(() => reject(error)),
      });
    });
  }

  #travel(
    { exchange, action, serve }: {
      exchange: Exchange;
      action: string;
      serve: (request: ServerRequest) => ServerAnswer | ServerStream;
    },
    { resolve, reject }: Settle,
  ): void {
    const { timeline, life, random, isOut } = this.#options;
    const rates = this.#options.faults();
    const happens = (rate: number | undefined) => rate !== undefined && rate > 0 && random.next() < rate;
    const latencyMs = this.#latencyMs(happens(rates?.slow));
    const reset = () => {
      life.after(latencyMs, "reset", () => reject(networkError(action, coded("ECONNRESET"))));
    };
    // Half of what is lost is told of by the connection, half of it only by the deadline.
    if (happens(rates?.lostRequest)) return void (random.next() < 0.5 && reset());
    if (isGuarded(exchange) && happens(rates?.strayRequest)) {
      reset();
      return this.#stray(exchange, action, serve);
    }
    const injected = injectedFailure(exchange.method, happens, rates);
    const isAnswerLost = happens(rates?.lostAnswer);
    const isTold = isAnswerLost && random.next() < 0.5;
    timeline.after(latencyMs, action, () => {
      if (isOut()) {
        return void life.after(latencyMs, "refused", () => reject(networkError(action, coded("ECONNREFUSED"))));
      }
      const answer = injected ?? serve(this.#requestOf(exchange));
      if (isAnswerLost) {
        if (!("text" in answer)) answer.close();
        return void (isTold && reset());
      }
      if (life.isOver) return void (!("text" in answer) && answer.close());
      life.after(this.#latencyMs(happens(rates?.slow)), "answer", () => {
        if (!("text" in answer) || answer.status < 300) return resolve(answer);
        const { status, text: body } = answer;
        reject(apiErrorFromAnswer({ status, action, body, retryAfter: status === 429 ? RETRY_AFTER : null }));
      });
    });
  }

  /** Something between held the request back, and lets it through when nobody waits for it any more. */
  #stray(exchange: Exchange, action: string, serve: (request: ServerRequest) => ServerAnswer | ServerStream): void {
    const { timeline, random, isOut } = this.#options;
    timeline.after(STRAY_MS * random.next() ** 2, action, () => {
      const answer = isOut() ? undefined : serve(this.#requestOf(exchange));
      if (answer !== undefined && !("text" in answer)) answer.close();
    });
  }

  #requestOf({ method, target, headers, body }: Exchange): ServerRequest {
    const [path = "", search] = target.split("?", 2);
    return {
      method,
      path,
      query: search === undefined ? {} : Object.fromEntries(new URLSearchParams(search)),
      contentType: headers["Content-Type"] ?? "",
      accept: headers["Accept"] ?? "",
      body,
      user: this.#options.user,
    };
  }

  #latencyMs(isSlow: boolean): number {
    const ms = LATENCY_MS.min + LATENCY_MS.span * this.#options.random.next() ** 2;
    return isSlow ? ms * SLOW_FACTOR : ms;
  }
}

/**
 * Whether a request says which very object or version it means, so that it does no harm however late it comes. A create, or a patch of
 * a Job, that the network holds back for seconds takes effect all the same, and is undone by the controller once it sees it.
 */
function isGuarded({ method, target }: Exchange): boolean {
  return method === "GET" || method === "DELETE" || method === "PUT" ||
    (method === "PATCH" && target.includes("/jobsets/"));
}

/** What the server answers without having done anything. */
function injectedFailure(
  method: string,
  happens: (rate: number | undefined) => boolean,
  rates: FaultRates | undefined,
): ServerAnswer | undefined {
  if (method !== "GET" && method !== "POST" && happens(rates?.conflict)) {
    return failure(409, "Conflict", "the object has been modified");
  }
  if (happens(rates?.tooManyRequests)) return failure(429, "TooManyRequests", "too many requests");
  if (happens(rates?.serverError)) return failure(500, "InternalError", "an error of the server");
  if (happens(rates?.unavailable)) return failure(503, "ServiceUnavailable", "apiserver not ready");
  return undefined;
}

function failure(status: number, reason: string, message: string): ServerAnswer {
  const body = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code: status };
  return { status, text: JSON.stringify(body) };
}

function timedOut(action: string): ApiError {
  return new ApiError({ status: 0, reason: "Timeout", message: `${action}: no answer in time` });
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}
