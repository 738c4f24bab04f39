import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import { asArray, asObject, asString, asStringMap, at, type JsonObject } from "../base/json.ts";
import { installObjects } from "./install_objects.ts";
import { defaultInstallOptions, type InstallOptions, readInstallOptions } from "./install_options.ts";
import { nameOf } from "./resource_path.ts";

const DEFAULTS = defaultInstallOptions("1.2.3");
const SELECTOR = {
  "control-plane": "controller-manager",
  "app.kubernetes.io/name": "jobset",
  "app.kubernetes.io/instance": "jobset",
  "app.kubernetes.io/managed-by": "kustomize",
};
/** As users and other products hardcode them (spec 6.5, I1). */
const NAMES = [
  "Namespace jobset-system",
  "ServiceAccount jobset-controller-manager",
  "ClusterRole jobset-manager-role",
  "ClusterRoleBinding jobset-manager-rolebinding",
  "Role jobset-leader-election-role",
  "RoleBinding jobset-leader-election-rolebinding",
  "Role jobset-manager-secrets-role",
  "RoleBinding jobset-manager-secrets-rolebinding",
  "ClusterRole jobset-proxy-role",
  "ClusterRoleBinding jobset-proxy-rolebinding",
  "ClusterRole jobset-metrics-reader",
  "ClusterRoleBinding jobset-metrics-reader-rolebinding",
  "ClusterRole jobset-editor-role",
  "ClusterRole jobset-viewer-role",
  "ConfigMap jobset-manager-config",
  "Secret jobset-webhook-server-cert",
  "Service jobset-webhook-service",
  "Service jobset-controller-manager-metrics-service",
  "Deployment jobset-controller-manager",
  "MutatingWebhookConfiguration jobset-mutating-webhook-configuration",
  "ValidatingWebhookConfiguration jobset-validating-webhook-configuration",
];

function objects(flags: Readonly<Record<string, string>> = {}): readonly JsonObject[] {
  return installObjects(readInstallOptions(flags, DEFAULTS));
}

function names(found: readonly JsonObject[]): readonly string[] {
  return found.map(nameOf).map(({ kind, name }) => `${kind} ${name}`);
}

function get(found: readonly JsonObject[], name: string): JsonObject {
  const object = found.find((candidate) => names([candidate])[0] === name);
  if (object === undefined) throw new Error(`no ${name} among ${names(found).join(", ")}`);
  return object;
}

function rules(found: readonly JsonObject[]): readonly { readonly kind: string; readonly rule: JsonObject }[] {
  const own = found.filter((object) => !/editor|viewer|metrics-reader|prometheus/.test(nameOf(object).name));
  return own.flatMap((object) =>
    asArray(object["rules"]).map((rule) => ({ kind: nameOf(object).kind, rule: asObject(rule) ?? {} }))
  );
}

function grants(
  { rule }: { readonly rule: JsonObject },
  group: string,
  resource: string,
  verbs: readonly string[],
): boolean {
  const has = (field: string, ...values: readonly string[]) =>
    asArray(rule[field]).some((entry) => values.includes(asString(entry) ?? "") || entry === "*");
  return has("apiGroups", group) && has("resources", resource) && has("verbs", ...verbs);
}

const config = (found: readonly JsonObject[]): unknown =>
  parse(asString(at(get(found, "ConfigMap jobset-manager-config"), "data", "controller_manager_config.yaml")) ?? "");

describe("the install manifest", () => {
  test("has the names that others hardcode, in an order that can be applied", () => {
    expect(names(objects())).toEqual(NAMES);
    const more = names(objects({ "cert-manager": "true", prometheus: "true" }));
    for (
      const name of [
        "Issuer jobset-selfsigned-issuer",
        "Certificate jobset-serving-cert",
        "Certificate jobset-metrics-cert",
        "ServiceMonitor controller-manager-metrics-monitor",
        "Role prometheus-k8s",
        "RoleBinding prometheus-k8s",
      ]
    ) expect(more).toContain(name);
  });

  test("selects by the labels that the reference has had since 0.11", () => {
    const found = objects();
    const deployment = get(found, "Deployment jobset-controller-manager");
    expect(at(deployment, "spec", "selector", "matchLabels")).toEqual(SELECTOR);
    expect(at(deployment, "spec", "template", "metadata", "labels")).toEqual(SELECTOR);
    for (const name of ["jobset-webhook-service", "jobset-controller-manager-metrics-service"]) {
      expect(at(get(found, `Service ${name}`), "spec", "selector")).toEqual(SELECTOR);
    }
  });

  test("runs one locked-down container with the ports, probes and grace period that are documented", () => {
    const deployment = get(objects(), "Deployment jobset-controller-manager");
    const podSpec = at(deployment, "spec", "template", "spec");
    expect(podSpec).toMatchObject({
      serviceAccountName: "jobset-controller-manager",
      terminationGracePeriodSeconds: 30,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      containers: [{
        name: "manager",
        image: "localhost/jobset-lite/jobset:v1.2.3",
        imagePullPolicy: "IfNotPresent",
        command: ["/manager"],
        args: ["--config=/controller_manager_config.yaml", "--zap-log-level=2"],
        ports: [{ name: "metrics", containerPort: 8443 }, { name: "webhook-server", containerPort: 9443 }],
        livenessProbe: { httpGet: { path: "/healthz", port: 8081 } },
        readinessProbe: { httpGet: { path: "/readyz", port: 8081 } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
      }],
    });
  });

  test("declares the Secret without data, so that a re-apply wipes nothing", () => {
    expect(get(objects(), "Secret jobset-webhook-server-cert")).not.toHaveProperty("data");
  });

  test("calls the webhooks as spec 2 and 4.1 say", () => {
    const found = objects();
    const common = { failurePolicy: "Fail", sideEffects: "None", timeoutSeconds: 10, admissionReviewVersions: ["v1"] };
    const rule = { apiGroups: ["jobset.x-k8s.io"], apiVersions: ["v1alpha2"], resources: ["jobsets"] };
    const service = { name: "jobset-webhook-service", namespace: "jobset-system", port: 443 };
    const pods = (name: string, path: string) => ({
      ...common,
      name,
      clientConfig: { service: { ...service, path } },
      rules: [{
        apiGroups: [""],
        apiVersions: ["v1"],
        operations: ["CREATE"],
        resources: ["pods"],
        scope: "Namespaced",
      }],
      objectSelector: { matchExpressions: [{ key: "jobset.sigs.k8s.io/jobset-name", operator: "Exists" }] },
    });
    expect(get(found, "MutatingWebhookConfiguration jobset-mutating-webhook-configuration")["webhooks"]).toMatchObject([
      {
        ...common,
        name: "mjobset.kb.io",
        clientConfig: { service: { ...service, path: "/mutate-jobset-x-k8s-io-v1alpha2-jobset" } },
        rules: [{ ...rule, operations: ["CREATE"] }],
      },
      pods("mpod.kb.io", "/mutate--v1-pod"),
    ]);
    expect(get(found, "ValidatingWebhookConfiguration jobset-validating-webhook-configuration")["webhooks"])
      .toMatchObject([{
        ...common,
        name: "vjobset.kb.io",
        clientConfig: { service: { ...service, path: "/validate-jobset-x-k8s-io-v1alpha2-jobset" } },
        rules: [{ ...rule, operations: ["CREATE", "UPDATE"] }],
      }, pods("vpod.kb.io", "/validate--v1-pod")]);
  });
});

describe("the manifest's choices", () => {
  test("another namespace takes everything along (R58)", () => {
    const flags = { namespace: "batch-ops", "cert-manager": "true", prometheus: "true" };
    const found = objects(flags);
    expect(JSON.stringify(found)).not.toContain("jobset-system");
    for (const object of found) {
      const { kind, namespace } = nameOf(object);
      if (namespace !== undefined) expect(`${kind} ${namespace}`).toBe(`${kind} batch-ops`);
    }
    const own = found.flatMap((object) => asArray(object["subjects"]))
      .filter((subject) => at(subject, "name") === "jobset-controller-manager");
    expect(own.length).toBeGreaterThan(0);
    for (const subject of own) expect(at(subject, "namespace")).toBe("batch-ops");
  });

  test("a namespace that others use is not marked as ours, and can be left out", () => {
    expect(at(get(objects({ namespace: "batch-ops" }), "Namespace batch-ops"), "metadata")).toEqual({
      name: "batch-ops",
    });
    expect(names(objects({ namespace: "batch-ops", "skip-namespace": "true" }))).not.toContain("Namespace batch-ops");
  });

  test("in a shared namespace nothing selects another operator's Pods (R58)", () => {
    const selectors = objects({ prometheus: "true" }).flatMap((object) => {
      const selector = at(object, "spec", "selector");
      return selector === undefined ? [] : [asStringMap(at(selector, "matchLabels") ?? selector)];
    });
    expect(selectors).toHaveLength(4);
    for (const selector of selectors) expect(selector).toEqual(SELECTOR);
  });

  test("a webhook URL leaves out Deployment and Services and keeps the rest", () => {
    const found = objects({ "webhook-url": "https://head.example:9443/" });
    expect(names(found)).toEqual(NAMES.filter((name) => !/^(Deployment|Service) /.test(name)));
    const paths = ["mutating", "validating"].map((kind) => {
      const name = `${kind === "mutating" ? "Mutating" : "Validating"}WebhookConfiguration`;
      const { webhooks } = get(found, `${name} jobset-${kind}-webhook-configuration`);
      return asArray(webhooks).map((webhook) => at(webhook, "clientConfig"));
    });
    const at9443 = (path: string) => ({ url: `https://head.example:9443/${path}` });
    expect(paths).toEqual([
      [at9443("mutate-jobset-x-k8s-io-v1alpha2-jobset"), at9443("mutate--v1-pod")],
      [at9443("validate-jobset-x-k8s-io-v1alpha2-jobset"), at9443("validate--v1-pod")],
    ]);
  });

  test("image, pull secret and replicas reach the Deployment", () => {
    const found = objects({ image: "registry.example/jobset:v9", "image-pull-secret": "pull", replicas: "3" });
    const spec = at(get(found, "Deployment jobset-controller-manager"), "spec");
    expect(at(spec, "replicas")).toBe(3);
    expect(at(spec, "template", "spec")).toMatchObject({
      imagePullSecrets: [{ name: "pull" }],
      containers: [{ image: "registry.example/jobset:v9" }],
    });
  });

  test("gates go into the configuration, and everything else in it stays, comments too", () => {
    expect(at(config(objects({ "feature-gates": "RestartJob=true" })), "featureGates")).toEqual({ RestartJob: true });
    expect(config(objects())).not.toHaveProperty("featureGates");
    const base = "# ours\nkind: Configuration\nclientConnection: {qps: 7}\nfeatureGates: {ElasticJobSet: true}\n";
    const options: InstallOptions = { ...DEFAULTS, featureGates: { RestartJob: true } };
    const found = get(installObjects(options, base), "ConfigMap jobset-manager-config");
    const text = asString(at(found, "data", "controller_manager_config.yaml")) ?? "";
    expect(text).toStartWith("# ours\n");
    expect(parse(text)).toEqual({
      kind: "Configuration",
      clientConnection: { qps: 7 },
      featureGates: { ElasticJobSet: true, RestartJob: true },
    });
  });

  test("another configuration starts other Pods, the same one none", () => {
    const template = (flags: Readonly<Record<string, string>>) =>
      at(get(objects(flags), "Deployment jobset-controller-manager"), "spec", "template");
    expect(template({})).toEqual(template({}));
    expect(template({ "feature-gates": "RestartJob=true" })).not.toEqual(template({}));
  });

  test("cert-manager takes over certificates: no Secret, no right to any, files mounted (R55)", () => {
    const found = objects({ "cert-manager": "true" });
    expect(names(found)).not.toContain("Secret jobset-webhook-server-cert");
    expect(at(config(found), "internalCertManagement", "enable")).toBe(false);
    expect(rules(found).some((entry) => grants(entry, "", "secrets", ["create", "get", "list"]))).toBe(false);
    expect(rules(found).some((entry) => JSON.stringify(entry.rule).includes("webhookconfigurations"))).toBe(false);
    const [container] = asArray(
      at(get(found, "Deployment jobset-controller-manager"), "spec", "template", "spec", "containers"),
    );
    const folders = asArray(at(container, "volumeMounts")).map((mount) => at(mount, "mountPath"));
    expect(folders).toContain("/tmp/k8s-webhook-server/serving-certs");
    expect(folders).toContain("/tmp/k8s-metrics-server/serving-certs");
    for (const kind of ["Mutating", "Validating"]) {
      const name = `${kind}WebhookConfiguration jobset-${kind.toLowerCase()}-webhook-configuration`;
      expect(at(get(found, name), "metadata", "annotations")).toEqual({
        "cert-manager.io/inject-ca-from": "jobset-system/jobset-serving-cert",
      });
    }
  });
});

describe("the controller's permissions (R60)", () => {
  const found = rules(objects({ prometheus: "true" }));
  const secrets = found.filter((entry) =>
    grants(entry, "", "secrets", ["get", "list", "watch", "update", "patch", "create"])
  );

  test("no Secrets of the cluster, and of its namespace's but one", () => {
    expect(secrets.map(({ kind }) => kind)).toEqual(["Role", "Role"]);
    for (const { rule } of secrets) {
      const isNamed = Bun.deepEquals(rule["resourceNames"], ["jobset-webhook-server-cert"]);
      expect(isNamed || Bun.deepEquals(rule["verbs"], ["create"])).toBe(true);
    }
  });

  test("no Pods are made, nothing is done to all of a kind at once, nothing is granted by a star", () => {
    expect(found.some((entry) => grants(entry, "", "pods", ["create", "update", "patch"]))).toBe(false);
    expect(JSON.stringify(found)).not.toContain('"*"');
    expect(JSON.stringify(found)).not.toContain("deletecollection");
    expect(JSON.stringify(found)).not.toMatch(/"(escalate|bind|impersonate)"/);
  });

  test("Pods are read, marked and deleted; Nodes and PriorityClasses only read", () => {
    const all = ["get", "list", "watch", "create", "update", "patch", "delete"];
    const verbsOn = (group: string, resource: string) =>
      found.filter((entry) => grants(entry, group, resource, all)).flatMap(({ rule }) => asArray(rule["verbs"]));
    expect(verbsOn("", "pods")).toEqual(["list", "watch", "delete"]);
    expect(verbsOn("", "pods/status")).toEqual(["patch"]);
    expect(verbsOn("", "nodes")).toEqual(["get", "list", "watch"]);
    expect(verbsOn("scheduling.k8s.io", "priorityclasses")).toEqual(["list", "watch"]);
  });

  test("on resume it may write Jobs and their status (R35)", () => {
    expect(found.some((entry) => grants(entry, "batch", "jobs", ["patch"]))).toBe(true);
    expect(found.some((entry) => grants(entry, "batch", "jobs/status", ["patch"]))).toBe(true);
  });

  test("only its own lease and its own webhook configurations can be changed", () => {
    for (
      const [group, resource] of [
        ["coordination.k8s.io", "leases"],
        ["admissionregistration.k8s.io", "mutatingwebhookconfigurations"],
        ["admissionregistration.k8s.io", "validatingwebhookconfigurations"],
      ] as const
    ) {
      const changing = found.filter((entry) => grants(entry, group, resource, ["update", "patch", "delete"]));
      expect(changing).toHaveLength(1);
      for (const { rule } of changing) expect(asArray(rule["resourceNames"])).toHaveLength(1);
    }
  });
});
