/**
 * What the API server answers, webhooks and all, beside what the pure rules say of the same object: same verdict, same text. The
 * object as the rules get it comes from a second namespace, which the webhooks leave alone: there only the schema has its defaults.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type FeatureGate, type FeatureGates, featureGates } from "../../src/api/feature_gates.ts";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { defaultJobSet } from "../../src/admission/defaults.ts";
import type { ExistingClaim } from "../../src/admission/existing_claim.ts";
import { errorText, type FieldError } from "../../src/admission/field_error.ts";
import { applyPatch } from "../../src/admission/json_patch.ts";
import { refusal } from "../../src/admission/refusal.ts";
import { claimsToLookUp, validateCreate } from "../../src/admission/validate_create.ts";
import { validateUpdate } from "../../src/admission/validate_update.ts";
import { type ApiAnswer, ApiFailure } from "../../scripts/control_plane/api.ts";
import { Cluster, nameOf } from "./cluster.ts";
import { type Environment, findEnvironment } from "./environment.ts";
import { WEBHOOKS_OFF } from "./installation.ts";
import { OwnWebhooks } from "./own_webhooks.ts";

const SETUP_TIMEOUT_MS = 20 * 60_000;
const TEST_TIMEOUT_MS = 60_000;
const MERGE = "application/merge-patch+json";
const GENERATED_LENGTH = 5;
/** Objects compared at the same time. */
const AT_ONCE = 10;

/**
 * A JobSet on its way in, and what is wrong with it, line by line; nothing where it may be created. NAMESPACE stands for that of
 * the test. A claim is one that is there already.
 */
export type CreateCase = readonly [what: string, object: JsonObject, errors: readonly string[], claim?: JsonObject];

/** A stored JobSet, a merge patch of it, and what is wrong with that; a long value is written as `…`. */
export interface UpdateCase {
  readonly what: string;
  readonly before: JsonObject;
  readonly status?: JsonObject;
  readonly change: JsonObject;
  readonly errors: readonly string[];
}

/** The namespaces of one file: `judged` is guarded by the webhooks, `bypassed` by the schema alone. */
interface Places {
  readonly environment: Environment;
  readonly judged: Cluster;
  readonly bypassed: Cluster;
}

interface Creation extends Omit<Places, "environment"> {
  readonly object: JsonObject;
  readonly gates: FeatureGates;
}

/** Tests of a file, each of which is one case. */
export interface Verdicts {
  creates(rule: string, cases: readonly CreateCase[]): void;
  updates(rule: string, cases: readonly UpdateCase[]): void;
  /** Whatever is wrong with each of them, both sides say the same; also of what the schema refuses already. */
  compares(what: string, objects: readonly JsonObject[]): void;
  /** Anything else; objects of several tests must differ in their names. */
  test(name: string, body: (judged: Cluster, bypassed: Cluster) => Promise<void>): void;
}

/** With gates on, the webhooks are those of a replica of the file's own. */
export function verdicts(gatesOn: readonly FeatureGate[] = []): Verdicts {
  const found = Promise.withResolvers<Places>();
  found.promise.catch(() => undefined); // told by beforeAll
  const gates = featureGates(Object.fromEntries(gatesOn.map((gate) => [gate, true])));
  const ends: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    try {
      const environment = await findEnvironment();
      ends.push(() => environment.stop());
      const bypassed = await Cluster.create(environment, WEBHOOKS_OFF);
      ends.push(() => bypassed.remove());
      const judged = await judgedNamespace(environment, gatesOn, ends);
      found.resolve({ environment, judged, bypassed });
    } catch (error) {
      found.reject(error);
      throw error;
    }
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  }, SETUP_TIMEOUT_MS);
  let count = 0;
  return {
    creates(rule, cases) {
      for (const [what, object, errors, claim] of cases) {
        test.concurrent(title(rule, what, errors), async () => {
          const { judged, bypassed } = await found.promise;
          if (claim !== undefined) await judged.create("pvcs", claim);
          const ours = await judgeCreate({ judged, bypassed, object, gates });
          expect(ours).toEqual(errors.map((line) => line.replaceAll("NAMESPACE", judged.namespace)));
        }, TEST_TIMEOUT_MS);
      }
    },
    updates(rule, cases) {
      for (const { what, before, status, change, errors } of cases) {
        const name = `update-${count++}`;
        test.concurrent(title(rule, what, errors), async () => {
          const { judged, bypassed } = await found.promise;
          const named = { ...before, metadata: { ...asObject(before["metadata"]), name } };
          await judged.create("jobsets", named);
          await bypassed.create("jobsets", defaulted(named));
          for (const cluster of [judged, bypassed]) {
            if (status !== undefined) await cluster.patchStatus("jobsets", name, status);
          }
          const oldObject = await bypassed.jobSet(name);
          const object = await mustPass(dryPatch(bypassed, name, change));
          const ours = validateUpdate({ object, oldObject, gates });
          expect(ours.map(errorText).map(shortened)).toEqual([...errors]);
          expectVerdict(await dryPatch(judged, name, change), { name, errors: ours, object });
        }, TEST_TIMEOUT_MS);
      }
    },
    compares(what, objects) {
      test.concurrent(what, async () => {
        const { judged, bypassed } = await found.promise;
        const rest = objects.values();
        const judge = async () => {
          for (const object of rest) await compare({ judged, bypassed, object, gates });
        };
        await Promise.all(Array.from({ length: AT_ONCE }, judge));
      }, TEST_TIMEOUT_MS);
    },
    test(name, body) {
      test.concurrent(name, async () => {
        const { judged, bypassed } = await found.promise;
        await body(judged, bypassed);
      }, TEST_TIMEOUT_MS);
    },
  };
}

/** The object with the webhook's defaults. */
export function defaulted(object: JsonObject): JsonObject {
  return asObject(applyPatch(object, defaultJobSet(object))) ?? {};
}

/** The answer to a create that is not carried out; every unknown field is an error. */
export function dryCreate(cluster: Cluster, object: JsonObject): Promise<ApiAnswer> {
  return cluster.api.request("POST", `${cluster.path("jobsets")}?dryRun=All&fieldValidation=Strict`, object);
}

/** The answer to a merge patch that is not carried out. */
export function dryPatch(cluster: Cluster, name: string, change: JsonObject): Promise<ApiAnswer> {
  return cluster.api.request("PATCH", `${cluster.path("jobsets", name)}?dryRun=All`, change, MERGE);
}

async function judgedNamespace(
  environment: Environment,
  gates: readonly FeatureGate[],
  ends: (() => Promise<void>)[],
): Promise<Cluster> {
  if (gates.length === 0) {
    const judged = await Cluster.create(environment);
    ends.push(() => judged.remove());
    return judged;
  }
  const flags = [`--feature-gates=${gates.map((gate) => `${gate}=true`).join()}`];
  const own = await OwnWebhooks.start(environment, { flags });
  ends.push(() => own.stop());
  return own.cluster;
}

/** Both sides' verdict of an object that passes the schema, line by line. */
async function judgeCreate({ judged, bypassed, object, gates }: Creation): Promise<readonly string[]> {
  const stored = withStandInName(await mustPass(dryCreate(bypassed, defaulted(object))), object);
  const asReceived = { ...stored, metadata: { ...asObject(stored["metadata"]), namespace: judged.namespace } };
  const claims = await findClaims(judged, asReceived);
  const errors = validateCreate({ object: asReceived, gates, claims });
  const answer = await dryCreate(judged, object);
  const body = withStandInName(answer.body, object);
  expectVerdict({ ...answer, body }, { name: nameOf(asReceived), errors, object: asReceived });
  return errors.map(errorText);
}

/** Of any object: what the schema refuses it refuses before the validating webhook is asked. */
async function compare(creation: Creation): Promise<void> {
  const { judged, bypassed, object } = creation;
  try {
    const bare = await dryCreate(bypassed, defaulted(object));
    if (bare.code < 300) await judgeCreate(creation);
    else expect(causesOf(await dryCreate(judged, object))).toEqual(causesOf(bare));
  } catch (error) {
    throw new Error(`both sides do not say the same of ${JSON.stringify(object)}`, { cause: error });
  }
}

/** The schema names its causes in any order. */
function causesOf({ code, body }: ApiAnswer): JsonObject {
  return { code, causes: asArray(at(body, "details", "causes")).map((cause) => JSON.stringify(cause)).toSorted() };
}

function expectVerdict(
  answer: ApiAnswer,
  { name, errors, object }: {
    readonly name: string;
    readonly errors: readonly FieldError[];
    readonly object: JsonObject;
  },
): void {
  if (errors.length === 0) {
    const own = ({ metadata, spec }: JsonObject) => ({
      spec,
      labels: at(metadata, "labels"),
      annotations: at(metadata, "annotations"),
    });
    expect({ message: answer.body["message"], ...own(answer.body) }).toEqual({ message: undefined, ...own(object) });
    return;
  }
  const status = refusal(name, errors);
  const message = `admission webhook "vjobset.kb.io" denied the request: ${asString(status["message"])}`;
  expect(answer).toEqual({ code: 422, body: { ...status, message } });
}

/** What passes the schema and its rules. */
async function mustPass(pending: Promise<ApiAnswer>): Promise<JsonObject> {
  const answer = await pending;
  if (answer.code >= 300) throw new ApiFailure("without the webhooks", answer);
  return answer.body;
}

/** The API server makes another name of the same generateName each time: its last five characters are made `xxxxx`. */
function withStandInName(body: JsonObject, { metadata }: JsonObject): JsonObject {
  if (at(metadata, "generateName") === undefined) return body;
  const name = asString(at(body, "details", "name")) ?? nameOf(body);
  const standIn = name.slice(0, -GENERATED_LENGTH) + "x".repeat(GENERATED_LENGTH);
  const text = JSON.stringify(body).replaceAll(name, standIn);
  return asObject(JSON.parse(text)) ?? {};
}

async function findClaims(cluster: Cluster, object: JsonObject): Promise<ReadonlyMap<string, ExistingClaim>> {
  const look = async (name: string): Promise<readonly [string, ExistingClaim]> => {
    const claim = await cluster.find("pvcs", name);
    return [name, claim === undefined ? { kind: "absent" } : { kind: "found", claim }];
  };
  return new Map(await Promise.all(claimsToLookUp(object).map(look)));
}

/** A list of replicatedJobs is long: `…` stands for it. */
function shortened(line: string): string {
  return line.replace(/Invalid value: \[\{.*\}\]: /, "Invalid value: …: ");
}

function title(rule: string, what: string, errors: readonly string[]): string {
  return `${rule}: ${what}: ${errors.length === 0 ? "accepted" : "refused"}`;
}
