/** What a service account may do, verb by verb and object by object, and what the audit log saw it do. */
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";

/** One verb on one resource, or on one object of it where the rule names objects. */
export interface Permission {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `jobs/status`. A path such as `/metrics` where the rule is not about resources. */
  readonly resource: string;
  readonly name: string | undefined;
  /** Of a RoleBinding; undefined: everywhere. */
  readonly namespace: string | undefined;
  /** Who grants it, for the message: `ClusterRole jobset-manager-role`. */
  readonly role: string;
}

/** A request as the audit log has it. */
export interface Use {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  /** For want of a permission: a quota or a webhook that refuses is another matter. */
  readonly isForbidden: boolean;
  /** RBAC's own words. */
  readonly why: string;
}

export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** Role bindings of either kind whose subjects include the service account. */
export function bindingsOf(objects: readonly JsonObject[], account: Account): readonly JsonObject[] {
  const isIt = (subject: unknown) =>
    at(subject, "kind") === "ServiceAccount" && at(subject, "name") === account.name &&
    at(subject, "namespace") === account.namespace;
  return objects.filter(({ kind, subjects }) =>
    (kind === "ClusterRoleBinding" || kind === "RoleBinding") && asArray(subjects).some(isIt)
  );
}

/** Every permission that these objects (roles and bindings of either kind, among others) grant the service account. */
export function permissionsOf(objects: readonly JsonObject[], account: Account): readonly Permission[] {
  return bindingsOf(objects, account).flatMap((binding) => {
    const namespace = asString(at(binding, "metadata", "namespace"));
    const kind = asString(at(binding, "roleRef", "kind"));
    const name = asString(at(binding, "roleRef", "name"));
    const role = objects.find((object) =>
      object["kind"] === kind && at(object, "metadata", "name") === name &&
      (kind === "ClusterRole" || at(object, "metadata", "namespace") === namespace)
    );
    if (role === undefined) throw new Error(`read the permissions: there is no ${kind} ${name}`);
    return asArray(role["rules"]).flatMap((rule) => ofRule(rule, { namespace, role: `${kind} ${name}` }));
  });
}

function ofRule(rule: unknown, by: Pick<Permission, "namespace" | "role">): readonly Permission[] {
  const texts = (field: string) => asArray(at(rule, field)).map((entry) => asString(entry) ?? "");
  const names = texts("resourceNames");
  return texts("verbs").flatMap((verb) => [
    ...texts("nonResourceURLs").map((resource) => ({ ...by, verb, group: "", resource, name: undefined })),
    ...texts("apiGroups").flatMap((group) =>
      texts("resources").flatMap((resource) =>
        (names.length === 0 ? [undefined] : names).map((name) => ({ ...by, verb, group, resource, name }))
      )
    ),
  ]);
}

/** The request that an entry of the audit log tells of. */
export function readUse(entry: JsonObject): Use {
  const field = (name: string) => asString(at(entry, "objectRef", name));
  const annotation = (name: string) => asString(at(entry, "annotations", `authorization.k8s.io/${name}`)) ?? "";
  const subresource = field("subresource");
  const path = (asString(entry["requestURI"]) ?? "").split("?")[0] ?? "";
  return {
    verb: asString(entry["verb"]) ?? "",
    group: field("apiGroup") ?? "",
    resource: field("resource") === undefined
      ? path
      : `${field("resource")}${subresource === undefined ? "" : `/${subresource}`}`,
    name: field("name"),
    namespace: field("namespace"),
    isForbidden: annotation("decision") === "forbid",
    why: annotation("reason"),
  };
}

/** Whether this request needed, and had, this permission. A `*` in a rule is more than any request needs. */
export function isUse(use: Use, permission: Permission): boolean {
  return !use.isForbidden && use.verb === permission.verb && use.group === permission.group &&
    use.resource === permission.resource && (permission.name === undefined || permission.name === use.name) &&
    (permission.namespace === undefined || permission.namespace === use.namespace);
}

/** As one would say it: `update leases.coordination.k8s.io 6d4f… in jobset-system`. */
export function describeAccess(access: Permission | Use): string {
  const { verb, group, resource, name, namespace } = access;
  const what = `${verb} ${resource}${group === "" ? "" : `.${group}`}`;
  return `${what}${name === undefined ? "" : ` ${name}`}${namespace === undefined ? "" : ` in ${namespace}`}`;
}
