import { asInteger, asObject, asString, at } from "../base/json.ts";

export interface ApiErrorOptions {
  /** The HTTP code; 0 where no answer came (network, timeout). */
  readonly status: number;
  /** `Status.reason` of the API server, or one of ours where there is none: "Network", "Timeout", "BadAnswer". */
  readonly reason: string;
  readonly message: string;
  /** How long the server asked us to wait. */
  readonly retryAfterMs?: number | undefined;
  /** `Status.details`: causes, field paths, the object's kind and name. */
  readonly details?: unknown;
  readonly cause?: unknown;
}

/** A request that failed. Decide by the predicates below, never by the message. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  readonly details: unknown;

  constructor(options: ApiErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status;
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }
}

export interface FailedAnswer {
  readonly status: number;
  /** What was tried, for answers that carry no words of the API server: `GET https://10.0.0.1/api/v1/pods`. */
  readonly action: string;
  /** The body as text. */
  readonly body: string;
  /** The Retry-After header. */
  readonly retryAfter: string | null;
}

/** The error of an answer that is not a success: the API server's own words where the body is a Status. */
export function apiErrorFromAnswer(answer: FailedAnswer): ApiError {
  const status = parseStatus(answer.body);
  const code = asInteger(at(status, "code")) ?? answer.status;
  const seconds = asInteger(at(status, "details", "retryAfterSeconds"));
  const words = asString(at(status, "message"));
  return new ApiError({
    status: code === 0 ? answer.status : code,
    reason: asString(at(status, "reason")) || (REASON_OF_CODE[answer.status] ?? "Unknown"),
    message: words ||
      `${answer.action}: HTTP ${answer.status}${answer.body === "" ? "" : `: ${firstWords(answer.body)}`}`,
    retryAfterMs: parseRetryAfter(answer.retryAfter) ??
      (seconds === undefined || seconds <= 0 ? undefined : seconds * 1000),
    details: at(status, "details"),
  });
}

/** The error that a Status object stands for, as it comes in a watch's ERROR event. */
export function apiErrorFromStatus(status: unknown): ApiError {
  const code = asInteger(at(status, "code")) ?? 0;
  return apiErrorFromAnswer({ status: code, action: "watch", body: JSON.stringify(status) ?? "", retryAfter: null });
}

/** Milliseconds of a Retry-After header in whole seconds, the one form that API servers send. */
export function parseRetryAfter(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1000 : undefined;
}

export function isNotFound(error: unknown): boolean {
  return hasStatus(error, 404);
}

/** A stale resourceVersion or uid: read again, decide again. */
export function isConflict(error: unknown): boolean {
  return hasStatus(error, 409) && error.reason !== "AlreadyExists";
}

export function isAlreadyExists(error: unknown): boolean {
  return hasStatus(error, 409) && error.reason === "AlreadyExists";
}

export function isInvalid(error: unknown): boolean {
  return hasStatus(error, 422);
}

/** The resourceVersion or continue token asked for is no longer kept: list anew. */
export function isGone(error: unknown): boolean {
  return hasStatus(error, 410) || (error instanceof ApiError && error.reason === "Expired");
}

export function isForbidden(error: unknown): boolean {
  return hasStatus(error, 403);
}

export function isUnauthorized(error: unknown): boolean {
  return hasStatus(error, 401);
}

export function isTooManyRequests(error: unknown): boolean {
  return hasStatus(error, 429);
}

/** No answer in time, whether our deadline passed or the server's. */
export function isTimeout(error: unknown): boolean {
  return error instanceof ApiError && (error.reason === "Timeout" || error.status === 504 || error.status === 408);
}

/** Nothing was sent: the caller had lost interest when it was the request's turn. */
export function isNotWanted(error: unknown): boolean {
  return error instanceof ApiError && error.reason === NOT_WANTED;
}

export function notWanted(action: string): ApiError {
  return new ApiError({ status: 0, reason: NOT_WANTED, message: `${action}: not sent, as it is not wanted any more` });
}

/** The same request may succeed a little later. It says nothing about whether a write took place. */
export function isTransient(error: unknown): boolean {
  return error instanceof ApiError &&
    (error.status === 0 || error.status === 429 || error.status >= 500 || isTimeout(error));
}

/** A resourceVersion that the server has not reached, which after a restore from a backup it may never reach. */
export function isTooLargeResourceVersion(error: unknown): boolean {
  const causes = at(error instanceof ApiError ? error.details : undefined, "causes");
  return Array.isArray(causes) && causes.some((cause) => at(cause, "reason") === "ResourceVersionTooLarge");
}

function hasStatus(error: unknown, status: number): error is ApiError {
  return error instanceof ApiError && error.status === status;
}

function parseStatus(body: string): unknown {
  if (!body.startsWith("{")) return undefined;
  try {
    const parsed: unknown = JSON.parse(body);
    return asString(asObject(parsed)?.["kind"]) === "Status" ? parsed : undefined;
  } catch {
    return undefined; // An answer that is no JSON comes from a proxy; its text is quoted in the message.
  }
}

function firstWords(body: string): string {
  const line = body.replace(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

const NOT_WANTED = "NotWanted";

const REASON_OF_CODE: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  410: "Gone",
  413: "RequestEntityTooLarge",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  502: "BadGateway",
  503: "ServiceUnavailable",
  504: "Timeout",
};
