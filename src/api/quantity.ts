/**
 * Kubernetes quantities (`500m`, `1.5Gi`, `2e3`) by their exact value, as apimachinery reads them: rounded up, away from zero, to
 * a nano; binary ones capped at the largest 64-bit integer. Never as floating point, and never expanded: `1e999999999` is short.
 */

/** `digits` times ten to the `exponent`; the digits end in no zero, so that equal values have equal fields. */
export interface Quantity {
  readonly digits: bigint;
  readonly exponent: number;
}

const ZERO: Quantity = { digits: 0n, exponent: 0 };
const MAX_BINARY = (1n << 63n) - 1n;
const NANO_EXPONENT = -9;
/** Longer texts are nobody's quantity, and big numbers cost time. */
const MAX_LENGTH = 256;
const MAX_EXPONENT = 2 ** 31 - 1;

const FORM = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?[0-9]+))?$/;
const DECIMAL_EXPONENTS: ReadonlyMap<string, number> = new Map([
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
]);
const BINARY_ORDER = "KMGTPE";

/** The quantity that a JSON string or number stands for, or undefined where it stands for none. */
export function parseQuantity(value: unknown): Quantity | undefined {
  const text = typeof value === "number" ? String(value) : typeof value === "string" ? value.trim() : "";
  if (text.length > MAX_LENGTH) return undefined;
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", binary, decimal, exponentText] = match;
  if (whole.length + fraction.length === 0) return undefined;
  const digits = BigInt(whole + fraction);
  const isNegative = sign === "-";
  if (binary !== undefined) {
    const shifted = digits << BigInt(10 * (BINARY_ORDER.indexOf(binary.charAt(0)) + 1));
    return quantity(cappedBinary(shifted, fraction.length), -fraction.length, isNegative);
  }
  const exponent = exponentText === undefined ? DECIMAL_EXPONENTS.get(decimal ?? "") ?? 0 : Number(exponentText);
  if (Math.abs(exponent) > MAX_EXPONENT) return undefined;
  return quantity(digits, exponent - fraction.length, isNegative);
}

/** Whether two JSON values are quantities of the same value; what is no quantity equals only itself. */
export function equalQuantities(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  const left = parseQuantity(a);
  const right = parseQuantity(b);
  if (left === undefined || right === undefined) return false;
  return left.digits === right.digits && left.exponent === right.exponent;
}

/** One text for all spellings of a value, for hashes; what is no quantity keeps its JSON text. */
export function canonicalQuantity(value: unknown): string {
  const parsed = parseQuantity(value);
  return parsed === undefined ? JSON.stringify(value) ?? "" : `${parsed.digits}e${parsed.exponent}`;
}

/** The largest integer where the value is above it: apimachinery caps quantities of a binary suffix. */
function cappedBinary(digits: bigint, fractionLength: number): bigint {
  const scale = 10n ** BigInt(fractionLength);
  return digits > MAX_BINARY * scale ? MAX_BINARY * scale : digits;
}

function quantity(digits: bigint, exponent: number, isNegative: boolean): Quantity {
  if (digits === 0n) return ZERO;
  const rounded = exponent < NANO_EXPONENT ? roundedUp(digits, exponent) : { digits, exponent };
  const text = String(rounded.digits);
  const significant = text.replace(/0+$/, "");
  const value = BigInt(significant);
  return {
    digits: isNegative ? -value : value,
    exponent: rounded.exponent + text.length - significant.length,
  };
}

function roundedUp(digits: bigint, exponent: number): Quantity {
  const dropped = NANO_EXPONENT - exponent;
  if (dropped > String(digits).length) return { digits: 1n, exponent: NANO_EXPONENT };
  const divisor = 10n ** BigInt(dropped);
  return { digits: (digits + divisor - 1n) / divisor, exponent: NANO_EXPONENT };
}
