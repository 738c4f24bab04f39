import { expect, test } from "bun:test";
import { resumeOps } from "./resume_ops.ts";

const PLAIN = { kind: "resume", clearStartTime: false } as const;
const LAST = { op: "add", path: "/spec/suspend", value: false };

test("resume ops: a Job whose template stays is tested for its uid and resumed", () => {
  expect(resumeOps("u", PLAIN)).toEqual([{ op: "test", path: "/metadata/uid", value: "u" }, LAST]);
});

test("resume ops: one annotation of the Job is set beside those of others", () => {
  expect(resumeOps("u", { ...PLAIN, executionAttempt: 3 }, 2).slice(1)).toEqual([
    { op: "test", path: "/metadata/annotations/jobset.sigs.k8s.io~1execution-attempt", value: "2" },
    { op: "add", path: "/metadata/annotations/jobset.sigs.k8s.io~1execution-attempt", value: "3" },
    LAST,
  ]);
});

test("resume ops: a Job that had no number must still have none", () => {
  expect(resumeOps("u", { ...PLAIN, executionAttempt: 3 })[1]).toEqual(
    { op: "test", path: "/metadata/annotations/jobset.sigs.k8s.io~1execution-attempt", value: null },
  );
});

test("resume ops: where there are no annotations they are made, unless somebody was faster", () => {
  expect(resumeOps("u", { ...PLAIN, executionAttempt: 0, isUnannotated: true }).slice(1)).toEqual([
    { op: "test", path: "/metadata/annotations", value: null },
    { op: "add", path: "/metadata/annotations", value: { "jobset.sigs.k8s.io/execution-attempt": "0" } },
    LAST,
  ]);
});

test("resume ops: resources are set as wholes at the index of a container whose name is tested", () => {
  const resources = [{ list: "initContainers", index: 2, name: "main", requests: { cpu: "1" }, limits: {} }] as const;
  expect(resumeOps("u", { ...PLAIN, resources }).slice(1)).toEqual([
    { op: "test", path: "/spec/template/spec/initContainers/2/name", value: "main" },
    { op: "add", path: "/spec/template/spec/initContainers/2/resources/requests", value: { cpu: "1" } },
    { op: "add", path: "/spec/template/spec/initContainers/2/resources/limits", value: {} },
    LAST,
  ]);
});
