import type { ProtobufTable } from "../base/protobuf.ts";
import { FrameSplitter } from "./frame_splitter.ts";
import { LineSplitter } from "./line_splitter.ts";
import { peekEvent, type WatchedIdentity } from "./peek_event.ts";
import { readWatchFrame } from "./watch_frame.ts";
import { brokenLine, parseWatchLine, type WatchLine } from "./watch_line.ts";

export interface EventReaderOptions {
  /** Of the objects that are watched, where protobuf was asked for. */
  readonly protobuf: ProtobufTable | undefined;
  /** Whether an event brings nothing new: no more than its version is read. */
  readonly isKnown: (identity: WatchedIdentity) => boolean;
}

/** How the server writes: known from the first byte on. */
interface Format {
  readonly splitter: { readonly pendingBytes: number };
  readonly read: (chunk: Uint8Array) => Generator<WatchLine>;
}

/** Cuts a watch's stream into events and reads each no further than it matters. */
export class EventReader {
  readonly #options: EventReaderOptions;
  #format: Format | undefined;

  constructor(options: EventReaderOptions) {
    this.#options = options;
  }

  /** The events that end within this chunk. */
  read(chunk: Uint8Array): Generator<WatchLine> {
    this.#format ??= this.#recognise(chunk);
    return this.#format.read(chunk);
  }

  /** An event has begun that has not ended yet. */
  get isWithinEvent(): boolean {
    return this.#format !== undefined && this.#format.splitter.pendingBytes > 0;
  }

  /** A frame begins with its length, the highest byte first, and none is so long that this is not 0; JSON begins with a brace. */
  #recognise(chunk: Uint8Array): Format {
    const { protobuf: table, isKnown } = this.#options;
    if (table === undefined || chunk[0] !== 0) {
      const splitter = new LineSplitter();
      return { splitter, read: (bytes) => readAll(splitter.push(bytes), (text) => this.#readLine(text)) };
    }
    const splitter = new FrameSplitter();
    return {
      splitter,
      read: (bytes) => readAll(splitter.push(bytes), (frame) => readWatchFrame(frame, { table, isKnown })),
    };
  }

  #readLine(text: string): WatchLine {
    const event = peekEvent(text);
    if (event === undefined) return parseWatchLine(text);
    const { type, identity } = event;
    const { resourceVersion } = identity;
    if (type === "DELETED") return { kind: "delete", object: { metadata: identity }, resourceVersion };
    if (!this.#options.isKnown(identity)) return parseWatchLine(text);
    return { kind: "bookmark", resourceVersion, initialEventsEnd: false };
  }
}

/** A piece that cannot be cut off ends the stream as one that cannot be read does. */
function* readAll<T>(pieces: Generator<T>, read: (piece: T) => WatchLine): Generator<WatchLine> {
  for (;;) {
    let next: IteratorResult<T>;
    try {
      next = pieces.next();
    } catch (error) {
      return yield brokenLine(String(error));
    }
    if (next.done === true) return;
    yield read(next.value);
  }
}
