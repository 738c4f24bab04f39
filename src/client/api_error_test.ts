import { expect, test } from "bun:test";
import {
  ApiError,
  apiErrorFromAnswer,
  apiErrorFromStatus,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isNotFound,
  isTimeout,
  isTooLargeResourceVersion,
  isTooManyRequests,
  isTransient,
  isUnauthorized,
} from "./api_error.ts";

const PREDICATES = {
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isNotFound,
  isTimeout,
  isTooManyRequests,
  isTransient,
  isUnauthorized,
};

const cases: readonly { status: number; reason: string; holds: readonly (keyof typeof PREDICATES)[] }[] = [
  { status: 0, reason: "Network", holds: ["isTransient"] },
  { status: 0, reason: "Timeout", holds: ["isTimeout", "isTransient"] },
  { status: 400, reason: "BadRequest", holds: [] },
  { status: 401, reason: "Unauthorized", holds: ["isUnauthorized"] },
  { status: 403, reason: "Forbidden", holds: ["isForbidden"] },
  { status: 404, reason: "NotFound", holds: ["isNotFound"] },
  { status: 408, reason: "Unknown", holds: ["isTimeout", "isTransient"] },
  { status: 409, reason: "Conflict", holds: ["isConflict"] },
  { status: 409, reason: "AlreadyExists", holds: ["isAlreadyExists"] },
  { status: 410, reason: "Gone", holds: ["isGone"] },
  { status: 410, reason: "Expired", holds: ["isGone"] },
  { status: 422, reason: "Invalid", holds: ["isInvalid"] },
  { status: 429, reason: "TooManyRequests", holds: ["isTooManyRequests", "isTransient"] },
  { status: 500, reason: "InternalError", holds: ["isTransient"] },
  { status: 503, reason: "ServiceUnavailable", holds: ["isTransient"] },
  { status: 504, reason: "Timeout", holds: ["isTimeout", "isTransient"] },
];

test.each([...cases])("$status $reason is told apart", ({ status, reason, holds }) => {
  const error = new ApiError({ status, reason, message: "" });
  const found = Object.entries(PREDICATES).filter(([, holdsFor]) => holdsFor(error)).map(([name]) => name);
  expect(found).toEqual([...holds]);
});

test("no predicate holds for what is no ApiError", () => {
  for (const holdsFor of Object.values(PREDICATES)) {
    expect(holdsFor(Object.assign(new Error(), { status: 404 }))).toBe(false);
  }
});

test("an answer's error carries the API server's words, reason, details and wait", () => {
  const details = { name: "a", kind: "jobs", retryAfterSeconds: 3, causes: [{ reason: "ResourceVersionTooLarge" }] };
  const body = JSON.stringify({ kind: "Status", code: 504, reason: "Timeout", message: "its words", details });
  const error = apiErrorFromAnswer({ status: 504, action: "GET x", body, retryAfter: null });
  expect(error).toMatchObject({ status: 504, reason: "Timeout", message: "its words", retryAfterMs: 3_000, details });
  expect(isTooLargeResourceVersion(error)).toBe(true);
  expect(apiErrorFromAnswer({ status: 504, action: "GET x", body, retryAfter: "5" }).retryAfterMs).toBe(5_000);
});

test("an answer without a Status is named by what was tried and quoted in one line", () => {
  const body = `<html>\n  bad gateway ${"x".repeat(300)}`;
  const error = apiErrorFromAnswer({ status: 502, action: "GET https://kube/x", body, retryAfter: "soon" });
  expect(error.message).toStartWith("GET https://kube/x: HTTP 502: <html> bad gateway xxx");
  expect(error.message.length).toBeLessThan(260);
  expect(error).toMatchObject({ reason: "BadGateway", retryAfterMs: undefined });
  for (const odd of ["", "{", "[]", "{}", '{"kind":"Status"}']) {
    expect(apiErrorFromAnswer({ status: 404, action: "GET x", body: odd, retryAfter: null }).message)
      .toStartWith("GET x: HTTP 404");
  }
});

test("a Status within a watch is an error of its own code", () => {
  const status = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version: 1 (2)" };
  expect(apiErrorFromStatus(status)).toMatchObject({ status: 410, message: "too old resource version: 1 (2)" });
});
