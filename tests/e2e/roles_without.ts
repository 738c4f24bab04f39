/** The manifest's roles but for one permission, for a service account of a test's own namespace. */
import { parseAllDocuments } from "yaml";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { kubeconfigText } from "../../scripts/control_plane/kubeconfig.ts";
import type { Cluster } from "./cluster.ts";
import { nameOf } from "./cluster.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const NAME = "jobset-controller-manager";
const ALL = ["get", "list", "watch", "create", "update", "patch", "delete"];

export interface Missing {
  readonly resource: string;
  /** All of them where absent. */
  readonly verbs?: readonly string[];
}

export interface Grants {
  /** Logs in as the service account. */
  readonly kubeconfig: string;
  /** Grants what is missing. */
  complete(): Promise<void>;
  remove(): Promise<void>;
}

/** Installs service account and roles in the test's namespace, as `jobset manifests --namespace` prints them. */
export async function grantAllBut(cluster: Cluster, missing: Missing): Promise<Grants> {
  const { api, namespace, environment } = cluster;
  const { binary, url } = environment.description;
  const text = Bun.spawnSync([binary, "manifests", `--namespace=${namespace}`, "--skip-namespace"]).stdout.toString();
  const objects = parseAllDocuments(text).map((document) => asObject(document.toJS()) ?? {});
  const named = objects.filter(({ kind }) => KINDS.has(asString(kind) ?? "")).map((object) =>
    ownName(object, namespace)
  );
  for (const object of named) await api.create(parentOf(object), without(object, missing));
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const answer = await api.create(`${accounts}/${NAME}/token`, { spec: { expirationSeconds: 3600 } });
  const token = asString(at(answer, "status", "token")) ?? "";
  const kubeconfig = kubeconfigText({ url, caPem: api.access.caPem, user: NAME, token });
  return {
    kubeconfig: environment.writeFile("roles.kubeconfig", kubeconfig),
    complete: async () => {
      for (const object of named.filter(({ rules }) => rules !== undefined)) {
        await api.patch(`${parentOf(object)}/${nameOf(object)}`, { rules: object["rules"] });
      }
    },
    remove: async () => {
      const ofCluster = named.filter((object) => at(object, "metadata", "namespace") === undefined);
      for (const object of ofCluster) await api.request("DELETE", `${parentOf(object)}/${nameOf(object)}`);
    },
  };
}

const KINDS = new Set(["ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]);

/** What belongs to the whole cluster is there already under its own name, for the installation. */
function ownName(object: JsonObject, namespace: string): JsonObject {
  const metadata = asObject(object["metadata"]) ?? {};
  const isOfCluster = metadata["namespace"] === undefined;
  const rename = (name: unknown) => `${asString(name)}-${namespace}`;
  const roleRef = asObject(object["roleRef"]);
  return {
    ...object,
    ...(isOfCluster ? { metadata: { ...metadata, name: rename(metadata["name"]) } } : {}),
    ...(roleRef?.["kind"] === "ClusterRole" ? { roleRef: { ...roleRef, name: rename(roleRef["name"]) } } : {}),
  };
}

function without(object: JsonObject, { resource, verbs = ALL }: Missing): JsonObject {
  if (object["rules"] === undefined) return object;
  const rules = asArray(object["rules"]).map((rule) => asObject(rule) ?? {}).flatMap((rule) => {
    if (!asArray(rule["resources"]).includes(resource)) return [rule];
    const left = asArray(rule["verbs"]).filter((verb) => !verbs.includes(asString(verb) ?? ""));
    return left.length === 0 ? [] : [{ ...rule, verbs: left }];
  });
  return { ...object, rules };
}

function parentOf(object: JsonObject): string {
  const namespace = asString(at(object, "metadata", "namespace"));
  const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
  const prefix = object["kind"] === "ServiceAccount" ? "/api/v1" : RBAC;
  return `${prefix}${scope}/${(asString(object["kind"]) ?? "").toLowerCase()}s`;
}
