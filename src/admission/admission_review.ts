/** AdmissionReview of admission.k8s.io/v1, in and out. */
import { asObject, asString, at, type JsonObject } from "../base/json.ts";

const API_VERSION = "admission.k8s.io/v1";
const KIND = "AdmissionReview";

/** What the API server asks about. */
export interface AdmissionRequest {
  readonly uid: string;
  /** CREATE, UPDATE, DELETE or CONNECT. */
  readonly operation: string;
  /** `group/kind` of the object in the form in which it is sent. */
  readonly groupKind: string;
  /** Empty for the object itself. */
  readonly subResource: string;
  readonly namespace: string;
  /** undefined on DELETE. */
  readonly object: JsonObject | undefined;
  /** undefined on CREATE. */
  readonly oldObject: JsonObject | undefined;
}

/** What is to be sent back, but for the uid. */
export type Verdict =
  | { readonly kind: "allowed" }
  /** `patch`: a JSON Patch in base64. */
  | { readonly kind: "patched"; readonly patch: string }
  /** `status`: a whole metav1.Status. */
  | { readonly kind: "refused"; readonly status: JsonObject };

/** Reads a review; a text says what is missing. Fields that are not looked at may hold anything. */
export function readReview(body: unknown): AdmissionRequest | string {
  if (at(body, "kind") !== KIND || at(body, "apiVersion") !== API_VERSION) {
    return `the body is no ${KIND} of ${API_VERSION}`;
  }
  const request = asObject(at(body, "request"));
  if (request === undefined) return `the ${KIND} has no request`;
  const uid = asString(request["uid"]);
  const operation = asString(request["operation"]);
  if (uid === undefined || uid === "") return "the request has no uid";
  if (operation === undefined) return "the request has no operation";
  return {
    uid,
    operation,
    groupKind: `${asString(at(request, "kind", "group")) ?? ""}/${asString(at(request, "kind", "kind")) ?? ""}`,
    subResource: asString(request["subResource"]) ?? "",
    namespace: asString(request["namespace"]) ?? "",
    object: asObject(request["object"]),
    oldObject: asObject(request["oldObject"]),
  };
}

/** The answer as JSON text. */
export function reviewAnswer(uid: string, verdict: Verdict): string {
  return JSON.stringify({ kind: KIND, apiVersion: API_VERSION, response: { uid, ...responseOf(verdict) } });
}

const REASONS = { 400: "BadRequest", 403: "Forbidden", 500: "InternalError" } as const;

/** A refusal that is not about the object's fields. */
export function plainRefusal(code: keyof typeof REASONS, message: string): Verdict {
  const reason = REASONS[code];
  return { kind: "refused", status: { kind: "Status", apiVersion: "v1", status: "Failure", message, reason, code } };
}

function responseOf(verdict: Verdict): JsonObject {
  switch (verdict.kind) {
    case "allowed":
      return { allowed: true };
    case "patched":
      return { allowed: true, patchType: "JSONPatch", patch: verdict.patch };
    case "refused":
      return { allowed: false, status: verdict.status };
  }
}
