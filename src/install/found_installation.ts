/** What is installed already: by us, by the reference's manifest, or by Helm. */
import { asArray, asInteger, asObject, asString, asStringMap, at, type JsonObject } from "../base/json.ts";
import { isForbidden } from "../client/api_error.ts";
import { causeOf, type InstallCluster } from "./install_cluster.ts";
import type { InstallOptions } from "./install_options.ts";
import { CONFIG_KEY } from "./manager_config.ts";

const DEPLOYMENT = "jobset-controller-manager";
const HELM_DEPLOYMENT = "jobset-controller";
const MUTATING = "jobset-mutating-webhook-configuration";
const MUTATE_PATH = "/mutate-jobset-x-k8s-io-v1alpha2-jobset";

/** A release of Helm that runs a JobSet controller. */
export interface HelmRelease {
  readonly namespace: string;
  readonly deployment: string;
  readonly release: string;
}

export interface FoundInstallation {
  /** Namespaces with a Deployment of the manifest's name, or with the service account of a controller that runs elsewhere. */
  readonly namespaces: readonly string[];
  readonly helm: HelmRelease | undefined;
  /** Where the webhooks are called by URL: its base. */
  readonly webhookUrl: string | undefined;
}

/** Looks in the whole cluster, or, where that is not allowed, in one namespace. */
export async function findInstallation(cluster: InstallCluster, namespace: string): Promise<FoundInstallation> {
  const deployments = await findDeployments(cluster, namespace);
  const helm = deployments.find(isHelms);
  const mutating = await cluster.find({ kind: "MutatingWebhookConfiguration", name: MUTATING });
  const url = asString(at(asArray(mutating?.["webhooks"])[0], "clientConfig", "url"));
  const binding = await cluster.find({ kind: "ClusterRoleBinding", name: "jobset-manager-rolebinding" });
  const account = asString(at(asArray(binding?.["subjects"])[0], "namespace"));
  const found = deployments.filter((deployment) => text(deployment, "name") === DEPLOYMENT)
    .map((deployment) => text(deployment, "namespace"));
  return {
    namespaces: found.length === 0 && url !== undefined && account !== undefined ? [account] : found,
    helm: helm === undefined ? undefined : {
      namespace: text(helm, "namespace"),
      deployment: text(helm, "name"),
      release: annotations(helm)["meta.helm.sh/release-name"] ?? "jobset",
    },
    webhookUrl: url?.endsWith(MUTATE_PATH) === true ? url.slice(0, -MUTATE_PATH.length) : undefined,
  };
}

/** The choices of an installation that is there, so that another run changes none that it was not told to. */
export async function foundOptions(
  cluster: InstallCluster,
  base: InstallOptions,
  { webhookUrl, helm }: FoundInstallation,
): Promise<InstallOptions> {
  const { namespace } = base;
  const running = helm === undefined
    ? { kind: "Deployment", namespace, name: DEPLOYMENT }
    : { kind: "Deployment", namespace: helm.namespace, name: helm.deployment };
  const [deployment, certificate, monitor] = await Promise.all([
    cluster.find(running),
    cluster.find({ kind: "Certificate", namespace, name: "jobset-serving-cert" }),
    cluster.find({ kind: "ServiceMonitor", namespace, name: "controller-manager-metrics-monitor" }),
  ]);
  const [pullSecret] = asArray(at(deployment, "spec", "template", "spec", "imagePullSecrets"));
  return {
    ...base,
    webhookUrl,
    replicas: asInteger(at(deployment, "spec", "replicas")) ?? base.replicas,
    imagePullSecret: asString(at(pullSecret, "name")),
    hasCertManager: certificate !== undefined,
    hasPrometheus: monitor !== undefined,
  };
}

/** The configuration that is there, which may be the administrator's own work. */
export async function foundConfig(
  cluster: InstallCluster,
  namespace: string,
  helm: HelmRelease | undefined,
): Promise<string | undefined> {
  // Under another release's name the configuration names another Service and Secret.
  const isHelms = helm?.namespace === namespace && helm.deployment === HELM_DEPLOYMENT;
  const names = ["jobset-manager-config", ...(isHelms ? [`${HELM_DEPLOYMENT}-config`] : [])];
  for (const name of names) {
    const config = asString(at(await cluster.find({ kind: "ConfigMap", namespace, name }), "data", CONFIG_KEY));
    if (config !== undefined) return config;
  }
  return undefined;
}

/** The image that runs; undefined where there is no Deployment. */
export async function foundImage(cluster: InstallCluster, namespace: string): Promise<string | undefined> {
  const deployment = await cluster.find({ kind: "Deployment", namespace, name: DEPLOYMENT });
  const [container] = asArray(at(deployment, "spec", "template", "spec", "containers"));
  return asString(at(container, "image"));
}

async function findDeployments(cluster: InstallCluster, namespace: string): Promise<readonly JsonObject[]> {
  const names = [DEPLOYMENT, HELM_DEPLOYMENT].map((name) => ({ fieldSelector: `metadata.name=${name}` }));
  const labelled = { labelSelector: "app.kubernetes.io/name=jobset,app.kubernetes.io/managed-by=Helm" };
  const queries = [...names, labelled];
  const listed = async (scope: { readonly namespace?: string }) =>
    (await Promise.all(queries.map((query) => cluster.list("Deployment", { ...scope, ...query })))).flat();
  try {
    return await listed({});
  } catch (error) {
    if (!isForbidden(causeOf(error))) throw error;
    return await listed({ namespace });
  }
}

/** By Helm's marks, or by the chart's names where it was rendered and applied by hand. */
function isHelms(deployment: JsonObject): boolean {
  if (text(deployment, "name") === DEPLOYMENT) return false;
  const labels = asStringMap(at(deployment, "metadata", "labels"));
  const [container] = asArray(at(deployment, "spec", "template", "spec", "containers"));
  return annotations(deployment)["meta.helm.sh/release-name"] !== undefined ||
    labels["app.kubernetes.io/managed-by"] === "Helm" || at(container, "name") === "controller";
}

function annotations(object: JsonObject): Readonly<Record<string, string>> {
  return asStringMap(at(object, "metadata", "annotations"));
}

function text(object: JsonObject, field: "name" | "namespace"): string {
  return asString(asObject(object["metadata"])?.[field]) ?? "";
}
