import { expect, test } from "bun:test";
import type { JsonObject } from "../base/json.ts";
import { readJob, takesTemplate } from "./job.ts";

const OWNER = { apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet", name: "js", uid: "u", controller: true };

function jobBody({ owner = {}, conditions = [], labels = {} }: {
  owner?: JsonObject;
  conditions?: readonly JsonObject[];
  labels?: JsonObject;
}): JsonObject {
  return {
    metadata: { namespace: "ns", name: "js-w-0", uid: "j", labels, ownerReferences: [{ ...OWNER, ...owner }] },
    spec: {},
    status: { conditions },
  };
}

test("Job: only one whose controller is a JobSet of this API version is kept", () => {
  expect(readJob(jobBody({}))?.ownerKey).toBe("ns/js");
  const others = [{ controller: false }, { controller: null }, { kind: "Workflow" }, {
    apiVersion: "jobset.x-k8s.io/v2",
  }];
  for (const owner of others) expect(readJob(jobBody({ owner }))).toBeUndefined();
});

test("Job: Failed and Complete hide what told of them early", () => {
  const early = { type: "FailureTarget", status: "True", reason: "Early", message: "e", lastTransitionTime: "t0" };
  const failed = { type: "Failed", status: "True", reason: "Late", message: "l", lastTransitionTime: "t1" };
  const criteria = { type: "SuccessCriteriaMet", status: "True" };
  const complete = { type: "Complete", status: "True" };
  const phase = (...conditions: JsonObject[]) => readJob(jobBody({ conditions }))?.phase;
  expect(phase(early)).toEqual({ kind: "failing", failure: { reason: "Early", message: "e", time: "t0" } });
  expect(phase(early, failed)).toEqual({ kind: "failed", failure: { reason: "Late", message: "l", time: "t1" } });
  expect(phase(criteria)).toEqual({ kind: "succeeding" });
  expect(phase(criteria, complete)).toEqual({ kind: "complete" });
  expect(phase({ ...failed, status: "False" })).toEqual({ kind: "active" });
});

test("Job: a restart-attempt label that is no integer is told from one that is", () => {
  const attempt = (text: unknown) =>
    readJob(jobBody({ labels: { "jobset.sigs.k8s.io/restart-attempt": text } }))?.restartAttempt;
  expect(attempt("12")).toBe(12);
  expect(attempt("-1")).toBe(-1);
  for (const text of ["", "1.0", "0x1", "one", " 1", 1, null, undefined]) expect(attempt(text)).toBeUndefined();
});

test("Job: what a resume compares is kept of suspended ones only", () => {
  const spec = {
    template: {
      metadata: { annotations: { "jobset.sigs.k8s.io/execution-attempt": "3" } },
      spec: { containers: [{ name: "c", resources: { limits: { cpu: "1" } } }] },
    },
  };
  const suspended = readJob({ ...jobBody({}), spec: { suspend: true, ...spec } });
  expect(suspended?.schedulingHash).toMatch(/^[0-9a-f]{40}$/);
  expect(suspended?.resourcesDigest).toMatch(/^containers\/c\/[0-9a-f]{16}$/);
  expect(suspended?.templateExecutionAttempt).toBe("3");
  expect(readJob({ ...jobBody({}), spec })).toMatchObject({ schedulingHash: "", resourcesDigest: "" });
  expect(readJob({ ...jobBody({}), spec })?.templateExecutionAttempt).toBeUndefined();
});

test("Job: another pod template is taken once it is suspended, its Pods gone, and that seen if it had started", () => {
  const takes = (spec: JsonObject, status: JsonObject = {}) => {
    const job = readJob({ ...jobBody({}), spec, status });
    return job !== undefined && takesTemplate(job);
  };
  const startTime = "2030-01-01T00:00:00Z";
  const conditions = [{ type: "Suspended", status: "True" }];
  expect(takes({ suspend: true })).toBe(true);
  expect(takes({})).toBe(false);
  expect(takes({ suspend: true }, { active: 1, conditions })).toBe(false);
  expect(takes({ suspend: true }, { startTime })).toBe(false);
  expect(takes({ suspend: true }, { startTime, conditions })).toBe(true);
});

test("Job: what all Jobs of a JobSet have in common is shared, and nothing else", () => {
  const shared: (string | undefined)[] = [];
  const share = <T extends string | undefined>(text: T): T => {
    shared.push(text);
    return text;
  };
  const body = jobBody({ labels: { "jobset.sigs.k8s.io/replicatedjob-name": "w" } });
  expect(readJob(body, share)).toEqual(readJob(body));
  expect(shared.sort()).toEqual(["ns", "ns/js", "u", "w"]);
});
