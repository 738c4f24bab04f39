import type { JsonObject } from "./json.ts";

/** A message: its fields by their numbers. */
export type ProtobufTable = Readonly<Record<number, ProtobufField>>;

export interface ProtobufField {
  readonly name: string;
  /** "time" is Kubernetes' Time, read as RFC 3339 with whole seconds. */
  readonly type: "string" | "integer" | "boolean" | "time" | "stringMap" | "bytes" | ProtobufTable;
  /** Of messages only. */
  readonly isList?: true;
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const TIME: ProtobufTable = { 1: { name: "seconds", type: "integer" } };

/**
 * Reads a message by a table of its fields, as the JSON of the same Kubernetes object would be: empty texts, which JSON leaves
 * out, are left out here too. Fields that the table does not name are passed over unread. Throws a RangeError where the bytes
 * are no such message.
 */
export function readProtobuf(bytes: Uint8Array, table: ProtobufTable): JsonObject {
  return new Reader(bytes).message(table, bytes.length);
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  message(table: ProtobufTable, end: number): JsonObject {
    const message: Record<string, unknown> = {};
    while (this.#at < end) {
      const tag = this.#varint();
      const field = table[tag >>> 3];
      if (field === undefined) this.#skip(tag & 7);
      else this.#field(message, field, tag & 7);
    }
    if (this.#at !== end) throw new RangeError("read protobuf: a field goes beyond its message");
    return message;
  }

  #field(message: Record<string, unknown>, { name, type, isList }: ProtobufField, wireType: number): void {
    const wanted = type === "integer" || type === "boolean" ? VARINT : BYTES;
    if (wireType !== wanted) throw new RangeError(`read protobuf: field "${name}" has wire type ${wireType}`);
    if (type === "integer") message[name] = this.#varint();
    else if (type === "boolean") message[name] = this.#varint() !== 0;
    else if (type === "stringMap") message[name] = this.#entry(message[name]);
    else {
      const value = this.#value(type);
      const known = message[name];
      if (isList && Array.isArray(known)) known.push(value);
      else if (value !== undefined) message[name] = isList ? [value] : value;
    }
  }

  #value(type: "string" | "bytes" | "time" | ProtobufTable): unknown {
    const end = this.#end();
    if (type === "string") return this.#text(end) || undefined;
    if (type === "time") return formatTime(this.message(TIME, end)["seconds"]);
    if (type !== "bytes") return this.message(type, end);
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** A map is a list of messages of key and value; the entry is put into the map that began with an earlier one. */
  #entry(known: unknown): Record<string, unknown> {
    const map = (known ?? {}) as Record<string, unknown>;
    const end = this.#end();
    let key = "";
    let value = "";
    while (this.#at < end) {
      const tag = this.#varint();
      if ((tag & 7) !== BYTES) throw new RangeError(`read protobuf: a map's entry has wire type ${tag & 7}`);
      const text = this.#text(this.#end());
      if (tag >>> 3 === 1) key = text;
      else value = text;
    }
    map[key] = value;
    return map;
  }

  #text(end: number): string {
    const text = this.#bytes.toString("utf8", this.#at, end);
    this.#at = end;
    return text;
  }

  /** Where the length-delimited value that begins here ends. */
  #end(): number {
    const end = this.#varint() + this.#at;
    if (end > this.#bytes.length) throw new RangeError("read protobuf: the message is cut short");
    return end;
  }

  /** Exact up to 2^53; negative numbers are written as 2^64 - n. */
  #varint(): number {
    const start = this.#at;
    let value = 0;
    for (let factor = 1; this.#at - start < 10; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError("read protobuf: the message is cut short");
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return this.#at - start < 10 ? value : this.#negative(start);
    }
    throw new RangeError("read protobuf: a number of more than ten bytes");
  }

  #negative(start: number): number {
    let value = 0n;
    for (let at = start; at < this.#at; at++) {
      value |= BigInt((this.#bytes[at] ?? 0) & 0x7f) << BigInt(7 * (at - start));
    }
    return Number(BigInt.asIntN(64, value));
  }

  #skip(wireType: number): void {
    if (wireType === VARINT) this.#varint();
    else if (wireType === FIXED64) this.#at += 8;
    else if (wireType === FIXED32) this.#at += 4;
    else if (wireType === BYTES) this.#at = this.#end();
    else throw new RangeError(`read protobuf: wire type ${wireType}`);
  }
}

/** An empty Time, which JSON writes as null, has no seconds. */
function formatTime(seconds: unknown): string | undefined {
  return typeof seconds === "number" ? new Date(seconds * 1000).toISOString().replace(".000Z", "Z") : undefined;
}
