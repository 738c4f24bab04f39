import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { parseAllDocuments } from "yaml";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { installObjects } from "../../src/install/install_objects.ts";
import { defaultInstallOptions } from "../../src/install/install_options.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { CRD, DEPLOYMENT, InstallServer, lifeOf, MUTATING, NAMESPACE } from "./install_server.ts";

const START_MS = 20 * 60_000;
const OLD_SELECTOR = { "control-plane": "controller-manager" };

let server: InstallServer;

beforeAll(async () => {
  server = await InstallServer.start();
}, START_MS);
afterEach(() => server.empty(), START_MS);
afterAll(() => server.stop(), START_MS);

/** What `jobset manifests` prints, changed to be another's, as a file. */
async function othersManifest(change: (object: JsonObject) => readonly JsonObject[]): Promise<string> {
  const text = await Bun.file(await server.manifest()).text();
  const objects = parseAllDocuments(text).map((document) => asObject(document.toJS()) ?? {});
  const file = `${server.controlPlane.dir}/others-${crypto.randomUUID()}.yaml`;
  await Bun.write(file, objects.flatMap(change).map((object) => JSON.stringify(object)).join("\n---\n"));
  return file;
}

function containerOf(deployment: JsonObject): JsonObject {
  return asObject(asArray(at(deployment, "spec", "template", "spec", "containers"))[0]) ?? {};
}

function withPods(object: JsonObject, labels: object, containers: readonly JsonObject[]): JsonObject {
  const template = { metadata: { labels }, spec: { ...asObject(at(object, "spec", "template", "spec")), containers } };
  return { ...object, spec: { ...asObject(object["spec"]), selector: { matchLabels: labels }, template } };
}

/** In the form of a reference installation: its own image and arguments, its webhook for Pods without conditions, and one of old. */
function reference(
  labels: object | undefined,
  sidecars: readonly JsonObject[],
): (object: JsonObject) => readonly JsonObject[] {
  return (object) => {
    if (object["kind"] === "Deployment") {
      const selector = labels ?? asObject(at(object, "spec", "selector", "matchLabels")) ?? {};
      const args = ["--config=/controller_manager_config.yaml", "--zap-log-level=2", "--older-flag"];
      const env = [{ name: "OLDER", value: "1" }];
      const manager = { ...containerOf(object), image: "registry.example/other/jobset:v0.11.1", args, env, tty: true };
      return [withPods(object, selector, [manager, ...sidecars])];
    }
    if (object["kind"] !== "MutatingWebhookConfiguration") return [object];
    const [webhook, podWebhook] = asArray(object["webhooks"]);
    const rules = [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"], scope: "*" }];
    const { matchConditions: _, ...bare } = asObject(podWebhook) ?? {};
    const theirs = { ...bare, rules, reinvocationPolicy: "Never", timeoutSeconds: 30 };
    const older = { ...theirs, name: "older.kb.io" };
    return [{ ...object, webhooks: [webhook, older, theirs] }];
  };
}

/** JobSets that run meanwhile; made before there are webhooks that nobody serves here. */
async function running(): Promise<readonly string[]> {
  await server.controlPlane.mustKubectl(["apply", "-f", await server.manifest("--crds-only")]);
  await waitFor("the CRD to be served", {
    timeoutMs: 30_000,
    check: async () => (await server.api.request("GET", "/apis/jobset.x-k8s.io/v1alpha2/jobsets")).code === 200,
  });
  const made = await Promise.all([server.createJobSet(), server.createJobSet()]);
  return made.flatMap(({ jobSet, job }) => [jobSet, job]);
}

describe("over an installation in the reference's form", () => {
  const kubectl: readonly (readonly [string, readonly string[]])[] = [
    ["kubectl apply", ["apply"]],
    ["kubectl apply --server-side", ["apply", "--server-side"]],
    ["kubectl create", ["create"]],
  ];
  for (const [how, command] of kubectl) {
    test(`made by ${how}, install changes no JobSet and no Job, and leaves no webhook but ours`, async () => {
      const paths = await running();
      const file = await othersManifest(reference(undefined, []));
      const files = command[0] === "create"
        ? [await othersManifest((o) => isCrd(o) ? [] : reference(undefined, [])(o))]
        : [file];
      await server.controlPlane.mustKubectl([...command, ...files.flatMap((path) => ["-f", path])]);
      const before = { life: await lifeOf(server, paths), deployment: await server.uid(DEPLOYMENT) };
      await server.must("install");
      expect(await lifeOf(server, paths)).toEqual(before.life);
      expect(await server.uid(DEPLOYMENT)).toBe(before.deployment);
      const webhooks = asArray((await server.api.get(MUTATING))["webhooks"]);
      expect(webhooks.map((webhook) => at(webhook, "name"))).toEqual(["mjobset.kb.io", "mpod.kb.io"]);
      const [ours] = installObjects(defaultInstallOptions("0.0.0")).filter(({ kind }) =>
        kind === "MutatingWebhookConfiguration"
      );
      expect(webhooks).toMatchObject(asArray(ours?.["webhooks"]).map((webhook) => asObject(webhook) ?? {}));
      const container = containerOf(await server.api.get(DEPLOYMENT));
      expect(asString(container["image"])).toStartWith("localhost/jobset-lite/jobset:v");
      expect(container["args"]).toEqual(["--config=/controller_manager_config.yaml", "--zap-log-level=2"]);
      expect(asArray(container["env"]).map((entry) => at(entry, "name"))).toEqual(["POD_NAMESPACE"]);
      expect(container["tty"]).toBeUndefined();
      const again = await server.must("install");
      expect(again).not.toContain(": configured");
    });
  }

  test("of an older selector, with a sidecar: the Deployment is replaced, all else taken over", async () => {
    const paths = await running();
    const sidecar = { name: "kube-rbac-proxy", image: "registry.example/proxy:v1" };
    await server.controlPlane.mustKubectl(["apply", "-f", await othersManifest(reference(OLD_SELECTOR, [sidecar]))]);
    const before = {
      life: await lifeOf(server, paths),
      deployment: await server.uid(DEPLOYMENT),
      crd: await server.uid(CRD),
    };
    const out = await server.must("install");
    expect(out).toContain("has the form of an older installation: it is replaced");
    expect(await lifeOf(server, paths)).toEqual(before.life);
    expect(await server.uid(CRD)).toBe(before.crd);
    expect(await server.uid(DEPLOYMENT)).not.toBe(before.deployment);
    const pods = await server.api.list(`/api/v1/namespaces/${NAMESPACE}/pods`);
    expect(pods.flatMap((pod) => asArray(at(pod, "spec", "containers")).map((entry) => at(entry, "name")))).toEqual([
      "manager",
    ]);
  });
});

describe("over a Helm release", () => {
  const annotations = { "meta.helm.sh/release-name": "jobset", "meta.helm.sh/release-namespace": NAMESPACE };
  const labels = { "app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/name": "jobset" };
  const renamed: Readonly<Record<string, string>> = {
    "Deployment jobset-controller-manager": "jobset-controller",
    "ServiceAccount jobset-controller-manager": "jobset-controller",
    "ClusterRole jobset-manager-role": "jobset-controller",
    "ConfigMap jobset-manager-config": "jobset-controller-config",
  };
  const helms = (object: JsonObject): readonly JsonObject[] => {
    const metadata = asObject(object["metadata"]) ?? {};
    const name = renamed[`${object["kind"]} ${asString(metadata["name"])}`] ?? metadata["name"];
    const marked = { ...object, metadata: { ...metadata, name, labels, ...(isCrd(object) ? {} : { annotations }) } };
    return [
      object["kind"] === "Deployment"
        ? withPods(marked, labels, [{ ...containerOf(object), name: "controller" }])
        : marked,
    ];
  };
  const CONFIG = "apiVersion: config.jobset.x-k8s.io/v1alpha1\nkind: Configuration\nclientConnection: {qps: 7}\n";
  const HELM_DEPLOYMENT = DEPLOYMENT.replace("jobset-controller-manager", "jobset-controller");

  test("takes over only with --replace-helm, ends the other controller first, and Helm forgets the release", async () => {
    const paths = await running();
    await server.controlPlane.mustKubectl(["apply", "-f", await othersManifest(helms)]);
    const record = {
      name: "sh.helm.release.v1.jobset.v1",
      namespace: NAMESPACE,
      labels: { owner: "helm", name: "jobset" },
    };
    await server.api.create(`/api/v1/namespaces/${NAMESPACE}/secrets`, {
      apiVersion: "v1",
      kind: "Secret",
      type: "helm.sh/release.v1",
      metadata: record,
    });
    const life = await lifeOf(server, paths);
    const refused = await server.jobset("install");
    expect(refused.error).toContain("Helm release jobset in namespace jobset-system runs a JobSet controller");
    expect(refused.error).toContain("--replace-helm");
    expect((await server.jobset("uninstall")).error).toContain("helm uninstall jobset --namespace jobset-system");
    expect(await server.find(HELM_DEPLOYMENT)).toBeDefined();
    expect(await server.find(DEPLOYMENT)).toBeUndefined();
    const config = `/api/v1/namespaces/${NAMESPACE}/configmaps/jobset-controller-config`;
    await server.api.patch(config, { data: { "controller_manager_config.yaml": CONFIG } });
    await server.api.patch(HELM_DEPLOYMENT, { spec: { replicas: 2 } });

    const out = await server.must("install", "--replace-helm");
    const ended = out.indexOf("Deployment jobset-system/jobset-controller: deleted");
    expect(ended).toBeGreaterThan(0);
    expect(out.indexOf("Deployment jobset-system/jobset-controller-manager: created")).toBeGreaterThan(ended);
    expect(await lifeOf(server, paths)).toEqual(life);
    const taken = await server.api.get(`/api/v1/namespaces/${NAMESPACE}/configmaps/jobset-manager-config`);
    expect(at(taken, "data", "controller_manager_config.yaml")).toBe(CONFIG);
    expect(at(await server.api.get(DEPLOYMENT), "spec", "replicas")).toBe(2);
    const gone = [
      HELM_DEPLOYMENT,
      `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/jobset-controller`,
      `/api/v1/namespaces/${NAMESPACE}/configmaps/jobset-controller-config`,
      "/apis/rbac.authorization.k8s.io/v1/clusterroles/jobset-controller",
      `/api/v1/namespaces/${NAMESPACE}/secrets/${record.name}`,
    ];
    for (const path of gone) expect(await server.find(path)).toBeUndefined();
    const webhookService = await server.api.get(`/api/v1/namespaces/${NAMESPACE}/services/jobset-webhook-service`);
    expect(at(webhookService, "metadata", "annotations")).toBeUndefined();
    expect(at(webhookService, "spec", "selector")).toHaveProperty("control-plane");
  });

  test("leaves a release alone that is more than JobSet", async () => {
    const metadata = { name: "trainer-manager", namespace: NAMESPACE, annotations };
    const labels = { "app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/name": "trainer" };
    await server.controlPlane.mustKubectl(["apply", "-f", await othersManifest(helms)]);
    await server.api.create(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { ...metadata, labels },
    });
    const { error } = await server.jobset("install", "--replace-helm");
    expect(error).toContain(`beside other things (ServiceAccount ${NAMESPACE}/trainer-manager)`);
    expect(await server.find(HELM_DEPLOYMENT)).toBeDefined();
    expect(await server.find(DEPLOYMENT)).toBeUndefined();
    await server.api.delete(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts/trainer-manager`);
    await server.must("install", "--replace-helm", "--wait=false");
  });
});

function isCrd(object: JsonObject): boolean {
  return object["kind"] === "CustomResourceDefinition";
}
