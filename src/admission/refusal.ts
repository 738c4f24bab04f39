/** The answer of a webhook that refuses a JobSet. */
import { GROUP, KIND } from "../api/keys.ts";
import type { JsonObject } from "../base/json.ts";
import { errorBody, errorText, type FieldError } from "./field_error.ts";
import { goQuote } from "./go_text.ts";

/**
 * The `metav1.Status` that refuses a JobSet of this name (empty where only generateName is known): spec 2.4. An error that occurs
 * twice is printed once in the message and stands twice in the causes.
 */
export function refusal(name: string, errors: readonly FieldError[]): JsonObject {
  const texts = [...new Set(errors.map(errorText))];
  const list = texts.length === 1 ? texts.join() : `[${texts.join(", ")}]`;
  const why = texts.length === 0 ? "" : `: ${list}`;
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: `${KIND}.${GROUP} ${goQuote(name)} is invalid${why}`,
    reason: "Invalid",
    details: {
      ...(name === "" ? {} : { name }),
      group: GROUP,
      kind: KIND,
      causes: errors.map((error) => ({ reason: error.type, message: errorBody(error), field: error.field })),
    },
    code: 422,
  };
}
