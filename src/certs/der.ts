/** DER, as far as X.509 certificates need it (X.690): each function writes one whole value, but for `elementsOf`, which reads. */

export function sequence(...items: readonly Uint8Array[]): Uint8Array {
  return tagged(0x30, ...items);
}

export function setOf(item: Uint8Array): Uint8Array {
  return tagged(0x31, item);
}

/** A tag, the length and the content: also for the context's own tags. */
export function tagged(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(length)]), ...content]);
}

/** A number that is not negative, from its bytes, the highest first. */
export function integer(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  const needsZero = ((digits[0] ?? 0) & 0x80) !== 0;
  return tagged(0x02, needsZero ? Buffer.of(0) : new Uint8Array(), digits);
}

export function boolean(value: boolean): Uint8Array {
  return tagged(0x01, Buffer.of(value ? 0xff : 0));
}

export function octetString(content: Uint8Array): Uint8Array {
  return tagged(0x04, content);
}

export function bitString(content: Uint8Array, unusedBits: number = 0): Uint8Array {
  return tagged(0x03, Buffer.of(unusedBits), content);
}

export function utf8String(text: string): Uint8Array {
  return tagged(0x0c, Buffer.from(text, "utf8"));
}

export function nothing(): Uint8Array {
  return tagged(0x05);
}

/** An object identifier from its dotted form. */
export function objectId(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...arcs] = dotted.split(".").map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...arcs.flatMap(base128)]));
}

/** RFC 5280, 4.1.2.5: two digits of the year until 2049, four from then on; whole seconds. */
export function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/\.\d+Z$/, "Z").replace(/[-:T]/g, "");
  const isShort = new Date(ms).getUTCFullYear() < 2050;
  return isShort ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}

/** The content as PEM in lines of 64 characters. */
export function pem(label: string, content: Uint8Array): string {
  const lines = Buffer.from(content).toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The values within a DER value's content. */
export function elementsOf(der: Uint8Array): readonly { readonly whole: Uint8Array; readonly content: Uint8Array }[] {
  const elements = [];
  for (let offset = 0; offset + 1 < der.length;) {
    const first = der[offset + 1] ?? 0;
    const digits = first < 0x80 ? 0 : first & 0x7f;
    const start = offset + 2 + digits;
    const length = digits === 0 ? first : der.subarray(offset + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
    elements.push({ whole: der.subarray(offset, start + length), content: der.subarray(start, start + length) });
    offset = start + length;
  }
  return elements;
}

function lengthBytes(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return [0x80 | digits.length, ...digits];
}

function base128(arc: number): readonly number[] {
  const digits = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(0x80 | (rest % 128));
  return digits;
}
