/**
 * Compares two resourceVersions as decimal numbers of any length. What is empty or no number counts as the oldest,
 * so that an object without a version never hides one that has it.
 */
export function compareResourceVersions(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0;
  const left = significantDigits(a);
  const right = significantDigits(b);
  if (left === right) return 0;
  if (left.length !== right.length) return left.length < right.length ? -1 : 1;
  return left < right ? -1 : 1;
}

/** Whether `a` is newer than `b`. */
export function isNewerVersion(a: string, b: string): boolean {
  return compareResourceVersions(a, b) > 0;
}

/** The digits after the leading zeros: "" for zero, for the empty text and for what is no number. */
function significantDigits(version: string): string {
  let start = 0;
  for (let index = 0; index < version.length; index++) {
    const code = version.charCodeAt(index);
    if (code < 0x30 || code > 0x39) return "";
    if (code === 0x30 && start === index) start++;
  }
  return start === 0 ? version : version.slice(start);
}
