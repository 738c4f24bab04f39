/** The Helm chart against `jobset manifests`: equal but for the names of spec 6.5. Long, as helm is built once. */
import { beforeAll, describe, expect, test } from "bun:test";
import { parse, parseAllDocuments } from "yaml";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { crdObject, installObjects } from "../../src/install/install_objects.ts";
import { defaultInstallOptions, type InstallOptions } from "../../src/install/install_options.ts";
import { CONFIG_KEY } from "../../src/install/manager_config.ts";
import { thisVersion } from "../../src/base/version.ts";
import { findHelm } from "../../scripts/helm.ts";

const CHART = new URL("../../charts/jobset", import.meta.url).pathname;
const BUILD_MS = 30 * 60_000;

let helm: Awaited<ReturnType<typeof findHelm>>;

beforeAll(async () => {
  helm = await findHelm((line) => console.log(line));
  if ("missing" in helm) console.log(`the chart is not compared: ${helm.missing}`);
}, BUILD_MS);

/** The names of the manifest as the chart has them. */
const RENAMED: Readonly<Record<string, string>> = {
  "jobset-controller-manager": "jobset-controller",
  "jobset-manager-role": "jobset-controller",
  "jobset-manager-rolebinding": "jobset-controller",
  "jobset-manager-config": "jobset-controller-config",
  "jobset-controller-manager-metrics-service": "jobset-metrics-service",
  "manager": "controller",
};
/** What only a chart has, or each has in its own words. */
const LABELS = ["app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart"];
const ANNOTATIONS = ["checksum/config", "helm.sh/resource-policy"];

async function render(
  ...flags: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
  if ("missing" in helm) throw new Error(helm.missing);
  const release = flags.some((flag) => flag.startsWith("--name-template=")) ? [] : ["jobset"];
  const child = Bun.spawn([helm.path, "template", ...release, CHART, "--namespace", "jobset-system", ...flags], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, error };
}

async function rendered(...flags: readonly string[]): Promise<readonly JsonObject[]> {
  const { code, out, error } = await render(...flags);
  if (code !== 0) throw new Error(error);
  return parseAllDocuments(out).map((document) => asObject(document.toJS())).filter((object) => object !== undefined);
}

/** By kind and name, in the chart's names, without what each has in its own words. */
function comparable(objects: readonly JsonObject[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    objects.filter((object) => object["kind"] !== "Namespace").map((object) => {
      const plain = asObject(normal(object)) ?? {};
      return [`${plain["kind"]} ${asString(at(plain, "metadata", "name"))}`, plain];
    }),
  );
}

function normal(value: unknown, key = ""): unknown {
  if (key === "app.kubernetes.io/managed-by") return undefined;
  if (typeof value === "string") return normalText(value, key);
  if (Array.isArray(value)) return value.map((entry) => normal(entry, key));
  const object = asObject(value);
  if (object === undefined) return value;
  const dropped = key === "annotations" ? ANNOTATIONS : LABELS;
  const entries = Object.entries(object).filter(([name]) => !dropped.includes(name))
    .map(([name, entry]) => [name, normal(entry, name)] as const)
    .filter(([name, entry]) => !(name === "annotations" && Object.keys(asObject(entry) ?? {}).length === 0));
  return Object.fromEntries(entries);
}

function normalText(text: string, key: string): unknown {
  if (key === CONFIG_KEY) return parse(text);
  if (key === "dnsNames") return text.replace("jobset-controller-manager-metrics-service", "jobset-metrics-service");
  return RENAMED[text] ?? text;
}

function manifest(choices: Partial<InstallOptions> = {}): Readonly<Record<string, unknown>> {
  const options = { ...defaultInstallOptions(thisVersion().version), ...choices };
  return comparable([...installObjects(options), crdObject()]);
}

/** A test that passes, its reason told above, where helm is not to be had. */
function chartTest(name: string, body: () => Promise<void>): void {
  test(name, async () => {
    if (!("missing" in helm)) await body();
  });
}

describe("the Helm chart", () => {
  chartTest("is the manifest, under the names of the reference's chart", async () => {
    expect(comparable(await rendered())).toEqual(manifest());
  });

  chartTest("is the manifest with each choice that both have", async () => {
    expect(comparable(await rendered("--set", "certManager.enable=true", "--set", "prometheus.enable=true"))).toEqual(
      manifest({ hasCertManager: true, hasPrometheus: true }),
    );
    const flags = [
      "image.registry=registry.example",
      "image.repository=a/jobset",
      "image.tag=v9",
      "controller.replicas=3",
    ];
    const gates = ["controller.featureGates.RestartJob=true", "image.pullSecrets[0].name=pull"];
    expect(comparable(await rendered(...[...flags, ...gates].flatMap((flag) => ["--set", flag])))).toEqual(
      manifest({
        image: "registry.example/a/jobset:v9",
        imagePullSecret: "pull",
        replicas: 3,
        featureGates: { RestartJob: true },
      }),
    );
  });

  chartTest("has the names that its users know", async () => {
    const objects = await rendered();
    const names = objects.map((object) => `${object["kind"]} ${asString(at(object, "metadata", "name"))}`);
    for (
      const name of [
        "Deployment jobset-controller",
        "ServiceAccount jobset-controller",
        "ClusterRole jobset-controller",
        "ConfigMap jobset-controller-config",
        "Service jobset-metrics-service",
        "Service jobset-webhook-service",
      ]
    ) expect(names).toContain(name);
    const deployment = objects.find((object) => object["kind"] === "Deployment");
    const containers = asArray(at(deployment, "spec", "template", "spec", "containers"));
    expect(containers.map((container) => at(container, "name"))).toEqual(["controller"]);
  });

  chartTest("keeps the CRD when the release goes", async () => {
    const crds = (await rendered()).filter((object) => object["kind"] === "CustomResourceDefinition");
    expect(crds.map((crd) => at(crd, "metadata", "annotations"))).toEqual([{ "helm.sh/resource-policy": "keep" }]);
  });

  chartTest("puts every value of the controller where it belongs", async () => {
    const values = {
      controller: {
        leaderElection: { enable: false },
        clientConnection: { qps: 7, burst: 9 },
        env: [{ name: "HTTPS_PROXY", value: "http://proxy:3128" }],
        envFrom: [{ secretRef: { name: "more" } }],
        resources: { limits: { memory: "1Gi" } },
        hostNetwork: true,
        nodeSelector: { role: "head" },
        tolerations: [{ operator: "Exists" }],
        affinity: { nodeAffinity: {} },
        priorityClassName: "system-cluster-critical",
        podLabels: { team: "batch" },
        podDisruptionBudget: { enable: true, minAvailable: null, maxUnavailable: 1 },
      },
    };
    const objects = await rendered(
      ...Object.entries(values.controller).flatMap(([name, value]) => {
        return ["--set-json", `controller.${name}=${JSON.stringify(value)}`];
      }),
    );
    const find = (kind: string) => objects.find((object) => object["kind"] === kind);
    const template = at(find("Deployment"), "spec", "template");
    expect(template).toMatchObject({
      metadata: { labels: { team: "batch" } },
      spec: {
        hostNetwork: true,
        dnsPolicy: "ClusterFirstWithHostNet",
        nodeSelector: { role: "head" },
        tolerations: [{ operator: "Exists" }],
        affinity: { nodeAffinity: {} },
        priorityClassName: "system-cluster-critical",
      },
    });
    const [container] = asArray(at(template, "spec", "containers"));
    expect(asArray(at(container, "env"))).toContainEqual({ name: "HTTPS_PROXY", value: "http://proxy:3128" });
    expect(at(container, "envFrom")).toEqual([{ secretRef: { name: "more" } }]);
    expect(at(container, "resources", "limits")).toEqual({ memory: "1Gi" });
    expect(at(find("PodDisruptionBudget"), "spec")).toMatchObject({ maxUnavailable: 1 });
    const config: unknown = parse(asString(at(find("ConfigMap"), "data", CONFIG_KEY)) ?? "");
    expect(config).toMatchObject({ leaderElection: { leaderElect: false }, clientConnection: { qps: 7, burst: 9 } });
    // Without a lease no second Pod may be beside the first.
    expect(at(find("Deployment"), "spec", "strategy")).toEqual({ type: "Recreate", rollingUpdate: null });
  });

  chartTest("takes an issuer of the user's own", async () => {
    const flags = ["--set", "certManager.enable=true", "--set", "certManager.issuerRef.kind=ClusterIssuer"];
    const objects = await rendered(...flags, "--set", "certManager.issuerRef.name=ca");
    expect(objects.some((object) => object["kind"] === "Issuer")).toBe(false);
    const references = objects.filter((object) => object["kind"] === "Certificate").map((object) =>
      at(object, "spec", "issuerRef")
    );
    expect(references).toEqual([{ kind: "ClusterIssuer", name: "ca" }, { kind: "ClusterIssuer", name: "ca" }]);
  });

  chartTest("under another release's name still names its own Secret and Service everywhere", async () => {
    const objects = await rendered("--name-template=other", "--namespace=ops");
    const find = (kind: string, name: string) =>
      objects.find((object) => object["kind"] === kind && at(object, "metadata", "name") === name);
    const config: unknown = parse(
      asString(at(find("ConfigMap", "other-jobset-controller-config"), "data", CONFIG_KEY)) ?? "",
    );
    expect(at(config, "internalCertManagement", "webhookSecretName")).toBe("other-jobset-webhook-server-cert");
    expect(find("Secret", "other-jobset-webhook-server-cert")).toBeDefined();
    const rules = asArray(at(find("Role", "other-jobset-manager-secrets-role"), "rules"));
    expect(rules.flatMap((rule) => asArray(at(rule, "resourceNames")))).toEqual(["other-jobset-webhook-server-cert"]);
    const [webhook] = asArray(
      at(find("MutatingWebhookConfiguration", "jobset-mutating-webhook-configuration"), "webhooks"),
    );
    expect(at(webhook, "clientConfig", "service")).toMatchObject({
      name: "other-jobset-webhook-service",
      namespace: "ops",
    });
    expect(find("Service", "other-jobset-webhook-service")).toBeDefined();
    expect(JSON.stringify(objects)).not.toContain("jobset-system");
  });

  chartTest("refuses replicas that nobody elects a leader of", async () => {
    const { code, error } = await render(
      "--set",
      "controller.replicas=2",
      "--set",
      "controller.leaderElection.enable=false",
    );
    expect(error).toContain("controller.replicas: more than one needs controller.leaderElection.enable");
    expect(code).not.toBe(0);
  });
});
