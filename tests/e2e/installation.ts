/** The executable as an administrator installs it where Pods have no network: the manifest applied, webhooks by URL. */
import { parse, stringify } from "yaml";
import { asArray, asObject, asString, at } from "../../src/base/json.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { Controller } from "./controller.ts";
import type { Environment } from "./environment.ts";

/** Of the installation. */
export const NAMESPACE = "jobset-system";
const JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2/jobsets";

/** A namespace with this label is left alone by the webhooks: for objects that only a CRD without webhooks lets in. */
export const WEBHOOKS_OFF = { "jobset-lite.test/webhooks": "off" };

const CONFIG_MAP = `/api/v1/namespaces/${NAMESPACE}/configmaps/jobset-manager-config`;
export const CONFIGURATIONS = [
  "mutatingwebhookconfigurations/jobset-mutating-webhook-configuration",
  "validatingwebhookconfigurations/jobset-validating-webhook-configuration",
];

/** Applies what `jobset manifests` prints, as it is. Applying it again changes nothing. */
export async function applyManifest(environment: Environment): Promise<void> {
  const { binary, webhookPort } = environment.description;
  const printed = Bun.spawnSync([binary, "manifests", "--webhook-url", `https://127.0.0.1:${webhookPort}`]);
  if (printed.exitCode !== 0) throw new Error(`print the manifest: ${printed.stderr.toString().trim()}`);
  const flags = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
  await environment.mustKubectl(flags, printed.stdout.toString());
  await waitFor("the CRD to be served", {
    timeoutMs: 30_000,
    check: async () => (await environment.api.request("GET", JOBSETS)).code === 200,
  });
  const selector = Object.entries(WEBHOOKS_OFF).map(([key, value]) => ({ key, operator: "NotIn", values: [value] }));
  for (const path of CONFIGURATIONS) {
    const configuration = `/apis/admissionregistration.k8s.io/v1/${path}`;
    const webhooks = asArray(at(await environment.api.get(configuration), "webhooks"));
    const patch = webhooks.map((_, index) => {
      return { op: "add", path: `/webhooks/${index}/namespaceSelector`, value: { matchExpressions: selector } };
    });
    await environment.api.patch(configuration, patch, "json");
  }
}

/** Where a replica serves on this machine; free ports where absent. */
export interface ReplicaPorts {
  readonly webhooks?: number;
  readonly metrics?: number;
}

/** The configuration of the manifest's ConfigMap as a file, with addresses of this machine. */
export async function configFile(environment: Environment, ports: ReplicaPorts = {}): Promise<string> {
  const [freePort = 0, otherPort = 0] = await findFreePorts(2);
  const text = asString(at(await environment.api.get(CONFIG_MAP), "data", "controller_manager_config.yaml")) ?? "";
  const config = asObject(parse(text)) ?? {};
  const here = {
    ...config,
    webhook: { ...asObject(config["webhook"]), host: "127.0.0.1", port: ports.webhooks ?? freePort },
    metrics: { ...asObject(config["metrics"]), bindAddress: `127.0.0.1:${ports.metrics ?? otherPort}` },
  };
  return environment.writeFile("config.yaml", stringify(here));
}

/** A replica that serves the webhooks for all tests and reconciles nothing: it watches a namespace without JobSets. */
export async function startWebhooks(environment: Environment): Promise<Controller> {
  const config = await configFile(environment, { webhooks: environment.description.webhookPort });
  const flags = [`--config=${config}`, "--leader-elect=false", `--namespace=${NAMESPACE}`];
  const replica = new Controller(environment, await environment.controllerKubeconfig(), { flags });
  await replica.start();
  await waitFor("the CA bundle to be injected", {
    timeoutMs: 10_000,
    check: async () => (await Promise.all(CONFIGURATIONS.map((path) => bundle(environment, path)))).every(Boolean),
    describe: () => replica.logTail(),
  });
  return replica;
}

async function bundle(environment: Environment, path: string): Promise<string | undefined> {
  const [webhook] = asArray(at(await environment.api.get(`/apis/admissionregistration.k8s.io/v1/${path}`), "webhooks"));
  return asString(at(webhook, "clientConfig", "caBundle"));
}
