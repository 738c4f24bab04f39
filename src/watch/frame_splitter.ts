/** Cuts a stream of bytes into frames that are preceded by their lengths, four bytes each, the highest first. */
export class FrameSplitter {
  readonly #limit: number;
  #rest: Uint8Array = new Uint8Array(0);

  /** `limit`: the longest frame taken, in bytes; 16 MiB if left out, well above etcd's largest object. */
  constructor(limit: number = 16 * 1024 * 1024) {
    this.#limit = limit;
  }

  /** The frames that end within this chunk. Throws on one over the limit. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let from = 0;
    while (from + 4 <= bytes.length) {
      const length = view.getUint32(from);
      if (length > this.#limit) throw new Error(`read a frame: it exceeds ${this.#limit} bytes`);
      if (from + 4 + length > bytes.length) break;
      yield bytes.subarray(from + 4, from + 4 + length);
      from += 4 + length;
    }
    this.#rest = bytes.subarray(from);
  }

  /** Bytes of a frame that has begun and not ended. */
  get pendingBytes(): number {
    return this.#rest.length;
  }
}
