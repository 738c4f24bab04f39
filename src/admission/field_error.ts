/** What is wrong with one field, in the words of Kubernetes' API server (spec 2.4). */
import { goJson, goQuote } from "./go_text.ts";

/** The kinds of mistake; the value is the `reason` of a cause in a `metav1.Status`. */
export type FieldErrorType =
  | "FieldValueNotFound"
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "InternalError";

/** One mistake: the field as a path (`spec.replicatedJobs[0].name`), the value found there and why it won't do. */
export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  /** Absent where the message shows none; null is shown. */
  readonly badValue?: unknown;
  /** Why; may be empty. */
  readonly detail: string;
}

/** A whole list of replicatedJobs may have megabytes, and would stand in the message and in its cause. */
const MAX_VALUE_TEXT = 16_384;

const WORDS: Readonly<Record<FieldErrorType, string>> = {
  FieldValueNotFound: "Not found",
  FieldValueRequired: "Required value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueForbidden: "Forbidden",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
  InternalError: "Internal error",
};

/** `field: Invalid value: "v": why`; an absent value is shown as null. */
export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { type: "FieldValueInvalid", field, badValue: value ?? null, detail };
}

/** `field: Required value: why` */
export function required(field: string, detail = ""): FieldError {
  return { type: "FieldValueRequired", field, detail };
}

/** `field: Unsupported value: "v": supported values: "A", "B"` */
export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const detail = supported.length === 0 ? "" : `supported values: ${supported.map(goQuote).join(", ")}`;
  return { type: "FieldValueNotSupported", field, badValue: value ?? null, detail };
}

/** `field: Forbidden: why` */
export function forbidden(field: string, detail: string): FieldError {
  return { type: "FieldValueForbidden", field, detail };
}

/** `field: Too long: may not be more than 63 bytes` */
export function tooLong(field: string, maxBytes: number): FieldError {
  return { type: "FieldValueTooLong", field, detail: `may not be more than ${maxBytes} bytes` };
}

/** `field: Too many: 5: must have at most 4 items` */
export function tooMany(field: string, count: number, max: number): FieldError {
  return { type: "FieldValueTooMany", field, badValue: count, detail: `must have at most ${max} items` };
}

/** `field: Duplicate value: "v"` */
export function duplicate(field: string, value: unknown): FieldError {
  return { type: "FieldValueDuplicate", field, badValue: value ?? null, detail: "" };
}

/** `field: Internal error: what happened`: the field could not be checked. */
export function internalError(field: string, detail: string): FieldError {
  return { type: "InternalError", field, detail };
}

/** The whole line: `spec.x: Invalid value: "v": why`. */
export function errorText(error: FieldError): string {
  return `${error.field}: ${errorBody(error)}`;
}

/** The line without the field, as a cause has it: `Invalid value: "v": why`. */
export function errorBody({ type, badValue, detail }: FieldError): string {
  const value = badValue === undefined ? "" : `: ${valueText(badValue)}`;
  return `${WORDS[type]}${value}${detail === "" ? "" : `: ${detail}`}`;
}

/** As Go prints it: strings quoted, numbers and booleans plain, all else as compact JSON. */
function valueText(value: unknown): string {
  const text = typeof value === "string" ? goQuote(value) : goJson(value);
  return text.length > MAX_VALUE_TEXT ? `${text.slice(0, MAX_VALUE_TEXT)}…` : text;
}
