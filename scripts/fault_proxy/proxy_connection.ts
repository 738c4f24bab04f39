import { connect, type TLSSocket } from "node:tls";
import { type HttpRequest, RequestReader } from "./request_reader.ts";

/** What happens to a request. The parts can be combined: a delay comes first. */
export interface Fault {
  readonly delayMs?: number;
  /** Answered here; the API server never sees the request. A body that is no text is sent as JSON. */
  readonly answer?: {
    readonly code: number;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** Accepted and never answered; the API server never sees the request. */
  readonly silence?: boolean;
  /** Done by the API server, but the connection is cut in place of its answer. */
  readonly dropAfter?: boolean;
  /** The connection is cut after so many bytes that follow the answer's head (the chunks' lengths count), mid-line if need be. */
  readonly cutAfterBytes?: number;
  /** After so many bytes that follow the answer's head nothing more comes, and the connection stays open. */
  readonly silenceAfterBytes?: number;
  /** All that the API server says is passed on so much later: a watch that lags. */
  readonly lagMs?: number;
}

export interface ProxyConnectionOptions {
  readonly client: TLSSocket;
  readonly serverUrl: string;
  readonly serverCaPem: string;
  /** Asked once for each request. */
  readonly faultOf: (request: HttpRequest) => Fault;
  readonly onClose: () => void;
}

const HEAD_END = "\r\n\r\n";

/**
 * One connection of a client and the one of our own to the API server that belongs to it. Bytes go through as they are: a client
 * sends its next request only after the answer to the last, so nothing need be known of an answer but where its head ends.
 */
export class ProxyConnection {
  readonly #options: ProxyConnectionOptions;
  readonly #reader = new RequestReader();
  #server: TLSSocket | undefined;
  #fault: Fault = {};
  #isWatch = false;
  #isSilent = false;
  #isUpgraded = false;
  /** Of the answer's head, until its end has come. */
  #head: Buffer | undefined;
  #bodyBytes = 0;

  constructor(options: ProxyConnectionOptions) {
    this.#options = options;
    const { client } = options;
    client.on("error", () => this.cut());
    client.on("close", () => {
      this.#server?.destroy();
      options.onClose();
    });
    client.on("data", (bytes: Buffer) => this.#fromClient(bytes));
  }

  /** Whether its last request was a watch. */
  get isWatch(): boolean {
    return this.#isWatch;
  }

  cut(): void {
    this.#options.client.destroy();
    this.#server?.destroy();
  }

  /** Nothing more reaches the client; the connection stays open. */
  silence(): void {
    this.#isSilent = true;
  }

  #fromClient(bytes: Buffer): void {
    if (this.#isUpgraded) return void this.#toServer(bytes);
    try {
      for (const request of this.#reader.feed(bytes)) this.#onRequest(request);
    } catch {
      this.cut(); // no HTTP/1.1
    }
  }

  #onRequest(request: HttpRequest): void {
    const fault = this.#options.faultOf(request);
    const begin = () => {
      this.#fault = fault;
      this.#isWatch = /[?&]watch=(?:1|true)\b/.test(request.target);
      this.#isUpgraded = request.headers.has("upgrade");
      this.#head = Buffer.alloc(0);
      this.#bodyBytes = 0;
      if (fault.answer !== undefined) return void this.#toClient(answerBytes(fault.answer));
      if (fault.silence !== true) this.#toServer(request.bytes);
    };
    if (fault.delayMs === undefined) begin();
    else setTimeout(begin, fault.delayMs);
  }

  #toServer(bytes: Buffer): void {
    if (this.#options.client.destroyed) return;
    this.#server ??= this.#connect();
    if (!this.#server.write(bytes)) waitForDrain(this.#server, this.#options.client);
  }

  #connect(): TLSSocket {
    const { hostname, port } = new URL(this.#options.serverUrl);
    const server = connect({ host: hostname, port: Number(port), ca: this.#options.serverCaPem });
    server.on("error", () => this.cut());
    server.on("close", () =>
      this.#lagging(() => {
        if (!this.#isSilent) this.#options.client.end();
      }));
    server.on("data", (bytes: Buffer) => this.#lagging(() => this.#fromServer(bytes)));
    return server;
  }

  #lagging(pass: () => void): void {
    if (this.#fault.lagMs === undefined) pass();
    else setTimeout(pass, this.#fault.lagMs);
  }

  #fromServer(bytes: Buffer): void {
    if (this.#isSilent) return;
    const { dropAfter, cutAfterBytes, silenceAfterBytes } = this.#fault;
    if (dropAfter === true) return this.cut();
    const limit = Math.min(cutAfterBytes ?? Infinity, silenceAfterBytes ?? Infinity);
    if (limit === Infinity) return this.#toClient(bytes);
    const before = this.#bodyBytes;
    const bodyStart = this.#bodyStart(bytes);
    if (bodyStart === undefined) return this.#toClient(bytes);
    this.#bodyBytes += bytes.length - bodyStart;
    if (this.#bodyBytes < limit) return this.#toClient(bytes);
    const part = bytes.subarray(0, bodyStart + limit - before);
    if (cutAfterBytes === undefined) {
      this.#toClient(part);
      return this.silence();
    }
    this.#options.client.write(part, () => this.cut());
  }

  /** Where the answer's body begins in these bytes; undefined where its head goes on after them. */
  #bodyStart(bytes: Buffer): number | undefined {
    if (this.#head === undefined) return 0;
    const before = this.#head.length;
    this.#head = Buffer.concat([this.#head, bytes]);
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) return undefined;
    this.#head = undefined;
    return end + HEAD_END.length - before;
  }

  #toClient(bytes: Buffer): void {
    const { client } = this.#options;
    if (client.destroyed || this.#isSilent) return;
    if (!client.write(bytes) && this.#server !== undefined) waitForDrain(client, this.#server);
  }
}

/** Reads no more from one side until the other has taken what it was given. */
function waitForDrain(full: TLSSocket, source: TLSSocket): void {
  source.pause();
  full.once("drain", () => source.resume());
}

function answerBytes(answer: NonNullable<Fault["answer"]>): Buffer {
  const isText = typeof answer.body === "string";
  const body = Buffer.from(isText ? String(answer.body) : JSON.stringify(answer.body ?? statusBody(answer.code)));
  const headers = {
    "content-type": isText ? "text/plain" : "application/json",
    ...answer.headers,
    "content-length": String(body.length),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${answer.code} Fault\r\n${lines}\r\n`), body]);
}

const REASONS: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

/** As the API server words a refusal. */
function statusBody(code: number): unknown {
  const message = `the fault proxy answers ${code}`;
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason: REASONS[code] ?? "",
    code,
  };
}
