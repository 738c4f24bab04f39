import { expect, test } from "bun:test";
import { describeAccess, isUse, type Permission, permissionsOf, readUse } from "./permissions.ts";

const ACCOUNT = { namespace: "ours", name: "controller" };
const OBJECTS = [
  {
    kind: "ClusterRole",
    metadata: { name: "wide" },
    rules: [
      { apiGroups: ["batch"], resources: ["jobs", "jobs/status"], verbs: ["get", "patch"] },
      { nonResourceURLs: ["/metrics"], verbs: ["get"] },
    ],
  },
  { kind: "Role", metadata: { name: "wide", namespace: "theirs" }, rules: [] },
  {
    kind: "Role",
    metadata: { name: "narrow", namespace: "ours" },
    rules: [{ apiGroups: [""], resources: ["secrets"], resourceNames: ["a", "b"], verbs: ["update"] }],
  },
  binding("ClusterRoleBinding", "ClusterRole/wide", "ours/controller"),
  binding("RoleBinding", "Role/narrow", "ours/controller", "ours"),
  binding("RoleBinding", "Role/absent", "ours/other", "ours"),
];

function binding(kind: string, role: string, subject: string, namespace?: string) {
  const [roleKind = "", roleName = ""] = role.split("/");
  const [subjectNamespace = "", name = ""] = subject.split("/");
  return {
    kind,
    metadata: { name: `${roleName}-binding`, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { kind: roleKind, name: roleName },
    subjects: [{ kind: "ServiceAccount", namespace: subjectNamespace, name }],
  };
}

function use(verb: string, objectRef: object, decision = "allow") {
  return readUse({ verb, objectRef, annotations: { "authorization.k8s.io/decision": decision } });
}

test("the rules of every bound role are taken apart into one verb on one resource", () => {
  expect(permissionsOf(OBJECTS, ACCOUNT).map(describeAccess)).toEqual([
    "get jobs.batch",
    "get jobs/status.batch",
    "patch jobs.batch",
    "patch jobs/status.batch",
    "get /metrics",
    "update secrets a in ours",
    "update secrets b in ours",
  ]);
});

test("a role that is bound and missing is told of", () => {
  expect(() => permissionsOf(OBJECTS, { namespace: "ours", name: "other" })).toThrow("there is no Role absent");
});

test("a request is the use of a permission where verb, resource, name and namespace agree, and it was let in", () => {
  const update: Permission = {
    verb: "update",
    group: "",
    resource: "secrets",
    name: "a",
    namespace: "ours",
    role: "Role narrow",
  };
  const secret = { resource: "secrets", namespace: "ours", name: "a" };
  expect(isUse(use("update", secret), update)).toBe(true);
  expect(isUse(use("update", secret, "forbid"), update)).toBe(false);
  expect(isUse(use("get", secret), update)).toBe(false);
  expect(isUse(use("update", { ...secret, name: "c" }), update)).toBe(false);
  expect(isUse(use("update", { ...secret, namespace: "theirs" }), update)).toBe(false);
  expect(isUse(use("update", { ...secret, subresource: "x" }), update)).toBe(false);
  expect(isUse(use("update", { ...secret, apiGroup: "batch" }), update)).toBe(false);
});

test("a wildcard counts as unused: no request needs it", () => {
  const everything: Permission = {
    verb: "*",
    group: "*",
    resource: "*",
    name: undefined,
    namespace: undefined,
    role: "ClusterRole cluster-admin",
  };
  expect(isUse(use("update", { resource: "secrets", namespace: "ours", name: "a" }), everything)).toBe(false);
});
