/**
 * What counts as absent in a field, as the Kubernetes Go types see it (spec 2.3). Wherever it says nothing else, null and an
 * empty list are absent.
 *
 * - `zero`: false, 0 and "" are; the type's field is plain
 * - `zeroNumber`: 0 is, "" is not: an integer or a string
 * - `quantity`: compared by value, absent is 0; `optionalQuantity`: compared by value, absent is not 0
 * - `map`: an empty one is; `quantities`: likewise, and its values are compared by value
 * - `struct`: an empty one of that type is; `optional`: an empty one is something
 * - `list`: of structs of that type
 */
export type FieldRule =
  | "zero"
  | "zeroNumber"
  | "quantity"
  | "optionalQuantity"
  | "quantities"
  | "map"
  | readonly ["struct" | "optional" | "list", string];
