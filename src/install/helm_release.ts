/** Takes over from a Helm release: its controller ends first, then what only it had goes, and Helm forgets it. */
import { asString, asStringMap, at, type JsonObject } from "../base/json.ts";
import type { HelmRelease } from "./found_installation.ts";
import type { InstallCluster } from "./install_cluster.ts";
import { describeName, nameOf, type ObjectName, RESOURCES } from "./resource_path.ts";

/** Kinds that are never removed with a release: with the CRD all JobSets would go. */
const KEPT = ["CustomResourceDefinition", "Namespace", "Lease"];

/** Ends the release's controller: two must not act at once. */
export async function endHelmRelease(cluster: InstallCluster, helm: HelmRelease): Promise<void> {
  const { namespace, deployment: name } = helm;
  await cluster.remove({ kind: "Deployment", namespace, name }, { isAwaited: true });
}

/** Removes what the release has and we don't. Its records go too: `helm uninstall` would take the CRD, and all JobSets. */
export async function removeHelmLeftovers(
  cluster: InstallCluster,
  helm: HelmRelease,
  ours: readonly JsonObject[],
): Promise<void> {
  const kept = new Set(ours.map((object) => describeName(nameOf(object))));
  for (const { kind, isNamespaced } of RESOURCES.filter((resource) => !KEPT.includes(resource.kind))) {
    const scope = isNamespaced ? { namespace: helm.namespace } : {};
    const labelled = await cluster.list(kind, { ...scope, labelSelector: "app.kubernetes.io/managed-by=Helm" });
    const names = labelled.filter((object) => isOfRelease(object, helm)).map((object) => nameIn(kind, object))
      .filter((name) => !kept.has(describeName(name)));
    for (const name of names) await cluster.remove(name, { isAwaited: false });
  }
  const labelSelector = `owner=helm,name=${helm.release}`;
  const records = await cluster.list("Secret", { namespace: helm.namespace, labelSelector });
  for (const record of records) await cluster.remove(nameIn("Secret", record), { isAwaited: false });
}

function isOfRelease(object: JsonObject, { release, namespace }: HelmRelease): boolean {
  const annotations = asStringMap(at(object, "metadata", "annotations"));
  return annotations["meta.helm.sh/release-name"] === release &&
    annotations["meta.helm.sh/release-namespace"] === namespace;
}

/** Objects of a list do not say their kind. */
function nameIn(kind: string, object: JsonObject): ObjectName {
  const namespace = asString(at(object, "metadata", "namespace"));
  return { kind, namespace, name: asString(at(object, "metadata", "name")) ?? "" };
}
