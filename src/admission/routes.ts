/** The admission webhooks for JobSets and their Pods over HTTP (spec 2, 4.1): any bytes get a valid answer or a 4xx. */
import { messageOf } from "../base/message_of.ts";
import { Hono } from "hono";
import { GROUP, KIND } from "../api/keys.ts";
import type { FeatureGates } from "../api/feature_gates.ts";
import type { Clock } from "../base/clock.ts";
import { asString, at, type JsonObject } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { type AdmissionRequest, plainRefusal, readReview, reviewAnswer, type Verdict } from "./admission_review.ts";
import { countValues } from "./count_values.ts";
import { defaultJobSet } from "./defaults.ts";
import type { FieldError } from "./field_error.ts";
import { refusal } from "./refusal.ts";
import { ClaimLookUps, type GetClaim } from "./routes_claims.ts";
import { type PodLookUps, PodReviews } from "./routes_pods.ts";
import { claimsToLookUp, validateCreate } from "./validate_create.ts";
import { validateUpdate } from "./validate_update.ts";

export const MUTATE_PATH = "/mutate-jobset-x-k8s-io-v1alpha2-jobset";
export const VALIDATE_PATH = "/validate-jobset-x-k8s-io-v1alpha2-jobset";

export const MUTATE_POD_PATH = "/mutate--v1-pod";
export const VALIDATE_POD_PATH = "/validate--v1-pod";
const POD = "/Pod";

export interface AdmissionRoutesOptions {
  readonly gates: FeatureGates;
  readonly getClaim: GetClaim;
  readonly podLookUps: PodLookUps;
  readonly clock: Clock;
  readonly log: Log;
  /** Spec 2: 16 MiB if left out. */
  readonly maxBodyBytes?: number;
}

/** What one route judges. */
interface Judge {
  /** `group/kind` of its objects. */
  readonly groupKind: string;
  readonly judge: (request: AdmissionRequest) => Verdict | Promise<Verdict>;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;
/**
 * Bodies beyond this size are counted before they are parsed. Two objects of etcd's 1.5 MiB have no more than this, not even if
 * they are filled with the counters of restarts, two bytes each.
 */
const COUNTED_LENGTH = 1024 * 1024;
const MAX_VALUES = 2_400_000;
/** No object has a longer one; ours is to be no copy of a body of megabytes. */
const MAX_NAME_LENGTH = 253;
const ALLOWED: Verdict = { kind: "allowed" };
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

/** The routes of spec 2 and 4.1; 404 and 405 for anything else. */
export function admissionRoutes(options: AdmissionRoutesOptions): Hono {
  const app = new Hono();
  const serve = (path: string, judge: Judge) => {
    app.post(path, ({ req }) => review(req.raw, judge, options));
    app.all(path, () => complain(405, "use POST", { allow: "POST" }));
  };
  const lookUps = new ClaimLookUps(options);
  const groupKind = `${GROUP}/${KIND}`;
  serve(MUTATE_PATH, { groupKind, judge: mutate });
  serve(VALIDATE_PATH, { groupKind, judge: (request) => validate(request, options.gates, lookUps) });
  const pods = new PodReviews(options);
  serve(MUTATE_POD_PATH, { groupKind: POD, judge: (request) => pods.mutate(request) });
  serve(VALIDATE_POD_PATH, { groupKind: POD, judge: (request) => pods.validate(request) });
  app.notFound(() => complain(404, "404 page not found"));
  return app;
}

/** From bytes to an answer: what is wrong with the message is told by HTTP's own codes, what is wrong with the object by 200. */
async function review(
  request: Request,
  judge: Judge,
  { log, maxBodyBytes = MAX_BODY_BYTES }: AdmissionRoutesOptions,
): Promise<Response> {
  let text: string;
  try {
    text = await request.text();
  } catch {
    return complain(400, "the body ended too early");
  }
  if (!JSON_TYPE.test(request.headers.get("content-type") ?? "")) {
    return complain(415, "the content type must be application/json");
  }
  if (Buffer.byteLength(text) > maxBodyBytes) return complain(413, `the body has more than ${maxBodyBytes} bytes`);
  if (text.length > COUNTED_LENGTH && countValues(text) > MAX_VALUES) {
    return complain(413, `the body has more than ${MAX_VALUES} values`);
  }
  const body = parse(text);
  if (body === undefined) return complain(400, "the body is no JSON");
  const found = readReview(body);
  if (typeof found === "string") return complain(400, found);
  const answer = reviewAnswer(found.uid, await judged(found, judge, log));
  return new Response(answer, { headers: { "content-type": "application/json" } });
}

async function judged(request: AdmissionRequest, { groupKind, judge }: Judge, log: Log): Promise<Verdict> {
  const { operation, subResource, object } = request;
  if (request.groupKind !== groupKind) {
    return plainRefusal(400, `this webhook is for "${groupKind}", not for "${request.groupKind}"`);
  }
  if (subResource !== "" || (operation !== "CREATE" && operation !== "UPDATE")) return ALLOWED;
  if (object === undefined) return plainRefusal(400, `the request to ${operation} has no object`);
  try {
    return await judge(request);
  } catch (error) {
    // The only recursion that an object drives is over its own depth, and the stack is what ends it.
    if (error instanceof RangeError) return plainRefusal(400, "the object is nested too deeply");
    const found = messageOf(error);
    log.error("a review failed", { object: `${request.namespace}/${nameOf(object)}`, error: found });
    return plainRefusal(500, `review the object: ${found}`);
  }
}

function mutate({ operation, object }: AdmissionRequest): Verdict {
  if (operation !== "CREATE") return ALLOWED;
  const patch = defaultJobSet(object);
  if (patch.length === 0) return ALLOWED;
  return { kind: "patched", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
}

async function validate(request: AdmissionRequest, gates: FeatureGates, lookUps: ClaimLookUps): Promise<Verdict> {
  const { operation, object, oldObject } = request;
  if (operation === "UPDATE" && oldObject === undefined) {
    return plainRefusal(400, "the request to UPDATE has no oldObject");
  }
  const errors = operation === "CREATE"
    ? await createErrors(request, gates, lookUps)
    : validateUpdate({ object, oldObject, gates });
  if (errors.length === 0) return ALLOWED;
  return { kind: "refused", status: refusal(nameOf(object), errors) };
}

async function createErrors(
  { object, namespace }: AdmissionRequest,
  gates: FeatureGates,
  lookUps: ClaimLookUps,
): Promise<readonly FieldError[]> {
  const claims = await lookUps.of({ names: claimsToLookUp(object), namespace });
  return validateCreate({ object, gates, claims });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON, or nested deeper than the stack
  }
}

function nameOf(object: JsonObject | undefined): string {
  return (asString(at(object, "metadata", "name")) ?? "").slice(0, MAX_NAME_LENGTH);
}

function complain(code: 400 | 404 | 405 | 413 | 415, text: string, headers: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, { status: code, headers });
}
