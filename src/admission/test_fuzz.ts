/** For tests: bytes that a webhook might get, from nothing but noise to a real review with a twist. */
import type { Random } from "../base/random.ts";
import { MUTATE_PATH, MUTATE_POD_PATH, VALIDATE_PATH, VALIDATE_POD_PATH } from "./routes.ts";
import { PINNED_POD } from "./test_pods.ts";
import { admissionReview, reviewedJobSet } from "./test_reviews.ts";

export interface FuzzRequest {
  readonly path: string;
  readonly method: string;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What a request may be answered with. */
export const FUZZ_CODES: readonly number[] = [200, 400, 404, 405, 413, 415, 431];

const ODD_TEXTS = [
  "",
  "a".repeat(64),
  "a".repeat(10_000),
  "ä😀\u0000\ud800",
  "-",
  "$(a)",
  "__proto__",
  "constructor",
  "(a+)+$",
  "[",
  "\\",
  "{{.}}",
];
const ODD_VALUES: readonly unknown[] = [null, true, false, 0, -1, 1e308, 2 ** 53, 1.5, [], {}, ...ODD_TEXTS];

/** A real review with everything that the rules look at. */
function richReview(random: Random): unknown {
  const jobSet = reviewedJobSet({ replicatedJobs: 1 + below(random, 3), isDefaulted: random.next() < 0.5 });
  const spec = {
    ...(jobSet["spec"] as object),
    successPolicy: { operator: "Any", targetReplicatedJobs: ["workers-0"] },
    failurePolicy: {
      maxRestarts: 3,
      rules: [{
        action: "RestartJobSet",
        onJobFailureReasons: ["BackoffLimitExceeded"],
        onJobFailureMessagePatterns: ["a.*b"],
      }],
    },
    startupPolicy: { startupPolicyOrder: "InOrder" },
    network: { subdomain: "training" },
    coordinator: { replicatedJob: "workers-0", jobIndex: 0, podIndex: 0 },
    managedBy: "example.com/queue",
    ttlSecondsAfterFinished: 60,
    volumeClaimPolicies: [{
      templates: [{ metadata: { name: "scratch" }, spec: { accessModes: ["ReadWriteOnce"] } }],
      retentionPolicy: { whenDeleted: "Retain" },
    }],
  };
  const object = { ...jobSet, spec };
  const operation = random.next() < 0.5 ? "CREATE" : "UPDATE";
  return admissionReview({ operation, object, oldObject: operation === "UPDATE" ? structuredClone(object) : null });
}

/** A review of a follower that comes with a selector: all rules for Pods look at it. */
function podReview(): unknown {
  const review = admissionReview({ object: PINNED_POD });
  return { ...review, request: { ...(review["request"] as object), kind: { group: "", version: "v1", kind: "Pod" } } };
}

/** One request; the same numbers give the same one. */
export function fuzzRequest(random: Random): FuzzRequest {
  const isOdd = (share: number) => random.next() < share;
  const isPod = isOdd(0.2);
  const [mutate, validate] = isPod ? [MUTATE_POD_PATH, VALIDATE_POD_PATH] : [MUTATE_PATH, VALIDATE_PATH];
  return {
    path: isOdd(0.01) ? `/${oddText(random).replaceAll(/[^a-z]/g, "")}` : isOdd(0.5) ? mutate : validate,
    method: isOdd(0.01) ? "PUT" : "POST",
    contentType: isOdd(0.01) ? "text/plain" : "application/json",
    body: fuzzBody(random, () => isPod ? podReview() : richReview(random)),
  };
}

function fuzzBody(random: Random, review: () => unknown): Uint8Array<ArrayBuffer> {
  const encode = (value: unknown) => new Uint8Array(new TextEncoder().encode(JSON.stringify(value)));
  switch (below(random, 6)) {
    case 0:
      return noise(random, below(random, 300));
    case 1:
      return encode(randomValue(random, 4));
    case 2:
      return damaged(random, encode(review()));
    default:
      return encode(twisted(random, review()));
  }
}

/** Bytes flipped, cut out or repeated. */
function damaged(random: Random, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  for (let n = 1 + below(random, 5); n > 0; n--) copy[below(random, copy.length)] = below(random, 256);
  const cut = below(random, copy.length);
  if (random.next() < 0.3) return copy.slice(0, cut);
  if (random.next() < 0.3) return new Uint8Array([...copy.slice(0, cut), ...copy.slice(below(random, cut + 1))]);
  return copy;
}

/** Some parts of the value replaced by others, left out, repeated or wrapped. */
function twisted(random: Random, value: unknown): unknown {
  let result = value;
  for (let n = 1 + below(random, 4); n > 0; n--) result = twistOnce(random, result);
  return result;
}

function twistOnce(random: Random, value: unknown): unknown {
  const isHere = typeof value !== "object" || value === null || random.next() < 0.08;
  if (isHere) return replacement(random, value);
  if (Array.isArray(value)) {
    if (value.length === 0) return replacement(random, value);
    const at = below(random, value.length);
    if (random.next() < 0.2) return [...value, ...value];
    if (random.next() < 0.1) return value.toSpliced(at, 1);
    return value.with(at, twistOnce(random, value[at]));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return { [oddText(random)]: replacement(random, value) };
  const at = below(random, entries.length);
  if (random.next() < 0.05) return Object.fromEntries(entries.toSpliced(at, 1));
  // The review's own head is left alone mostly, so that the rules are reached.
  const [key, inner] = entries.find(([name]) => /^(?:request|object|spec)$/.test(name) && random.next() < 0.8) ??
    entries[at] ?? ["", null];
  return { ...value, [key]: twistOnce(random, inner) };
}

function replacement(random: Random, value: unknown): unknown {
  switch (below(random, 4)) {
    case 0:
      return randomValue(random, 3);
    case 1:
      return [value];
    case 2:
      return typeof value === "string" ? value + oddText(random) : { [oddText(random)]: value };
    default:
      return ODD_VALUES[below(random, ODD_VALUES.length)];
  }
}

function randomValue(random: Random, depth: number): unknown {
  if (depth > 0 && random.next() < 0.3) {
    return Array.from({ length: below(random, 4) }, () => randomValue(random, depth - 1));
  }
  if (depth > 0 && random.next() < 0.5) {
    return Object.fromEntries(
      Array.from({ length: below(random, 4) }, () => [oddText(random), randomValue(random, depth - 1)]),
    );
  }
  return ODD_VALUES[below(random, ODD_VALUES.length)];
}

function oddText(random: Random): string {
  return ODD_TEXTS[below(random, ODD_TEXTS.length)] ?? "";
}

function noise(random: Random, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => below(random, 256));
}

function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}

/** What is wrong with an answer, or undefined. */
export async function fuzzProblem(request: FuzzRequest, answer: Response): Promise<string | undefined> {
  const text = await answer.text();
  if (!FUZZ_CODES.includes(answer.status)) return `answered ${answer.status}: ${text}`;
  if (answer.status !== 200) return undefined;
  const found: unknown = JSON.parse(text);
  const asked: unknown = JSON.parse(new TextDecoder().decode(request.body));
  const response = (found as { response?: Record<string, unknown> }).response ?? {};
  const uid = (asked as { request?: { uid?: unknown } }).request?.uid;
  if (response["uid"] !== uid) {
    return `the uid of ${JSON.stringify(uid)} came back as ${JSON.stringify(response["uid"])}`;
  }
  if (typeof response["allowed"] !== "boolean") return `neither allowed nor refused: ${text}`;
  if (response["allowed"] && response["patch"] !== undefined) {
    const patch: unknown = JSON.parse(Buffer.from(String(response["patch"]), "base64").toString());
    if (!Array.isArray(patch) || response["patchType"] !== "JSONPatch") return `the patch is none: ${text}`;
  }
  const code = (response["status"] as { code?: unknown } | undefined)?.code;
  if (!response["allowed"] && code !== 422 && code !== 400 && code !== 403) {
    return `refused with ${String(code)}: ${text}`;
  }
  return undefined;
}
