const NEWLINE = 0x0a;

/** Cuts a stream of bytes into lines. Each byte is copied at most once, however small the chunks. */
export class LineSplitter {
  readonly #limit: number;
  readonly #decoder = new TextDecoder();
  /** The pieces of a line whose end has not come yet. */
  #pieces: Uint8Array[] = [];
  #pendingBytes = 0;

  /** `limit`: the longest line taken, in bytes; 16 MiB if left out, well above etcd's largest object. */
  constructor(limit: number = 16 * 1024 * 1024) {
    this.#limit = limit;
  }

  /** The lines that end within this chunk, without their ends; blank ones are left out. Throws on one over the limit. */
  *push(chunk: Uint8Array): Generator<string> {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, end));
      from = end + 1;
      const line = this.#take();
      if (line.trim() !== "") yield line;
    }
    this.#keep(chunk.subarray(from));
  }

  /** Bytes of a line that has begun and not ended: at the end of a stream it was cut within a line. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  #keep(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#pendingBytes += piece.length;
    if (this.#pendingBytes > this.#limit) throw new Error(`read a line: it exceeds ${this.#limit} bytes`);
  }

  #take(): string {
    const [first] = this.#pieces;
    const bytes = this.#pieces.length > 1 ? Buffer.concat(this.#pieces) : first;
    this.#pieces = [];
    this.#pendingBytes = 0;
    return bytes === undefined ? "" : this.#decoder.decode(bytes);
  }
}
