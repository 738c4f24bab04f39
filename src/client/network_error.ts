import { messageOf } from "../base/message_of.ts";
import { ApiError } from "./api_error.ts";

/** The error of a request that got no answer. Its cause keeps the system's code. */
export function networkError(action: string, cause: unknown): ApiError {
  const code = codeOf(cause);
  const words = WORDS_OF_CODE[code] ?? [code, firstSentence(cause)].filter((part) => part !== "").join(": ");
  const reason = CERTIFICATE_CODE.test(code) ? "Certificate" : "Network";
  return new ApiError({ status: 0, reason, message: `${action}: ${words}`, cause });
}

/** Whether it is certain that nothing was sent: also a write may be repeated. */
export function wasNotSent(error: unknown): boolean {
  return error instanceof ApiError && error.status === 0 && codeOf(error.cause) === "ECONNREFUSED";
}

/** Whether the connection broke, as one kept alive does when the server closed it meanwhile. */
export function wasCutOff(error: unknown): boolean {
  return error instanceof ApiError && error.status === 0 && CUT_CODES.has(codeOf(error.cause));
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Bun adds advice for its own users after the first sentence. */
function firstSentence(error: unknown): string {
  const message = messageOf(error);
  return (message.split(/\. For more information|\. Was there/)[0] ?? "").trim();
}

const CUT_CODES: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ConnectionClosed"]);

const CERTIFICATE_CODE = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS_/;

const UNKNOWN_CA = "the server's certificate is not signed by the CA of the configuration";

const WORDS_OF_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was closed",
  ENOTFOUND: "host not found",
  EAI_AGAIN: "host not found (the name server does not answer)",
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CA,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_CA,
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "the server's certificate is for other names",
};
