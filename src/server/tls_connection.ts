import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../base/clock.ts";
import type { ByteBudget, ByteHolder } from "./byte_budget.ts";
import type { ServerLimits } from "./limits.ts";

/** How long a client that is being closed may go on sending, so that it reads our answer and not a reset. */
const LINGER_MS = 2_000;

const TOO_LARGE = "the request is too large\n";
const TOO_LARGE_ANSWER = `HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Type: text/plain\r\n` +
  `Content-Length: ${TOO_LARGE.length}\r\n\r\n${TOO_LARGE}`;

export interface TlsConnectionOptions {
  /** From the client, its handshake done. */
  readonly outer: TLSSocket;
  /** To the HTTP server behind. */
  readonly inner: Socket;
  readonly limits: ServerLimits;
  readonly budget: ByteBudget;
  readonly clock: Clock;
}

/**
 * One client's connection, carried over to the HTTP server behind. It knows no HTTP: a request is under way from the first byte
 * that comes in to the first that goes out, and that is enough to bound its size and time and to tell who is idle.
 */
export class TlsConnection implements ByteHolder {
  readonly #outer: TLSSocket;
  readonly #inner: Socket;
  readonly #limits: ServerLimits;
  readonly #budget: ByteBudget;
  readonly #clock: Clock;
  #requestBytes = 0;
  #requestSince: number | undefined;
  /** Since when it has not had to wait for others. */
  #roomSince: number | undefined;
  #stalledSince: number | undefined;
  #lingerSince: number | undefined;
  #lastByteAt: number;
  #isHeld = false;

  constructor({ outer, inner, limits, budget, clock }: TlsConnectionOptions) {
    this.#outer = outer;
    this.#inner = inner;
    this.#limits = limits;
    this.#budget = budget;
    this.#clock = clock;
    this.#lastByteAt = clock.monotonic();
    outer.on("data", (chunk: Uint8Array) => this.#fromClient(chunk));
    inner.on("data", (chunk: Uint8Array) => this.#toClient(chunk));
    inner.on("drain", () => this.#readOn());
    outer.on("drain", () => this.#flushed());
    outer.on("end", () => this.#lingerSince === undefined ? inner.end() : outer.destroy());
    inner.on("end", () => this.#finish());
    // Resets are everyday events: "close" follows, and that is where they are handled.
    outer.on("error", () => outer.destroy());
    inner.on("error", () => inner.destroy());
    outer.on("close", () => this.destroy());
    inner.on("close", () => this.#finish());
  }

  /** Monotonic milliseconds of the last byte in either direction. */
  get lastByteAt(): number {
    return this.#lastByteAt;
  }

  /** No request is under way, and its last answer is with the client. */
  get isIdle(): boolean {
    return this.#requestSince === undefined && this.#stalledSince === undefined && this.#outer.writableLength === 0;
  }

  /** Ends what has taken too long. */
  check(): void {
    const now = this.#clock.monotonic();
    const over = (since: number | undefined, mostMs: number) => since !== undefined && now - since > mostMs;
    const { requestMs, wantedMs, idleMs } = this.#limits;
    if (over(this.#requestSince, requestMs) || over(this.#stalledSince, requestMs)) return this.destroy();
    if (over(this.#roomSince, wantedMs) && this.#budget.isWantedOf(this)) return this.destroy();
    if (over(this.#lingerSince, LINGER_MS)) return this.destroy();
    if (now - this.#lastByteAt > idleMs) this.close();
  }

  /** Says goodbye in order. */
  close(): void {
    this.#inner.end();
    this.#finish();
  }

  destroy(): void {
    this.#answered();
    this.#inner.destroy();
    this.#outer.destroy();
  }

  /** There is room for large requests again. */
  resume(): void {
    this.#isHeld = false;
    this.#roomSince = this.#clock.monotonic();
    this.#readOn();
  }

  #fromClient(chunk: Uint8Array): void {
    if (this.#lingerSince !== undefined) return;
    this.#lastByteAt = this.#clock.monotonic();
    this.#requestSince ??= this.#lastByteAt;
    this.#roomSince ??= this.#requestSince;
    this.#requestBytes += chunk.byteLength;
    if (this.#requestBytes > this.#limits.requestBytes) return this.#refuse();
    const hasRoom = this.#budget.take(this, chunk.byteLength);
    if (!hasRoom) this.#isHeld = true;
    if (!this.#inner.write(chunk) || this.#isHeld) this.#outer.pause();
  }

  #toClient(chunk: Uint8Array): void {
    if (this.#lingerSince !== undefined) return;
    this.#answered();
    this.#lastByteAt = this.#clock.monotonic();
    if (this.#outer.write(chunk)) return;
    this.#inner.pause();
    this.#stalledSince ??= this.#lastByteAt;
  }

  /** The client took what was waiting for it. */
  #flushed(): void {
    this.#stalledSince = undefined;
    this.#inner.resume();
  }

  #readOn(): void {
    if (!this.#isHeld && !this.#inner.writableNeedDrain) this.#outer.resume();
  }

  #answered(): void {
    this.#requestBytes = 0;
    this.#requestSince = undefined;
    this.#budget.release(this);
    if (this.#isHeld) this.resume();
    this.#roomSince = undefined;
  }

  #refuse(): void {
    this.#finish(TOO_LARGE_ANSWER);
    this.#inner.destroy();
  }

  /** The HTTP server is done with the connection: so are we, once the client has heard it. */
  #finish(lastWords?: string): void {
    if (this.#lingerSince !== undefined) return;
    this.#lingerSince = this.#clock.monotonic();
    this.#answered();
    if (lastWords === undefined) this.#outer.end();
    else this.#outer.end(lastWords);
    this.#outer.resume();
  }
}
