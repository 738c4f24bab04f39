import { asObject } from "../../../src/base/json.ts";

/** Equality of JSON values; an undefined field is an absent one. Parts that two versions share are not looked at. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => deepEqual(item, b[index]));
  }
  const [one, other] = [asObject(a), asObject(b)];
  if (one === undefined || other === undefined) return false;
  let fields = 0;
  for (const field in one) {
    if (one[field] === undefined) continue;
    fields += 1;
    if (!deepEqual(one[field], other[field])) return false;
  }
  for (const field in other) if (other[field] !== undefined) fields -= 1;
  return fields === 0;
}
