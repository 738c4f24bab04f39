import { createHash } from "node:crypto";
import { parse, parseAllDocuments } from "yaml";
import { crdYaml } from "../api/crd/crd_text.ts";
import { asArray, asObject, asString, asStringMap, at, type JsonObject } from "../base/json.ts";
import { DEFAULT_NAMESPACE, type InstallOptions } from "./install_options.ts";
import { CONFIG_KEY, managerConfig } from "./manager_config.ts";
import { type Part, PARTS } from "./parts.ts";

/** On every object but the CRD; those of the Deployment's selector, so that nothing in a shared namespace is mixed up (R58). */
const LABELS = {
  "app.kubernetes.io/name": "jobset",
  "app.kubernetes.io/instance": "jobset",
  "app.kubernetes.io/managed-by": "kustomize",
} as const;

const CERTIFICATE_FOLDERS = [
  ["webhook-certs", "jobset-webhook-server-cert", "/tmp/k8s-webhook-server/serving-certs"],
  ["metrics-certs", "jobset-metrics-server-cert", "/tmp/k8s-metrics-server/serving-certs"],
] as const;

/** Everything but the CRD, in the order in which to apply it; `configBase` is a configuration to keep but for the choices. */
export function installObjects(options: InstallOptions, configBase?: string): readonly JsonObject[] {
  const { hasNamespace, hasCertManager, hasPrometheus, webhookUrl } = options;
  const parts: readonly (Part | false)[] = [
    hasNamespace && "namespace",
    "rbac",
    !hasCertManager && "rbacCertificates",
    "rbacMetrics",
    "rbacUsers",
    "configMap",
    !hasCertManager && "secret",
    hasCertManager && "certManager",
    webhookUrl === undefined && "services",
    webhookUrl === undefined && "deployment",
    hasPrometheus && "prometheus",
    "webhooks",
  ];
  return parts.filter((part) => part !== false)
    .flatMap((part) => partObjects(part, options.namespace))
    .map((object) => withLabels(withChoices(object, options, configBase)));
}

/** The CRD as an object; `crdYaml` is its text. */
export function crdObject(): JsonObject {
  return asObject(parse(crdYaml())) ?? {};
}

/** The objects of a part, moved to the namespace. Our files name it nowhere but where it is meant. */
export function partObjects(part: Part, namespace: string): readonly JsonObject[] {
  return parseAllDocuments(PARTS[part].replaceAll(DEFAULT_NAMESPACE, namespace)).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`read the manifest part "${part}": ${error.message}`);
    return asObject(document.toJS()) ?? {};
  });
}

function withChoices(object: JsonObject, options: InstallOptions, configBase: string | undefined): JsonObject {
  const { featureGates, hasCertManager } = options;
  const config = managerConfig({ base: configBase, featureGates, hasCertManager });
  switch (`${object["kind"]} ${asString(at(object, "metadata", "name"))}`) {
    case "Namespace " + options.namespace:
      // A namespace of the user's own is made if it is missing, and not marked as ours.
      return object;
    case "ConfigMap jobset-manager-config":
      return { ...object, data: { [CONFIG_KEY]: config } };
    case "ClusterRole jobset-manager-role":
      return hasCertManager ? object : { ...object, rules: [...asArray(object["rules"]), ...webhookRules()] };
    case "Deployment jobset-controller-manager":
      return deployment(object, options, config);
    case "MutatingWebhookConfiguration jobset-mutating-webhook-configuration":
    case "ValidatingWebhookConfiguration jobset-validating-webhook-configuration":
      return webhookConfiguration(object, options);
    default:
      return object;
  }
}

/** What keeping the CA bundles injected takes; cert-manager does it by itself. */
function webhookRules(): readonly unknown[] {
  return asArray(parse(PARTS.rbacWebhookRules));
}

/** The mounted file does not follow the ConfigMap: Pods of another configuration are other Pods. */
function deployment(
  object: JsonObject,
  { image, imagePullSecret, replicas, hasCertManager }: InstallOptions,
  config: string,
): JsonObject {
  const spec = asObject(object["spec"]) ?? {};
  const template = asObject(spec["template"]) ?? {};
  const podSpec = asObject(template["spec"]) ?? {};
  const container = asObject(asArray(podSpec["containers"])[0]) ?? {};
  const folders = hasCertManager ? CERTIFICATE_FOLDERS : [];
  const mounts = folders.map(([name, , mountPath]) => ({ name, mountPath, readOnly: true }));
  const volumes = folders.map(([name, secretName]) => ({ name, secret: { secretName } }));
  const newPodSpec: JsonObject = {
    ...podSpec,
    ...(imagePullSecret === undefined ? {} : { imagePullSecrets: [{ name: imagePullSecret }] }),
    containers: [{ ...container, image, volumeMounts: [...asArray(container["volumeMounts"]), ...mounts] }],
    volumes: [...asArray(podSpec["volumes"]), ...volumes],
  };
  const metadata = asObject(template["metadata"]) ?? {};
  const checksum = createHash("sha256").update(config).digest("hex");
  const annotations = { ...asStringMap(metadata["annotations"]), "checksum/config": checksum };
  const newTemplate = { metadata: { ...metadata, annotations }, spec: newPodSpec };
  return { ...object, spec: { ...spec, replicas, template: newTemplate } };
}

function webhookConfiguration(
  object: JsonObject,
  { namespace, hasCertManager, webhookUrl }: InstallOptions,
): JsonObject {
  const annotations = { "cert-manager.io/inject-ca-from": `${namespace}/jobset-serving-cert` };
  const metadata = asObject(object["metadata"]) ?? {};
  const withCa = hasCertManager ? { ...object, metadata: { ...metadata, annotations } } : object;
  if (webhookUrl === undefined) return withCa;
  const webhooks = asArray(object["webhooks"]).map((webhook) => {
    const path = asString(at(webhook, "clientConfig", "service", "path")) ?? "";
    return { ...asObject(webhook), clientConfig: { url: webhookUrl + path } };
  });
  return { ...withCa, webhooks };
}

function withLabels(object: JsonObject): JsonObject {
  const metadata = asObject(object["metadata"]) ?? {};
  if (object["kind"] === "Namespace" && metadata["name"] !== DEFAULT_NAMESPACE) return object;
  return { ...object, metadata: { ...metadata, labels: { ...LABELS, ...asStringMap(metadata["labels"]) } } };
}
