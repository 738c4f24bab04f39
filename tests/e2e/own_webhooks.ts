/** A replica whose webhooks are called for one namespace only: for gates and faults that the other tests must not meet. */
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { Cluster } from "./cluster.ts";
import { Controller } from "./controller.ts";
import type { Environment } from "./environment.ts";
import { configFile, NAMESPACE, WEBHOOKS_OFF } from "./installation.ts";
import { group, jobSet } from "./job_sets.ts";

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const KINDS = [
  ["mutatingwebhookconfigurations", "jobset-mutating-webhook-configuration"],
  ["validatingwebhookconfigurations", "jobset-validating-webhook-configuration"],
] as const;
const LABEL = "jobset-lite.test/own-webhooks";
/** What the validating webhook refuses, by a rule that no gate changes. */
const REFUSED = jobSet("probe", [group("a", { dependsOn: [] })]);

export interface OwnWebhooksOptions {
  readonly flags?: readonly string[];
  /** Of a proxy before the API server. */
  readonly url?: string;
}

export class OwnWebhooks {
  /** The namespace. */
  readonly cluster: Cluster;
  readonly replica: Controller;
  readonly #paths: readonly string[];

  private constructor(cluster: Cluster, replica: Controller, paths: readonly string[]) {
    this.cluster = cluster;
    this.replica = replica;
    this.#paths = paths;
  }

  /** Resolves once the API server calls both webhooks. */
  static async start(environment: Environment, { flags = [], url }: OwnWebhooksOptions): Promise<OwnWebhooks> {
    const mark = { [LABEL]: crypto.randomUUID() };
    const cluster = await Cluster.create(environment, { ...WEBHOOKS_OFF, ...mark });
    const [port = 0] = await findFreePorts(1);
    const config = await configFile(environment, { webhooks: port });
    const replica = new Controller(environment, await environment.controllerKubeconfig(url), {
      flags: [`--config=${config}`, "--leader-elect=false", `--namespace=${NAMESPACE}`, ...flags],
    });
    const paths = KINDS.map(([kind]) => `${ADMISSION}/${kind}/${cluster.namespace}`);
    const own = new OwnWebhooks(cluster, replica, paths);
    try {
      await replica.start();
      for (const [kind, name] of KINDS) {
        const installed = await environment.api.get(`${ADMISSION}/${kind}/${name}`);
        await environment.api.create(`${ADMISSION}/${kind}`, {
          metadata: { name: cluster.namespace },
          webhooks: asArray(installed["webhooks"]).map((webhook) => redirected(webhook, port, mark)),
        });
      }
      await cluster.eventually("the API server to call both webhooks", () => isCalled(cluster));
    } catch (error) {
      await own.stop();
      throw error;
    }
    return own;
  }

  async stop(): Promise<void> {
    for (const path of this.#paths) await this.cluster.api.request("DELETE", path);
    await this.replica.dispose();
    await this.cluster.remove();
  }
}

function redirected(webhook: unknown, port: number, matchLabels: JsonObject): JsonObject {
  const clientConfig = asObject(at(webhook, "clientConfig")) ?? {};
  const url = new URL(asString(clientConfig["url"]) ?? "");
  url.port = String(port);
  return { ...asObject(webhook), clientConfig: { ...clientConfig, url: url.href }, namespaceSelector: { matchLabels } };
}

async function isCalled(cluster: Cluster): Promise<boolean> {
  const path = `${cluster.path("jobsets")}?dryRun=All`;
  const refused = await cluster.api.request("POST", path, REFUSED);
  const defaulted = await cluster.api.request("POST", path, jobSet("probe", []));
  return refused.code === 422 && at(defaulted.body, "spec", "successPolicy") !== undefined;
}
