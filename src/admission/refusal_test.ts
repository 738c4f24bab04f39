import { expect, test } from "bun:test";
import { invalid, required } from "./field_error.ts";
import { refusal } from "./refusal.ts";

test("one error stands in the message without brackets", () => {
  expect(refusal("js", [invalid("spec.a", "x", "why")])).toEqual({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: 'JobSet.jobset.x-k8s.io "js" is invalid: spec.a: Invalid value: "x": why',
    reason: "Invalid",
    details: {
      name: "js",
      group: "jobset.x-k8s.io",
      kind: "JobSet",
      causes: [{ reason: "FieldValueInvalid", message: 'Invalid value: "x": why', field: "spec.a" }],
    },
    code: 422,
  });
});

test("several errors stand in brackets, one that occurs twice is printed once and is two causes (R27)", () => {
  const twice = invalid("spec.a", 1, "why");
  const { message, details } = refusal("js", [twice, required("spec.b"), twice]);
  expect(message).toBe(
    'JobSet.jobset.x-k8s.io "js" is invalid: [spec.a: Invalid value: 1: why, spec.b: Required value]',
  );
  expect(details).toMatchObject({
    causes: [
      { field: "spec.a", message: "Invalid value: 1: why" },
      { field: "spec.b", message: "Required value", reason: "FieldValueRequired" },
      { field: "spec.a" },
    ],
  });
});

test("an error that occurs twice and is the only one has no brackets", () => {
  const twice = required("spec.b");
  expect(refusal("js", [twice, twice])["message"]).toBe(
    'JobSet.jobset.x-k8s.io "js" is invalid: spec.b: Required value',
  );
});

test("a JobSet that has no name yet is refused with an empty one", () => {
  const { message, details } = refusal("", [required("spec.b")]);
  expect(message).toBe('JobSet.jobset.x-k8s.io "" is invalid: spec.b: Required value');
  expect(details).not.toHaveProperty("name");
});
