/** Takes over from a Helm release: its controller ends first, then what only it had goes, and Helm forgets it. */
import { asString, asStringMap, at, type JsonObject } from "../base/json.ts";
import { UsageError } from "../config/usage_error.ts";
import type { HelmRelease } from "./found_installation.ts";
import type { InstallCluster } from "./install_cluster.ts";
import { describeName, nameOf, type ObjectName, RESOURCES } from "./resource_path.ts";

/** Kinds that are never removed with a release: with the CRD all JobSets would go. */
const KEPT = ["CustomResourceDefinition", "Namespace", "Lease"];

/** Refuses a release that was not asked to go, or that is more than JobSet: a chart that has it as a part. */
export async function checkHelmRelease(
  cluster: InstallCluster,
  helm: HelmRelease,
  mayReplaceHelm: boolean,
): Promise<void> {
  const what = `Helm release ${helm.release} in namespace ${helm.namespace}`;
  const [other] = (await releaseObjects(cluster, helm)).filter(({ isJobSets }) => !isJobSets);
  if (other !== undefined) {
    throw new UsageError(
      `${what} runs a JobSet controller beside other things (${describeName(other.name)}): ` +
        "leave JobSet out of it with helm, such as --set jobset.install=false, and run this again",
    );
  }
  if (mayReplaceHelm) return;
  throw new UsageError(
    `${what} runs a JobSet controller (Deployment ${helm.deployment}): ` +
      "give --replace-helm to end it and take over, or upgrade it with helm",
  );
}

/** Ends the release's controller: two must not act at once. */
export async function endHelmRelease(cluster: InstallCluster, helm: HelmRelease): Promise<void> {
  const { namespace, deployment: name } = helm;
  await cluster.remove({ kind: "Deployment", namespace, name }, { isAwaited: true });
}

/** Removes what the release has and we don't. Its records go too: `helm uninstall` would take what is ours now. */
export async function removeHelmLeftovers(
  cluster: InstallCluster,
  helm: HelmRelease,
  ours: readonly JsonObject[],
): Promise<void> {
  const kept = new Set(ours.map((object) => describeName(nameOf(object))));
  for (const { name, isJobSets } of await releaseObjects(cluster, helm)) {
    if (isJobSets && !kept.has(describeName(name))) await cluster.remove(name, { isAwaited: false });
  }
  const labelSelector = `owner=helm,name=${helm.release}`;
  const records = await cluster.list("Secret", { namespace: helm.namespace, labelSelector });
  for (const record of records) await cluster.remove(nameIn("Secret", record), { isAwaited: false });
}

interface ReleaseObject {
  readonly name: ObjectName;
  /** Of the JobSet chart; false where another chart has it as a part. */
  readonly isJobSets: boolean;
}

async function releaseObjects(cluster: InstallCluster, helm: HelmRelease): Promise<readonly ReleaseObject[]> {
  const kinds = RESOURCES.filter(({ kind }) => !KEPT.includes(kind));
  const lists = await Promise.all(kinds.map(async ({ kind, isNamespaced }) => {
    const scope = isNamespaced ? { namespace: helm.namespace } : {};
    const labelled = await cluster.list(kind, { ...scope, labelSelector: "app.kubernetes.io/managed-by=Helm" });
    return labelled.filter((object) => isOfRelease(object, helm)).map((object) => {
      const name = nameIn(kind, object);
      const label = asStringMap(at(object, "metadata", "labels"))["app.kubernetes.io/name"];
      return { name, isJobSets: label === "jobset" || /(^|-)jobset-/.test(name.name) };
    });
  }));
  return lists.flat();
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
