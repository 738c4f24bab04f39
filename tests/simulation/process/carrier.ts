/** Brings the lines of one watch to the process that reads it, one after the other, as a connection does. */
import type { Timer } from "../../../src/base/clock.ts";
import type { Random } from "../../../src/base/random.ts";
import type { ProcessLife } from "./process_clock.ts";
import type { Timeline } from "../timeline.ts";
import type { FaultRates, ServerStream } from "../types.ts";

export interface CarrierOptions {
  readonly stream: ServerStream;
  readonly timeline: Timeline;
  readonly life: ProcessLife;
  readonly random: Random;
  readonly faults: () => FaultRates | undefined;
  readonly onEnd: () => void;
}

/** As API servers send them. */
const BOOKMARK_MS = 60_000;
const LINE_MS = { min: 0.05, span: 1.5 };
/** The latest that a late line comes. */
const LATE_MS = 5_000;
const ENCODER = new TextEncoder();

export class Carrier {
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: CarrierOptions;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly #timers = new Set<Timer>();
  #isMoving = false;
  #isSilent = false;
  #isOver = false;

  constructor(options: CarrierOptions) {
    this.#options = options;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => this.end(),
    });
    options.stream.onDue(() => this.#move());
    this.#bookmarkLater();
    this.#move();
  }

  /** The server ends the watch by itself. */
  endAfter(ms: number): void {
    this.#after(ms, "end of watch", () => {
      this.#controller?.close();
      this.end();
    });
  }

  /** The connection breaks. */
  cut(): void {
    if (this.#isOver) return;
    this.#controller?.error(Object.assign(new Error("ECONNRESET"), { code: "ECONNRESET" }));
    this.end();
  }

  /** Nothing is carried any more. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers) timer.cancel();
    this.#options.stream.close();
    this.#options.onEnd();
  }

  /** Sets out with the line that is due next. */
  #move(): void {
    if (this.#isMoving || this.#isSilent || this.#isOver) return;
    const line = this.#options.stream.next();
    if (line === undefined) return;
    this.#isMoving = true;
    const isLate = this.#happens("lateLine");
    const { random } = this.#options;
    const ms = LINE_MS.min + LINE_MS.span * random.next() ** 3 + (isLate ? LATE_MS * random.next() ** 2 : 0);
    this.#after(ms, "line", () => this.#arrive(line));
  }

  #arrive(line: string): void {
    this.#isMoving = false;
    if (this.#isSilent) return;
    if (this.#happens("silence")) {
      this.#isSilent = true;
      return;
    }
    if (this.#happens("cutLine")) return this.#cutAt(line);
    if (this.#happens("brokenLine")) {
      this.#controller?.enqueue(ENCODER.encode(`${line.slice(0, line.length >> 1)}\n`));
      return this.#move();
    }
    const before = this.#happens("swappedLine") ? this.#options.stream.next() ?? "" : "";
    const carried = before + (this.#happens("repeatedLine") ? line + line : line);
    if (!this.#happens("lostLine")) this.#controller?.enqueue(ENCODER.encode(carried));
    this.#move();
  }

  /** Before the line, within it, or after it. */
  #cutAt(line: string): void {
    const place = this.#options.random.next();
    if (place > 2 / 3) this.#controller?.enqueue(ENCODER.encode(line));
    else if (place > 1 / 3) this.#controller?.enqueue(ENCODER.encode(line.slice(0, Math.ceil(line.length * place))));
    // What was sent before a connection breaks may still be read: the end follows it.
    this.#after(LINE_MS.min, "cut", () => this.cut());
    this.#isSilent = true;
  }

  #bookmarkLater(): void {
    this.#after(BOOKMARK_MS, "bookmark", () => {
      if (this.#isSilent) return;
      this.#options.stream.bookmark();
      this.#bookmarkLater();
    });
  }

  #after(ms: number, label: string, fire: () => void): void {
    const timer = this.#options.life.after(ms, label, () => {
      this.#timers.delete(timer);
      fire();
    });
    this.#timers.add(timer);
  }

  #happens(fault: keyof FaultRates): boolean {
    const rate = this.#options.faults()?.[fault] ?? 0;
    return rate > 0 && this.#options.random.next() < rate;
  }
}
