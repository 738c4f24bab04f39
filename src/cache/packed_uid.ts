/** A uid as the API server makes them, in two numbers of 52 bits and one of 24: a text of 36 characters takes five times as much. */
export interface PackedUid {
  readonly high: number;
  readonly middle: number;
  readonly low: number;
}

/** Lower-case hexadecimal, in groups of 8, 4, 4, 4 and 12 digits. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Hexadecimal digits of the first two numbers, and of the last. */
const MANY = 13;
const FEW = 6;

/** Undefined for a uid that is written otherwise. */
export function packUid(uid: string): PackedUid | undefined {
  if (!UUID.test(uid)) return undefined;
  const digits = uid.slice(0, 8) + uid.slice(9, 13) + uid.slice(14, 18) + uid.slice(19, 23) + uid.slice(24);
  return {
    high: parseInt(digits.slice(0, MANY), 16),
    middle: parseInt(digits.slice(MANY, 2 * MANY), 16),
    low: parseInt(digits.slice(2 * MANY), 16),
  };
}

export function unpackUid({ high, middle, low }: PackedUid): string {
  const digits = hex(high, MANY) + hex(middle, MANY) + hex(low, FEW);
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${
    digits.slice(20)
  }`;
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}
