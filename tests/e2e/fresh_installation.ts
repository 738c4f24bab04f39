/** An installation of which nobody has made certificates yet; and replicas of it, started as a test wants them. */
import { asArray, asString, at } from "../../src/base/json.ts";
import { Controller } from "./controller.ts";
import { configFile, NAMESPACE } from "./installation.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { type OwnInstallation, startOwnInstallation } from "./own_installation.ts";

export const JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/default/jobsets";
export const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
export const CONFIGURATIONS = [
  `${ADMISSION}/mutatingwebhookconfigurations/jobset-mutating-webhook-configuration`,
  `${ADMISSION}/validatingwebhookconfigurations/jobset-validating-webhook-configuration`,
];
/** The kinds that say what the controller may do. */
export const ROLES = ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
const SECRET_NAME = "jobset-webhook-server-cert";

export interface FreshReplica {
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class FreshInstallation {
  readonly environment: OwnInstallation;
  readonly replicas: Controller[] = [];
  #count = 0;

  private constructor(environment: OwnInstallation) {
    this.environment = environment;
  }

  static async start(): Promise<FreshInstallation> {
    return new FreshInstallation(await startOwnInstallation());
  }

  stop(): Promise<void> {
    return this.environment.stop();
  }

  async endReplicas(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.dispose()));
    this.replicas.length = 0;
  }

  /** As after the very first apply: a Secret without data, or none, and no bundle. */
  async makeFresh(hasSecret = true): Promise<void> {
    const { api } = this.environment;
    const path = this.secretPath();
    await api.request("DELETE", path);
    if (hasSecret) await api.create(path.slice(0, path.lastIndexOf("/")), { metadata: { name: SECRET_NAME } });
    for (const configuration of CONFIGURATIONS) await this.injectBundle(configuration, undefined);
  }

  secretPath(namespace = NAMESPACE): string {
    return `/api/v1/namespaces/${namespace}/secrets/${SECRET_NAME}`;
  }

  async secretText(key: string, namespace?: string): Promise<string> {
    return atob(asString(at(await this.environment.api.get(this.secretPath(namespace)), "data", key)) ?? "");
  }

  async injectBundle(path: string, caPem: string | undefined): Promise<void> {
    const caBundle = caPem === undefined ? null : btoa(caPem);
    const webhooks = asArray((await this.environment.api.get(path))["webhooks"])
      .map((webhook) => ({ name: at(webhook, "name"), clientConfig: { caBundle } }));
    await this.environment.api.patch(path, { webhooks }, "strategic");
  }

  /** The bundles of both configurations, each once. */
  async bundles(): Promise<readonly string[]> {
    const objects = await Promise.all(CONFIGURATIONS.map((path) => this.environment.api.get(path)));
    const found = objects.flatMap(({ webhooks }) => asArray(webhooks))
      .map((webhook) => atob(asString(at(webhook, "clientConfig", "caBundle")) ?? ""));
    return [...new Set(found)];
  }

  /** The manifest's configuration, with the webhooks on this port, or where the API server calls them. */
  configOn(webhooks = this.environment.description.webhookPort): Promise<string> {
    return configFile(this.environment, { webhooks });
  }

  /** A replica as installed, not started. */
  async replica(options: FreshReplica = {}): Promise<Controller> {
    const config = options.config ?? await this.configOn();
    const kubeconfig = options.kubeconfig ?? await this.environment.controllerKubeconfig();
    const { env = {} } = options;
    const made = new Controller(this.environment, kubeconfig, { flags: [`--config=${config}`], env });
    this.replicas.push(made);
    return made;
  }

  /** Creates a JobSet, once: "created" where it has passed both webhooks, else what was said. */
  async createOne(): Promise<string> {
    const { api } = this.environment;
    const { code, body } = await api.request("POST", JOBSETS, jobSet(`js-${this.#count++}`, [byHand("a")]));
    if (code !== 201) return `${code} ${asString(body["message"])}`;
    return at(body, "spec", "successPolicy", "operator") === "All" ? "created" : "created without defaults";
  }

  /** Whether the validating webhook refuses what it must. */
  async isRefused(): Promise<boolean> {
    const wrong = jobSet("x.y", [byHand("a")]);
    const { body, code } = await this.environment.api.request("POST", `${JOBSETS}?dryRun=All`, wrong);
    return code === 422 && JSON.stringify(body).includes("spec.replicatedJobs[0]");
  }

  /** What `jobset manifests` prints, of these kinds only. */
  printed(flags: readonly string[], kinds: readonly string[]): string {
    const { stdout, stderr, exitCode } = Bun.spawnSync([this.environment.description.binary, "manifests", ...flags]);
    if (exitCode !== 0) throw new Error(stderr.toString());
    const documents = stdout.toString().split(/^---$/m);
    return documents.filter((text) => kinds.some((kind) => text.includes(`\nkind: ${kind}\n`))).join("\n---\n");
  }

  async apply(text: string): Promise<void> {
    await this.environment.mustKubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], text);
  }

  /** So many times: how long from the start to ready, and what the first create was told. */
  async startFresh(rounds: number): Promise<readonly { readonly answer: string; readonly readyMs: number }[]> {
    const seen: { readonly answer: string; readonly readyMs: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      await this.makeFresh(round % 2 === 0);
      const replica = await this.replica();
      const startedAt = performance.now();
      await replica.start();
      const readyMs = Math.round(performance.now() - startedAt);
      seen.push({ answer: await this.createOne(), readyMs });
      await replica.terminate();
    }
    return seen;
  }
}

/** What a probe is answered. */
export async function probe(port: number, path: string): Promise<{ readonly code: number; readonly text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { code: response.status, text: await response.text() };
}
