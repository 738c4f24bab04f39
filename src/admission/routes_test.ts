import { describe, expect, test } from "bun:test";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import { FakeClock } from "../base/fake_clock.ts";
import { asString, at, type JsonObject } from "../base/json.ts";
import type { ExistingClaim } from "./existing_claim.ts";
import { applyPatch, type JsonPatchOperation } from "./json_patch.ts";
import { admissionRoutes, MUTATE_PATH, VALIDATE_PATH } from "./routes.ts";
import type { GetClaim } from "./routes_claims.ts";
import type { PodLookUps } from "./routes_pods.ts";
import { admissionReview, reviewedJobSet } from "./test_reviews.ts";

const UID = "705ab4f5-6393-11e8-b7cc-42010a800002";
const LATE = "no answer within 5 s";
const NO_PODS: PodLookUps = { leaders: () => Promise.resolve([]), domain: () => Promise.resolve(undefined) };
const JSON_TYPE = { "content-type": "application/json" };

function routes(getClaim: GetClaim = () => Promise.resolve({ kind: "absent" }), clock = new FakeClock()) {
  const errors: string[] = [];
  const log = { info: () => undefined, error: (message: string) => errors.push(message) };
  const podLookUps = NO_PODS;
  const app = admissionRoutes({
    gates: DEFAULT_FEATURE_GATES,
    getClaim,
    podLookUps,
    clock,
    log,
    maxBodyBytes: 1_000_000,
  });
  const send = (path: string, body: string, headers: Record<string, string> = JSON_TYPE, method = "POST") =>
    app.request(path, { method, headers, ...(method === "GET" ? {} : { body }) });
  const ask = async (path: string, body: unknown): Promise<JsonObject> => {
    const answer = await send(path, JSON.stringify(body));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json");
    const review = await answer.json() as JsonObject;
    expect(review).toMatchObject({ kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1" });
    return at(review, "response") as JsonObject;
  };
  return { send, ask, errors };
}

function withSpec(jobSet: JsonObject, spec: JsonObject): JsonObject {
  return { ...jobSet, spec: { ...at(jobSet, "spec") as JsonObject, ...spec } };
}

describe("mutation", () => {
  test("sends the defaults as a JSON Patch, and nothing where there are none to set", async () => {
    const { ask } = routes();
    const plain = reviewedJobSet({ replicatedJobs: 2 });
    const answer = await ask(MUTATE_PATH, admissionReview({ object: plain }));
    expect(answer).toMatchObject({ uid: UID, allowed: true, patchType: "JSONPatch" });
    const patch = JSON.parse(Buffer.from(asString(answer["patch"]) ?? "", "base64").toString()) as JsonPatchOperation[];
    const complete = reviewedJobSet({ replicatedJobs: 2, isDefaulted: true });
    expect(applyPatch(plain, patch)).toEqual(complete);
    expect(await ask(MUTATE_PATH, admissionReview({ object: complete }))).toEqual({ uid: UID, allowed: true });
  });

  test("sends text beyond ASCII as it is", async () => {
    const object = withSpec(reviewedJobSet(), { failurePolicy: { rules: [{ action: "FailJobSet" }] } });
    const { ask } = routes();
    const answer = await ask(MUTATE_PATH, admissionReview({ object: { ...object, metadata: { name: "ä😀" } } }));
    expect(answer["allowed"]).toBe(true);
  });

  test("changes nothing on any other operation", async () => {
    const { ask } = routes();
    const object = reviewedJobSet();
    for (const operation of ["UPDATE", "DELETE", "CONNECT", "OTHER"]) {
      expect(await ask(MUTATE_PATH, admissionReview({ operation, object }))).toEqual({ uid: UID, allowed: true });
    }
  });
});

describe("validation", () => {
  const object = reviewedJobSet({ isDefaulted: true });

  test("allows what is right", async () => {
    expect(await routes().ask(VALIDATE_PATH, admissionReview({ object }))).toEqual({ uid: UID, allowed: true });
    const update = admissionReview({
      operation: "UPDATE",
      object: withSpec(object, { suspend: true }),
      oldObject: object,
    });
    expect(await routes().ask(VALIDATE_PATH, update)).toEqual({ uid: UID, allowed: true });
  });

  test("refuses a wrong new JobSet with Kubernetes' own status, every error at once", async () => {
    const wrong = withSpec(object, {
      successPolicy: { operator: "All", targetReplicatedJobs: ["nobody"] },
      network: { subdomain: "UPPER" },
    });
    const answer = await routes().ask(VALIDATE_PATH, admissionReview({ object: wrong }));
    expect(answer).toMatchObject({
      uid: UID,
      allowed: false,
      status: { code: 422, reason: "Invalid", details: { name: "training", group: "jobset.x-k8s.io", kind: "JobSet" } },
    });
    const message = asString(at(answer, "status", "message"));
    expect(message).toStartWith('JobSet.jobset.x-k8s.io "training" is invalid: [');
    expect(message).toContain("invalid replicatedJob name 'nobody' does not appear in .spec.ReplicatedJobs");
    expect(message).toContain("spec.network.subdomain: Invalid value: ");
  });

  test("takes a JobSet that has no name yet, and a dry run", async () => {
    const unnamed = { ...object, metadata: { generateName: "training-" } };
    const review = admissionReview({ object: unnamed });
    const request = { ...at(review, "request") as JsonObject, name: "", dryRun: true };
    expect((await routes().ask(VALIDATE_PATH, { ...review, request }))["allowed"]).toBe(true);
    const wrong = withSpec({ ...object, metadata: { generateName: "Training-" } }, { network: { subdomain: "UPPER" } });
    const answer = await routes().ask(VALIDATE_PATH, admissionReview({ object: wrong }));
    expect(answer).toMatchObject({ allowed: false, status: { code: 422 } });
    expect(at(answer, "status", "details", "name")).toBeUndefined();
  });

  test("does not repeat a name of megabytes", async () => {
    const { send } = routes();
    const endless = withSpec({ ...object, metadata: { name: "A".repeat(500_000) } }, { managedBy: "x" });
    const answer = await send(VALIDATE_PATH, JSON.stringify(admissionReview({ object: endless })));
    expect((await answer.text()).length).toBeLessThan(10_000);
  });

  test("refuses a change of what is immutable", async () => {
    const changed = reviewedJobSet({ replicatedJobs: 2, isDefaulted: true });
    const review = admissionReview({ operation: "UPDATE", object: changed, oldObject: object });
    const answer = await routes().ask(VALIDATE_PATH, review);
    expect(answer).toMatchObject({ allowed: false, status: { code: 422 } });
    expect(asString(at(answer, "status", "message"))).toEndWith("field is immutable");
  });

  test("allows deletions, and changes of subresources, unseen", async () => {
    const { ask } = routes();
    expect((await ask(VALIDATE_PATH, admissionReview({ operation: "DELETE", oldObject: {} })))["allowed"]).toBe(true);
    const changed = reviewedJobSet({ replicatedJobs: 2 });
    const review = admissionReview({ operation: "UPDATE", object: changed, oldObject: object });
    const request = { ...at(review, "request") as JsonObject, subResource: "status" };
    expect((await ask(VALIDATE_PATH, { ...review, request }))["allowed"]).toBe(true);
  });

  test("refuses objects of another kind, and requests without their objects", async () => {
    const { ask } = routes();
    const review = admissionReview({ object });
    const request = { ...at(review, "request") as JsonObject, kind: { group: "batch", kind: "Job" } };
    expect(await ask(VALIDATE_PATH, { ...review, request })).toMatchObject({
      allowed: false,
      status: { code: 400, message: 'this webhook is for "jobset.x-k8s.io/JobSet", not for "batch/Job"' },
    });
    for (const [path, operation] of [[MUTATE_PATH, "CREATE"], [VALIDATE_PATH, "CREATE"], [VALIDATE_PATH, "UPDATE"]]) {
      const answer = await ask(path ?? "", admissionReview({ operation: operation ?? "" }));
      expect(answer).toMatchObject({ allowed: false, status: { code: 400 } });
    }
    const halfAnUpdate = admissionReview({ operation: "UPDATE", object });
    expect(await ask(VALIDATE_PATH, halfAnUpdate)).toMatchObject({ allowed: false, status: { code: 400 } });
  });
});

describe("existing claims", () => {
  const claimTemplate = { metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } };
  const volumeClaimPolicies = [{ templates: [claimTemplate], retentionPolicy: { whenDeleted: "Retain" } }];
  const jobSet = reviewedJobSet({ isDefaulted: true });
  const replicatedJob = JSON.parse(JSON.stringify(at(jobSet, "spec", "replicatedJobs")).replace('"scratch"', '"data"'));
  const object = withSpec(jobSet, { volumeClaimPolicies, replicatedJobs: replicatedJob });

  test("are looked up in the JobSet's namespace", async () => {
    const asked: string[] = [];
    const { ask } = routes((namespace, name) => {
      asked.push(`${namespace}/${name}`);
      return Promise.resolve({ kind: "absent" });
    });
    expect((await ask(VALIDATE_PATH, admissionReview({ object })))["allowed"]).toBe(true);
    expect(asked).toEqual(["default/data-training"]);
  });

  test("are looked up a few at a time, however many there are", async () => {
    let running = 0;
    let most = 0;
    const templates = Array.from(
      { length: 100 },
      (_, index) => ({ ...claimTemplate, metadata: { name: `data-${index}` } }),
    );
    const many = withSpec(object, { volumeClaimPolicies: [{ ...volumeClaimPolicies[0], templates }] });
    const asked = new Set<string>();
    const { ask } = routes(async (_, name) => {
      asked.add(name);
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      return { kind: "absent" };
    });
    await ask(VALIDATE_PATH, admissionReview({ object: many }));
    expect([asked.size, most]).toEqual([100, 20]);
  });

  test("of JobSets with very many are looked up for a few at once, and keep no other waiting", async () => {
    const released = Promise.withResolvers<void>();
    let asked = 0;
    const { ask } = routes(async (_, name) => {
      asked += 1;
      if (name !== "data-training") await released.promise;
      return { kind: "absent" };
    });
    const templates = Array.from(
      { length: 51 },
      (_, index) => ({ ...claimTemplate, metadata: { name: `data-${index}` } }),
    );
    const many = withSpec(object, { volumeClaimPolicies: [{ ...volumeClaimPolicies[0], templates }] });
    const eight = Array.from({ length: 8 }, () => ask(VALIDATE_PATH, admissionReview({ object: many })));
    while (asked < 8 * 20) await new Promise((resolve) => setImmediate(resolve));
    const ninth = await ask(VALIDATE_PATH, admissionReview({ object: many }));
    expect(asString(at(ninth, "status", "message"))).toContain("too many JobSets with more than 50 claims, try again");
    expect(await ask(VALIDATE_PATH, admissionReview({ object }))).toMatchObject({ allowed: true });
    released.resolve();
    await Promise.all(eight);
    expect(asked).toBe(8 * 51 + 1);
    const later = await ask(VALIDATE_PATH, admissionReview({ object: many }));
    expect(asString(at(later, "status", "message"))).not.toContain("too many JobSets");
  });

  test("that can't be looked up refuse the JobSet, whether the look-up fails, throws or takes too long", async () => {
    const failing: ExistingClaim = { kind: "error", message: "forbidden" };
    const clock = new FakeClock();
    const cases: readonly (readonly [GetClaim, string])[] = [
      [() => Promise.resolve(failing), "forbidden"],
      [() => Promise.reject(new Error("broken")), "broken"],
      [() => new Promise(() => undefined), LATE],
      [
        (_, __, signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
        LATE,
      ],
    ];
    for (const [getClaim, words] of cases) {
      const answer = routes(getClaim, clock).ask(VALIDATE_PATH, admissionReview({ object }));
      await clock.advanceAndSettle(10_000);
      expect(await answer).toMatchObject({ allowed: false });
      expect(asString(at(await answer, "status", "message"))).toContain(words);
    }
    expect(clock.timerCount).toBe(0);
  });
});

describe("what is no review", () => {
  test.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["another JSON", "[]"],
    ["null", "null"],
    ["another kind", '{"kind":"Status","apiVersion":"v1"}'],
    ["another version", JSON.stringify({ ...admissionReview({}), apiVersion: "admission.k8s.io/v1beta1" })],
    ["no request", '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}'],
    ["no uid", '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}}'],
    ["no operation", '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"x"}}'],
    ["brackets without end", "[".repeat(500_000)],
  ])("%s: 400", async (_, body) => {
    const { send, errors } = routes();
    for (const path of [MUTATE_PATH, VALIDATE_PATH]) expect((await send(path, body)).status).toBe(400);
    expect(errors).toEqual([]);
  });

  test("another content type: 415; more bytes than the limit: 413", async () => {
    const { send } = routes();
    const body = JSON.stringify(admissionReview({ object: reviewedJobSet() }));
    for (const type of ["text/plain", "application/jsonp", "application/yaml", ""]) {
      expect((await send(MUTATE_PATH, body, { "content-type": type })).status).toBe(415);
    }
    expect((await send(MUTATE_PATH, body, { "content-type": "application/json; charset=utf-8" })).status).toBe(200);
    expect((await send(MUTATE_PATH, `${body}${" ".repeat(1_000_000)}`)).status).toBe(413);
  });

  test("an update of a JobSet full of restart counters is judged, large as it is", async () => {
    const log = { info: () => undefined, error: () => undefined };
    const getClaim: GetClaim = () => Promise.resolve({ kind: "absent" });
    const options = { gates: DEFAULT_FEATURE_GATES, getClaim, podLookUps: NO_PODS, clock: new FakeClock(), log };
    const app = admissionRoutes(options);
    const jobRestarts = Array(1_024).fill(0);
    const replicatedJobsStatus = Array(350).fill({
      name: "workers",
      jobRestarts,
      jobRestartsCountTowardsMax: jobRestarts,
    });
    const object = { ...reviewedJobSet({ isDefaulted: true }), status: { replicatedJobsStatus } };
    const body = JSON.stringify(admissionReview({ operation: "UPDATE", object, oldObject: object }));
    expect((await app.request(VALIDATE_PATH, { method: "POST", headers: JSON_TYPE, body })).status).toBe(200);
  });

  test("more values than two JobSets can have, in however few bytes: 413", async () => {
    const log = { info: () => undefined, error: () => undefined };
    const getClaim: GetClaim = () => Promise.resolve({ kind: "absent" });
    const options = { gates: DEFAULT_FEATURE_GATES, getClaim, podLookUps: NO_PODS, clock: new FakeClock(), log };
    const app = admissionRoutes(options);
    const filled: readonly (readonly [unknown[], number])[] = [
      [Array(2_399_000).fill(0), 200],
      [Array(2_400_000).fill(0), 413],
      [Array(479_000).fill({}), 200],
      [Array(480_000).fill([]), 413],
      [Array(1_000).fill(Object.fromEntries(Array.from({ length: 590 }, (_, index) => [index, 0]))), 200],
      [Array(1_000).fill(Object.fromEntries(Array.from({ length: 600 }, (_, index) => [index, 0]))), 413],
    ];
    for (const [unknown, status] of filled) {
      const object = { metadata: { name: "x" }, unknown };
      const body = JSON.stringify(admissionReview({ object }));
      expect((await app.request(MUTATE_PATH, { method: "POST", headers: JSON_TYPE, body })).status).toBe(status);
    }
  });

  test("another path: 404; another method: 405", async () => {
    const { send } = routes();
    expect((await send("/", "")).status).toBe(404);
    expect((await send(`${MUTATE_PATH}/`, "")).status).toBe(404);
    for (const method of ["GET", "PUT", "DELETE", "OPTIONS"]) {
      const answer = await send(MUTATE_PATH, "", JSON_TYPE, method);
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
    }
  });

  test("an object nested without end is refused, not an internal error", async () => {
    const { send, errors } = routes();
    const depth = 100_000;
    const deep = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
    for (const path of [MUTATE_PATH, VALIDATE_PATH]) {
      const object = `{"metadata":{"name":"x"},"spec":{"replicatedJobs":[{"template":${deep}}],"network":${deep}}}`;
      for (const operation of ["CREATE", "UPDATE"]) {
        const body = JSON.stringify(admissionReview({ operation })).replaceAll('bject":null', `bject":${object}`);
        const answer = await send(path, body);
        expect([200, 400, 413]).toContain(answer.status);
      }
    }
    expect(errors).toEqual([]);
  });
});
