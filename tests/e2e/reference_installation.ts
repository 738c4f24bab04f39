/** An installation in the reference controller's form (spec 6.5), made from ours: its names, with what it has otherwise. */
import { parseAllDocuments } from "yaml";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { certificateMaker } from "../../src/certs/certificate_maker.ts";

/** Since 0.11 the reference has the selector that we have; before, one that can't be changed into it. */
export type Age = "current" | "older";

const COMMON = {
  "app.kubernetes.io/name": "jobset",
  "app.kubernetes.io/instance": "jobset",
  "app.kubernetes.io/managed-by": "kustomize",
};
const OLDER = { "control-plane": "controller-manager" };
/** What the reference may do and we need not. */
const MORE_RULES = [
  { apiGroups: [""], resources: ["pods", "nodes"], verbs: ["get", "list", "watch", "update", "patch"] },
  { apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch", "update"] },
  { apiGroups: ["jobset.x-k8s.io"], resources: ["jobsets"], verbs: ["create", "patch", "update"] },
];

/** The objects of the installation. */
export function referenceManifest(binary: string, age: Age): readonly JsonObject[] {
  const text = Bun.spawnSync([binary, "manifests"]).stdout.toString();
  const objects = parseAllDocuments(text).map((document) => asObject(document.toJS()) ?? {});
  return objects.map((object) => changed(object, age));
}

/** What the reference fills its Secret with; its manifest declares it empty. */
export async function referenceSecret(): Promise<JsonObject> {
  const issuer = await certificateMaker.makeAuthority(Date.now());
  const names = ["jobset-webhook-service.jobset-system.svc"];
  const server = await certificateMaker.makeServer({ issuer, names, nowMs: Date.now() });
  return {
    "ca.crt": btoa(issuer.certPem),
    "ca.key": btoa(issuer.keyPem),
    "tls.crt": btoa(server.certPem),
    "tls.key": btoa(server.keyPem),
  };
}

function changed(object: JsonObject, age: Age): JsonObject {
  const metadata = asObject(object["metadata"]) ?? {};
  const labelled = { ...object, metadata: { ...metadata, labels: { ...COMMON, ...asObject(metadata["labels"]) } } };
  switch (object["kind"]) {
    case "CustomResourceDefinition":
      return { ...labelled, spec: withoutNewest(asObject(object["spec"]) ?? {}) };
    case "ClusterRole":
      return metadata["name"] === "jobset-manager-role"
        ? { ...labelled, rules: [...asArray(object["rules"]), ...MORE_RULES] }
        : labelled;
    case "Service":
      return age === "older" ? { ...labelled, spec: { ...asObject(object["spec"]), selector: OLDER } } : labelled;
    case "Deployment":
      return { ...labelled, spec: deploymentSpec(object, age) };
    case "MutatingWebhookConfiguration":
    case "ValidatingWebhookConfiguration":
      return withPods(labelled, age);
    default:
      return labelled;
  }
}

/** A released CRD, which does not have our newest field of the status. */
function withoutNewest(spec: JsonObject): JsonObject {
  const copy = structuredClone(spec);
  const status = at(asArray(copy["versions"])[0], "schema", "openAPIV3Schema", "properties", "status", "properties");
  const properties = asObject(status) ?? {};
  if (!Reflect.deleteProperty(properties, "executionAttempts")) throw new Error("the CRD has no executionAttempts");
  return copy;
}

function deploymentSpec(deployment: JsonObject, age: Age): JsonObject {
  const spec = asObject(deployment["spec"]) ?? {};
  const podSpec = asObject(at(spec, "template", "spec")) ?? {};
  const [container] = asArray(podSpec["containers"]);
  const manager = {
    ...asObject(container),
    image: "registry.example/jobset/jobset:v0.12.0",
    resources: { requests: { cpu: "500m", memory: "128Mi" }, limits: { cpu: "2", memory: "4Gi" } },
    volumeMounts: [
      ...asArray(at(container, "volumeMounts")),
      { name: "cert", mountPath: "/tmp/k8s-webhook-server/serving-certs", readOnly: true },
    ],
  };
  const proxy = { name: "kube-rbac-proxy", image: "registry.example/kube-rbac-proxy:v0.13.1" };
  const labels = age === "older" ? OLDER : asObject(at(spec, "selector", "matchLabels"));
  const volumes = [
    ...asArray(podSpec["volumes"]),
    { name: "cert", secret: { defaultMode: 420, secretName: "jobset-webhook-server-cert" } },
  ];
  return {
    ...spec,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        ...podSpec,
        terminationGracePeriodSeconds: 10,
        containers: age === "older" ? [manager, proxy] : [manager],
        volumes,
      },
    },
  };
}

/** The reference's webhooks for Pods: called for each Pod of a JobSet. An older one had others. */
function withPods(configuration: JsonObject, age: Age): JsonObject {
  const rules = [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"], scope: "*" }];
  const [webhook, ours] = asArray(configuration["webhooks"]).map((entry) => asObject(entry) ?? {});
  const { matchConditions: _, reinvocationPolicy: __, ...bare } = ours ?? {};
  const theirs = { ...bare, rules };
  const older = age === "older" ? [{ ...theirs, name: `older-${asString(bare["name"])}` }] : [];
  return { ...configuration, webhooks: [webhook, theirs, ...older] };
}

/** The lease as a replica of the reference holds it, renewed so long ago. */
export function referenceLease(holderIdentity: string, ageMs: number): JsonObject {
  const renewTime = new Date(Date.now() - ageMs).toISOString().replace("Z", "000Z");
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "6d4f6a47.jobset.x-k8s.io", namespace: "jobset-system" },
    spec: { holderIdentity, leaseDurationSeconds: 15, acquireTime: renewTime, renewTime, leaseTransitions: 3 },
  };
}

/** The names of the webhooks in a configuration, and of the conditions under which they are called. */
export function webhookNames(configuration: JsonObject): readonly string[] {
  return asArray(configuration["webhooks"]).map((webhook) => {
    const conditions = asArray(at(webhook, "matchConditions")).map((condition) => asString(at(condition, "name")));
    return [asString(at(webhook, "name")), ...conditions].join(" ");
  });
}
