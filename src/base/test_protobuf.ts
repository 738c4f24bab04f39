/** Writes protobuf as API servers do, for tests. */

/** A field: its number, and a text, a number, a map of texts or a message. */
type Field = readonly [number, string | number | Uint8Array | Readonly<Record<string, string>>];

export function message(...fields: readonly Field[]): Uint8Array {
  return Buffer.concat(fields.flatMap(([number, value]) => {
    if (typeof value === "number") return [varint(number * 8), varint(value)];
    if (typeof value === "string") return [bytesField(number, new TextEncoder().encode(value))];
    if (value instanceof Uint8Array) return [bytesField(number, value)];
    return Object.entries(value).map((entry) => bytesField(number, message([1, entry[0]], [2, entry[1]])));
  }));
}

/** An object as it is sent. */
export function envelope(object: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from("k8s\0"), message([1, message([1, "v1"], [2, "Any"])], [2, object])]);
}

/** One event of a watch, its length before it. */
export function frame(type: string, object: Uint8Array): Uint8Array {
  const event = message([1, type], [2, message([1, envelope(object)])]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(event.length);
  return Buffer.concat([length, event]);
}

/** An object with the metadata that identifies it, as the watcher's tests name things. */
export function thing(name: string, resourceVersion: number, ...fields: readonly Field[]): Uint8Array {
  const metadata = message([1, name], [3, "ns"], [5, `u-${name}`], [6, String(resourceVersion)], [8, message([1, 5])]);
  return message([1, metadata], ...fields);
}

function bytesField(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return new Uint8Array([...bytes, value]);
}
