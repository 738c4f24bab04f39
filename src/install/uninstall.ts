/** `jobset uninstall`: the controller and what belongs to it; JobSets only if they are asked for. */
import { asArray, asInteger, asString, asStringMap, at, type JsonObject } from "../base/json.ts";
import { UsageError } from "../config/usage_error.ts";
import { findInstallation } from "./found_installation.ts";
import type { InstallCluster } from "./install_cluster.ts";
import { crdObject, installObjects } from "./install_objects.ts";
import { DEFAULT_NAMESPACE, type InstallOptions } from "./install_options.ts";
import { nameOf, type ObjectName, RESOURCES } from "./resource_path.ts";

export interface UninstallRequest {
  readonly base: InstallOptions;
  readonly isNamespaceGiven: boolean;
  /** With the CRD, and so with every JobSet. */
  readonly hasCrds: boolean;
  /** Even if there are JobSets. */
  readonly isConfirmed: boolean;
  readonly isWaiting: boolean;
}

const JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2/jobsets";
/** A Role and its binding that the Prometheus operator's own manifests have too, in namespaces that we may share. */
const PROMETHEUS = "prometheus-k8s";
/** What a namespace of ours may hold without being anybody else's. */
const HOLDERS = [
  ["Deployment", "/apis/apps/v1", "deployments"],
  ["StatefulSet", "/apis/apps/v1", "statefulsets"],
  ["DaemonSet", "/apis/apps/v1", "daemonsets"],
  ["Job", "/apis/batch/v1", "jobs"],
  ["CronJob", "/apis/batch/v1", "cronjobs"],
  ["JobSet", "/apis/jobset.x-k8s.io/v1alpha2", "jobsets"],
  ["Pod", "/api/v1", "pods"],
  ["Service", "/api/v1", "services"],
  ["PersistentVolumeClaim", "/api/v1", "persistentvolumeclaims"],
  ["Secret", "/api/v1", "secrets"],
  ["ConfigMap", "/api/v1", "configmaps"],
] as const;

/** Uninstalls; returns the lines that say what stays. */
export async function uninstall(cluster: InstallCluster, request: UninstallRequest): Promise<readonly string[]> {
  const namespace = await chosenNamespace(cluster, request);
  const jobSets = await countJobSets(cluster);
  if (request.hasCrds && jobSets > 0 && !request.isConfirmed) {
    throw new UsageError(`--crds: ${counted(jobSets)} and their Jobs would be deleted: give --yes if that is meant`);
  }
  const names = installedNames({ ...request.base, namespace });
  let removed = 0;
  for (const { kind } of RESOURCES) {
    for (const name of names.filter((candidate) => candidate.kind === kind)) {
      const isAwaited = request.isWaiting && kind === "Deployment";
      if (name.name === PROMETHEUS && !isOurs(await cluster.find(name))) continue;
      if (await cluster.remove(name, { isAwaited })) removed++;
    }
  }
  if (removed === 0) cluster.report(`nothing of an installation was found in namespace ${namespace}`);
  const stays: string[] = [];
  if (request.hasCrds) await cluster.remove(nameOf(crdObject()), { isAwaited: request.isWaiting });
  else stays.push(`the CRD jobsets.jobset.x-k8s.io stays, and ${described(jobSets)}; --crds removes them`);
  stays.push(...await removeNamespace(cluster, namespace, request.isWaiting));
  return stays;
}

/** Every object of every form of the installation, but for the CRD and the namespace. */
function installedNames(base: InstallOptions): readonly ObjectName[] {
  const forms = [base, { ...base, hasCertManager: true, hasPrometheus: true }];
  const { namespace } = base;
  const made = [
    { kind: "Secret", namespace, name: "jobset-metrics-server-cert" },
    { kind: "Lease", namespace, name: "6d4f6a47.jobset.x-k8s.io" },
  ];
  const names = forms.flatMap((form) => installObjects({ ...form, hasNamespace: false })).map(nameOf);
  return [...new Map([...names, ...made].map((name) => [`${name.kind}/${name.name}`, name])).values()];
}

async function chosenNamespace(cluster: InstallCluster, request: UninstallRequest): Promise<string> {
  const { base: { namespace }, isNamespaceGiven } = request;
  const { namespaces, helm } = await findInstallation(cluster, namespace);
  if (helm !== undefined && !namespaces.includes(namespace)) {
    throw new UsageError(
      `Helm release ${helm.release} runs the JobSet controller: ` +
        `end it with 'helm uninstall ${helm.release} --namespace ${helm.namespace}'`,
    );
  }
  const [other, ...more] = namespaces.filter((candidate) => candidate !== namespace);
  if (other === undefined || namespaces.includes(namespace)) return namespace;
  if (!isNamespaceGiven && more.length === 0) return other;
  throw new UsageError(`the JobSet controller is installed in ${[other, ...more].join(", ")}: give --namespace`);
}

async function countJobSets(cluster: InstallCluster): Promise<number> {
  const list = await cluster.get("count the JobSets", JOBSETS, { limit: "1" });
  return asArray(list?.["items"]).length + (asInteger(at(list, "metadata", "remainingItemCount")) ?? 0);
}

function described(jobSets: number): string {
  return jobSets === 0 ? "there are no JobSets" : `with it ${counted(jobSets)}, which nothing reconciles now`;
}

function counted(jobSets: number): string {
  return jobSets === 1 ? "1 JobSet" : `${jobSets} JobSets`;
}

/** A namespace that others use, or that somebody else made, stays. */
async function removeNamespace(
  cluster: InstallCluster,
  name: string,
  isAwaited: boolean,
): Promise<readonly string[]> {
  const object = await cluster.find({ kind: "Namespace", name });
  if (object === undefined || at(object, "metadata", "deletionTimestamp") !== undefined) return [];
  if (name !== DEFAULT_NAMESPACE) return [`the namespace ${name} stays`];
  for (const [kind, prefix, plural] of HOLDERS) {
    const list = await cluster.get(`list ${plural} in namespace ${name}`, `${prefix}/namespaces/${name}/${plural}`);
    const [held] = asArray(list?.["items"]).filter((item) => isForeign(item));
    if (held === undefined) continue;
    return [`the namespace ${name} stays: it has ${kind} ${asString(at(held, "metadata", "name"))}`];
  }
  await cluster.remove({ kind: "Namespace", name }, { isAwaited });
  return [];
}

/** Not ours on its way out, and not what every namespace has. */
function isForeign(item: unknown): boolean {
  const metadata = at(item, "metadata") as JsonObject | undefined;
  if (metadata?.["deletionTimestamp"] !== undefined || metadata?.["name"] === "kube-root-ca.crt") return false;
  return !isOurs(item);
}

function isOurs(item: unknown): boolean {
  const labels = asStringMap(at(item, "metadata", "labels"));
  return labels["app.kubernetes.io/name"] === "jobset" && labels["app.kubernetes.io/instance"] === "jobset";
}
