import { expect, test } from "bun:test";
import { withoutManagedFields } from "./without_managed_fields.ts";

const FIELDS = [
  { manager: "a", operation: "Update", fieldsV1: { "f:spec": { 'k:{"name":"]},\\"spec\\":"}': { ".": {} } } } },
  { manager: "b", operation: "Apply", fieldsV1: { "f:metadata": {} } },
];

/** In the order in which API servers write built-in kinds. */
function event(metadata: object, more: object = { spec: { a: [{}] }, status: {} }): string {
  return JSON.stringify({ type: "ADDED", object: { kind: "Job", apiVersion: "batch/v1", metadata, ...more } });
}

test("an event of a built-in kind loses its managed fields and nothing else", () => {
  const metadata = {
    name: "j",
    annotations: { a: ',"managedFields":[ and ]},"spec":' },
    ownerReferences: [{ uid: "u" }],
  };
  expect(withoutManagedFields(event({ ...metadata, managedFields: FIELDS }))).toBe(event(metadata));
});

test("an event without them stays as it is", () => {
  const text = event({ name: "j", annotations: { a: ',"managedFields":[' } });
  expect(withoutManagedFields(text)).toBe(text);
});

test("a custom resource, written in the order of the alphabet, stays as it is", () => {
  const object = {
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    metadata: { managedFields: FIELDS, name: "js", ownerReferences: [{}] },
    spec: {},
  };
  const text = JSON.stringify({ type: "ADDED", object });
  expect(withoutManagedFields(text)).toBe(text);
});

test("what has no spec, or managed fields only within its spec, stays as it is", () => {
  const bare = event({ name: "s", managedFields: FIELDS }, {});
  expect(withoutManagedFields(bare)).toBe(bare);
  const within = event({ name: "j" }, {
    spec: { template: { metadata: { name: "t", managedFields: [{}] }, spec: {} } },
  });
  expect(withoutManagedFields(within)).toBe(within);
});

test("what has another field behind them stays as it is, and its spec keeps what looks like their end", () => {
  const metadata = { name: "j", managedFields: FIELDS, later: {} };
  const template = { metadata: { finalizers: ["f"] }, spec: {} };
  const text = event(metadata, { spec: { template } });
  expect(withoutManagedFields(text)).toBe(text);
});
