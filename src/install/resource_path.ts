import { asString, at, type JsonObject } from "../base/json.ts";

/** A kind of object that an installation has. */
export interface Resource {
  readonly kind: string;
  readonly apiVersion: string;
  /** As in a path: `deployments`. */
  readonly plural: string;
  readonly isNamespaced: boolean;
}

const RBAC = "rbac.authorization.k8s.io/v1";
const ADMISSION = "admissionregistration.k8s.io/v1";
const CERT_MANAGER = "cert-manager.io/v1";

/** In the order in which to remove them: what calls us first, what we need to run last. */
export const RESOURCES: readonly Resource[] = [
  cluster("MutatingWebhookConfiguration", ADMISSION, "mutatingwebhookconfigurations"),
  cluster("ValidatingWebhookConfiguration", ADMISSION, "validatingwebhookconfigurations"),
  namespaced("Deployment", "apps/v1", "deployments"),
  namespaced("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"),
  namespaced("ServiceMonitor", "monitoring.coreos.com/v1", "servicemonitors"),
  namespaced("Certificate", CERT_MANAGER, "certificates"),
  namespaced("Issuer", CERT_MANAGER, "issuers"),
  namespaced("Service", "v1", "services"),
  namespaced("ConfigMap", "v1", "configmaps"),
  namespaced("Secret", "v1", "secrets"),
  namespaced("Lease", "coordination.k8s.io/v1", "leases"),
  cluster("ClusterRoleBinding", RBAC, "clusterrolebindings"),
  namespaced("RoleBinding", RBAC, "rolebindings"),
  cluster("ClusterRole", RBAC, "clusterroles"),
  namespaced("Role", RBAC, "roles"),
  namespaced("ServiceAccount", "v1", "serviceaccounts"),
  cluster("CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions"),
  cluster("Namespace", "v1", "namespaces"),
];

function namespaced(kind: string, apiVersion: string, plural: string): Resource {
  return { kind, apiVersion, plural, isNamespaced: true };
}

function cluster(kind: string, apiVersion: string, plural: string): Resource {
  return { kind, apiVersion, plural, isNamespaced: false };
}

/** What names an object in the cluster. */
export interface ObjectName {
  readonly kind: string;
  /** Absent for kinds that belong to the cluster. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

export function nameOf(object: JsonObject): ObjectName {
  const namespace = asString(at(object, "metadata", "namespace"));
  return {
    kind: asString(object["kind"]) ?? "",
    name: asString(at(object, "metadata", "name")) ?? "",
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** `Deployment jobset-system/jobset-controller-manager`. */
export function describeName({ kind, namespace, name }: ObjectName): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

/** The path of an object; throws for a kind that no installation has. */
export function objectPath({ kind, namespace, name }: ObjectName): string {
  return `${listPath(kind, namespace)}/${name}`;
}

/** The path of a kind's objects, in one namespace or in all. */
export function listPath(kind: string, namespace?: string): string {
  const { apiVersion, plural } = resourceOf(kind);
  const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `${groupPath(apiVersion)}${scope}/${plural}`;
}

/** The path under which the API server tells of a group's version. */
export function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

export function resourceOf(kind: string): Resource {
  const found = RESOURCES.find((resource) => resource.kind === kind);
  if (found === undefined) throw new Error(`no installation has objects of kind "${kind}"`);
  return found;
}
