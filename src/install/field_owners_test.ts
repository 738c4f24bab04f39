import { expect, test } from "bun:test";
import { adoptedFields } from "./field_owners.ts";

const entry = (manager: string, operation: string, fieldsV1: object, more: object = {}) => ({
  manager,
  operation,
  apiVersion: "v1",
  fieldsType: "FieldsV1",
  fieldsV1,
  ...more,
});
const object = (...managedFields: readonly object[]) => ({ apiVersion: "v1", metadata: { managedFields } });

test("what installers own becomes ours, joined with what was ours", () => {
  const controller = entry("manager", "Update", { "f:webhooks": { "f:caBundle": {} } });
  const fields = adoptedFields(object(
    entry("jobset", "Apply", { "f:data": { "f:a": {} } }),
    entry("kubectl-client-side-apply", "Update", {
      "f:data": { ".": {}, "f:b": {} },
      "f:metadata": { "f:labels": {} },
    }),
    entry("helm", "Update", { "f:data": { "f:c": {} } }),
    controller,
  ));
  expect(fields).toEqual([
    controller,
    entry("jobset", "Apply", {
      "f:data": { ".": {}, "f:a": {}, "f:b": {}, "f:c": {} },
      "f:metadata": { "f:labels": {} },
    }),
  ]);
});

test("what runs in the cluster keeps its fields, status too", () => {
  const running = [
    entry("kube-controller-manager", "Update", { "f:status": {} }, { subresource: "status" }),
    entry("jobset", "Update", { "f:caBundle": {} }),
    entry("kubectl", "Update", { "f:spec": { "f:replicas": {} } }, { subresource: "scale" }),
  ];
  expect(adoptedFields(object(...running))).toBeUndefined();
  expect(adoptedFields({ apiVersion: "v1", metadata: {} })).toBeUndefined();
});
