import type { JsonObject } from "../../../src/base/json.ts";
import { deepEqual } from "./deep_equal.ts";
import type { FieldCause } from "./server_refusal.ts";

/** What the API server does with the objects of one resource, beyond storing them. Nothing here changes its arguments. */
export interface Strategy {
  /** A new object, its metadata complete, as it is stored: with defaults. */
  readonly prepareCreate: (object: JsonObject) => JsonObject;
  readonly validateCreate: (object: JsonObject) => readonly FieldCause[];
  /** The next version of an object: with defaults; its metadata and status are looked after elsewhere. */
  readonly prepareUpdate: (next: JsonObject, stored: JsonObject) => JsonObject;
  readonly validateUpdate: (next: JsonObject, stored: JsonObject) => readonly FieldCause[];
  /** Whether two specs ask for the same, so that no new generation begins. */
  readonly wantsSame: (spec: unknown, stored: unknown) => boolean;
  readonly prepareStatus: (status: unknown) => unknown;
  readonly validateStatus: (next: JsonObject, stored: JsonObject) => readonly FieldCause[];
}

const NO_CAUSES: readonly FieldCause[] = [];

/** What is stored as it comes. */
export const PLAIN: Strategy = {
  prepareCreate: (object) => object,
  validateCreate: () => NO_CAUSES,
  prepareUpdate: (next) => next,
  validateUpdate: () => NO_CAUSES,
  wantsSame: deepEqual,
  prepareStatus: (status) => status,
  validateStatus: () => NO_CAUSES,
};
