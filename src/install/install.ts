/** `jobset install` and `jobset upgrade`: applies what `jobset manifests` prints, over whatever is there. */
import { asArray, asInteger, asObject, asString, at, canonicalJson, type JsonObject } from "../base/json.ts";
import { parseConfigFile } from "../config/config_file.ts";
import { ConfigFileError } from "../config/config_file_error.ts";
import { UsageError } from "../config/usage_error.ts";
import { configMisfit } from "./config_misfit.ts";
import { deploymentProblem } from "./deployment_problem.ts";
import {
  findInstallation,
  foundConfig,
  foundImage,
  type FoundInstallation,
  foundOptions,
} from "./found_installation.ts";
import { checkHelmRelease, endHelmRelease, removeHelmLeftovers } from "./helm_release.ts";
import type { InstallCluster } from "./install_cluster.ts";
import { crdObject, installObjects } from "./install_objects.ts";
import type { InstallOptions } from "./install_options.ts";
import { hasInternalCertificates, managerConfig } from "./manager_config.ts";
import { describeName, nameOf } from "./resource_path.ts";

export interface InstallRequest {
  readonly command: "install" | "upgrade";
  /** Without any flag; the namespace is the one that was asked for. */
  readonly base: InstallOptions;
  /** Whether a namespace was asked for, or an image. */
  readonly isNamespaceGiven: boolean;
  readonly isImageGiven: boolean;
  /** What the flags make of the options that are there. */
  readonly withFlags: (options: InstallOptions) => InstallOptions;
  readonly isConfigReset: boolean;
  readonly mayReplaceHelm: boolean;
  readonly isWaiting: boolean;
}

/** Installs; returns what to tell at the end. Throws one line where it can't go on; another run goes on from there. */
export async function install(cluster: InstallCluster, request: InstallRequest): Promise<string> {
  const found = await findInstallation(cluster, request.base.namespace);
  const namespace = chosenNamespace(found, request);
  if (found.helm !== undefined) await checkHelmRelease(cluster, found.helm, request.mayReplaceHelm);
  const base = await foundOptions(cluster, { ...request.base, namespace }, found);
  const options = request.withFlags(base);
  if (request.command === "upgrade") await checkUpgrade(cluster, found, request, options);
  await checkGroups(cluster, options);
  const config = request.isConfigReset ? undefined : await keptConfig(cluster, options, found);

  await leavingNamespace(cluster, namespace);

  const objects = installObjects(options, config);
  const crd = crdObject();
  await applyAll(cluster, [...objects.filter(isNamespace), crd]);
  if (!cluster.isDryRun) await cluster.waitFor("the CRD to be served", () => crdProblem(cluster, crd));
  for (const object of objects.filter((object) => !isNamespace(object))) await applyOver(cluster, object, found);
  if (found.helm !== undefined) await removeHelmLeftovers(cluster, found.helm, [...objects, crd]);
  const deployment = objects.find((object) => object["kind"] === "Deployment");
  if (cluster.isDryRun) return `jobset ${request.command}: nothing was stored (dry run)`;
  if (deployment === undefined) return urlAdvice(options);
  if (!request.isWaiting) return `jobset ${request.command}: done`;
  cluster.report(`waiting for ${describeName(nameOf(deployment))}`);
  await cluster.waitFor(
    `${describeName(nameOf(deployment))} to be ready`,
    () => deploymentProblem(cluster, deployment),
  );
  return `jobset ${request.command}: ready`;
}

/** After an uninstall the namespace may still be on its way out, and takes nothing new. */
async function leavingNamespace(cluster: InstallCluster, namespace: string): Promise<void> {
  const name = { kind: "Namespace", name: namespace };
  const isLeaving = async () => at(await cluster.find(name), "metadata", "deletionTimestamp") !== undefined;
  if (cluster.isDryRun || !await isLeaving()) return;
  cluster.report(`Namespace ${namespace} is being deleted: waiting for its end`);
  const problem = async () => await isLeaving() ? "it is still there" : undefined;
  await cluster.waitFor(`Namespace ${namespace} to be gone`, problem);
}

async function applyAll(cluster: InstallCluster, objects: readonly JsonObject[]): Promise<void> {
  for (const object of objects) await cluster.apply(object);
}

/** Applies an object, out of whose way goes what can't be changed into it. */
async function applyOver(cluster: InstallCluster, object: JsonObject, { helm }: FoundInstallation): Promise<void> {
  switch (object["kind"]) {
    case "Deployment":
      if (helm !== undefined) await endHelmRelease(cluster, helm);
      return await applyDeployment(cluster, object);
    case "MutatingWebhookConfiguration":
    case "ValidatingWebhookConfiguration":
      return await applyWebhooks(cluster, object);
    default:
      await cluster.apply(object);
  }
}

/** A selector can't be changed, and a container of an older form would go on running beside ours. */
async function applyDeployment(cluster: InstallCluster, object: JsonObject): Promise<void> {
  const name = nameOf(object);
  const before = await cluster.find(name);
  if (before !== undefined) {
    const isOfSelector =
      canonicalJson(at(before, "spec", "selector")) === canonicalJson(at(object, "spec", "selector"));
    if (!isOfSelector || containerNames(before).some((container) => !containerNames(object).includes(container))) {
      cluster.report(`${describeName(name)} has the form of an older installation: it is replaced`);
      await cluster.remove(name, { isAwaited: true });
      if (cluster.isDryRun) return;
    }
  }
  await cluster.apply(object);
}

function containerNames(deployment: JsonObject): readonly string[] {
  return asArray(at(deployment, "spec", "template", "spec", "containers")).map((entry) =>
    asString(at(entry, "name")) ?? ""
  );
}

/**
 * Webhooks that an older installation had beside ours would call what we do not serve and hold up every Pod; and a webhook
 * that was called by URL cannot be merged into one that is called by Service.
 */
async function applyWebhooks(cluster: InstallCluster, object: JsonObject): Promise<void> {
  const before = await cluster.find(nameOf(object));
  const wanted = asArray(object["webhooks"]);
  const isOutdated = (webhook: unknown) => {
    const match = wanted.find((entry) => at(entry, "name") === at(webhook, "name"));
    return match === undefined || isByUrl(match) !== isByUrl(webhook);
  };
  const present = asArray(before?.["webhooks"]);
  const kept = present.filter((webhook) => !isOutdated(webhook));
  if (before !== undefined && kept.length < present.length && !cluster.isDryRun) {
    const dropped = present.filter(isOutdated).map((webhook) => asString(at(webhook, "name")));
    await cluster.patch(before, [{ op: "replace", path: "/webhooks", value: kept }]);
    cluster.report(
      `${describeName(nameOf(object))}: removed the entries ${dropped.join(", ")} of an older installation`,
    );
  }
  if (before !== undefined && kept.length < present.length && cluster.isDryRun) return;
  await cluster.apply(object);
}

function isByUrl(webhook: unknown): boolean {
  return at(webhook, "clientConfig", "url") !== undefined;
}

/** Two controllers in one cluster would both act: one installation, in one namespace. */
function chosenNamespace({ namespaces }: FoundInstallation, request: InstallRequest): string {
  const { base: { namespace }, isNamespaceGiven, command } = request;
  const [other] = namespaces.filter((candidate) => candidate !== namespace);
  if (other === undefined || namespaces.includes(namespace)) return namespace;
  if (command === "upgrade" && !isNamespaceGiven && namespaces.length === 1) return other;
  throw new UsageError(
    `a JobSet controller is installed in namespace ${other}: give --namespace ${other}, ` +
      `or end it with 'jobset uninstall --namespace ${other}' first, which keeps all JobSets`,
  );
}

/** An upgrade changes what is there, and does not guess a name in somebody's registry. */
async function checkUpgrade(
  cluster: InstallCluster,
  found: FoundInstallation,
  { base, isImageGiven }: InstallRequest,
  options: InstallOptions,
): Promise<void> {
  const image = await foundImage(cluster, options.namespace);
  if (image === undefined && found.webhookUrl === undefined && found.helm === undefined) {
    throw new UsageError(`nothing is installed in namespace ${options.namespace}: use 'jobset install'`);
  }
  const repository = base.image.slice(0, base.image.lastIndexOf(":"));
  if (image === undefined || isImageGiven || image.startsWith(`${repository}:`)) return;
  throw new UsageError(`the installed image is ${image}: give --image, such as --image ${base.image}`);
}

/** Before anything is changed. */
async function checkGroups(cluster: InstallCluster, { hasCertManager, hasPrometheus }: InstallOptions): Promise<void> {
  const needed = [
    { isNeeded: hasCertManager, group: "cert-manager.io/v1", flag: "cert-manager", what: "cert-manager" },
    { isNeeded: hasPrometheus, group: "monitoring.coreos.com/v1", flag: "prometheus", what: "the Prometheus operator" },
  ];
  for (const { isNeeded, group, flag, what } of needed) {
    if (!isNeeded || await cluster.knows(group)) continue;
    throw new Error(`the cluster does not know ${group}: install ${what} first, or leave out --${flag}`);
  }
}

/** The configuration that is there, to be kept but for what the flags say; undefined where ours can be written anew. */
async function keptConfig(
  cluster: InstallCluster,
  options: InstallOptions,
  { helm }: FoundInstallation,
): Promise<string | undefined> {
  const { featureGates, hasCertManager, namespace, webhookUrl } = options;
  const config = await foundConfig(cluster, namespace, helm);
  if (config === undefined) return undefined;
  checkConfig(config, namespace, webhookUrl === undefined);
  if (!hasCertManager && !hasInternalCertificates(config)) {
    throw new UsageError(
      `the configuration in ConfigMap ${namespace}/jobset-manager-config has internalCertManagement off: ` +
        "give --cert-manager, or --reset-config for the defaults",
    );
  }
  if (config !== managerConfig({ featureGates: {}, hasCertManager })) {
    const how = Object.keys(featureGates).length > 0 ? "kept but for the gates given" : "kept as it is";
    cluster.report(
      `ConfigMap ${namespace}/jobset-manager-config: its configuration is ${how}; --reset-config drops it`,
    );
  }
  return config;
}

/** A configuration that the controller would refuse, or be never ready with, after we had replaced the one that took it. */
function checkConfig(config: string, namespace: string, isInCluster: boolean): void {
  const file = `ConfigMap ${namespace}/jobset-manager-config`;
  const advice = "correct it, or give --reset-config for the defaults";
  try {
    const { values } = parseConfigFile(config, file);
    const misfit = isInCluster ? configMisfit(values) : undefined;
    if (misfit !== undefined) throw new UsageError(`${file}: ${misfit}: ${advice}`);
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    throw new UsageError(`${error.problems[0]}: ${advice}`, { cause: error });
  }
}

function isNamespace(object: JsonObject): boolean {
  return object["kind"] === "Namespace";
}

async function crdProblem(cluster: InstallCluster, crd: JsonObject): Promise<string | undefined> {
  const stored = await cluster.find(nameOf(crd));
  const conditions = asArray(at(stored, "status", "conditions")).map((entry) => asObject(entry) ?? {});
  const isTrue = (type: string) =>
    conditions.some((condition) => condition["type"] === type && condition["status"] === "True");
  if (isTrue("Established") && await cluster.knows("jobset.x-k8s.io/v1alpha2")) return undefined;
  const refused = conditions.find((condition) => condition["status"] === "False");
  return asString(refused?.["message"]) ?? "it is not established yet";
}

function urlAdvice({ namespace, webhookUrl }: InstallOptions): string {
  const service = asInteger(Number(new URL(webhookUrl ?? "").port || 443));
  return `jobset install: done; run 'jobset controller' as service account ${namespace}/jobset-controller-manager, ` +
    `with its webhooks on port ${service} of ${new URL(webhookUrl ?? "").hostname}`;
}
