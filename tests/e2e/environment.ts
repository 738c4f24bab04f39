/** Where the end-to-end tests run: a real control plane with the CRD and the controller's role, and the compiled executable. */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asInteger, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { buildBinary } from "../../scripts/build.ts";
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from "../../scripts/control_plane.ts";
import { Api } from "../../scripts/control_plane/api.ts";
import { findBinaries } from "../../scripts/control_plane/binaries.ts";
import { kubeconfigText } from "../../scripts/control_plane/kubeconfig.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { findVersion } from "../../scripts/control_plane/versions.ts";
import { startKubelet } from "../../scripts/kubelet.ts";
import type { Controller } from "./controller.ts";
import { applyManifest, NAMESPACE, startWebhooks } from "./installation.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const CRD_FILE = join(ROOT, "crds/jobset.x-k8s.io_jobsets.yaml");
const SERVICE_ACCOUNT = "jobset-controller-manager";

/** The user whose requests the audit log must count (`ControlPlaneOptions.auditUsers`). */
export const CONTROLLER_USER = `system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`;

/** What the file named by JOBSET_E2E says. */
export interface Description {
  readonly url: string;
  readonly caFile: string;
  readonly adminToken: string;
  readonly kubeconfig: string;
  /** For logs and kubeconfigs; whoever started the control plane removes it. */
  readonly dir: string;
  readonly auditLog: string;
  /** The compiled executable. */
  readonly binary: string;
  /** Of this machine, where the API server calls the webhooks. */
  readonly webhookPort: number;
  /** Where the contract tests ask for a compaction. */
  readonly etcdUrl: string;
}

export interface KubectlAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Environment {
  /** As the administrator. */
  readonly api: Api;
  readonly description: Description;
  readonly #kubectl: string;
  readonly #stop: () => Promise<void>;
  #count = 0;

  constructor(description: Description, kubectl: string, stop: () => Promise<void>) {
    const { url, caFile, adminToken: token } = description;
    this.description = description;
    this.api = new Api({ url, token, caPem: readFileSync(caFile, "utf8") });
    this.#kubectl = kubectl;
    this.#stop = stop;
  }

  /** Ends the control plane where this environment started it. */
  stop(): Promise<void> {
    return this.#stop();
  }

  async kubectl(args: readonly string[], stdin = ""): Promise<KubectlAnswer> {
    const { dir, kubeconfig } = this.description;
    const flags = [`--kubeconfig=${kubeconfig}`, `--cache-dir=${join(dir, "kubectl-cache")}`];
    const child = Bun.spawn([this.#kubectl, ...flags, ...args], {
      stdin: new Blob([stdin]),
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, KUBERC: "off", HOME: dir },
    });
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  }

  /** What kubectl printed; throws with its words where it failed. */
  async mustKubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { code, stdout, stderr } = await this.kubectl(args, stdin);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr.trim()}`);
    return stdout;
  }

  /** A kubeconfig that logs in as the controller's service account, by a token such as its Pod has. */
  async controllerKubeconfig(url = this.description.url): Promise<string> {
    const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${SERVICE_ACCOUNT}/token`;
    const answer = await this.api.create(path, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: 24 * 60 * 60 },
    });
    const token = asString(at(answer, "status", "token")) ?? "";
    const text = kubeconfigText({ url, caPem: this.api.access.caPem, user: SERVICE_ACCOUNT, token });
    return this.writeFile("controller.kubeconfig", text);
  }

  /** Writes a file under a name of its own into the control plane's folder. */
  writeFile(name: string, text: string): string {
    const file = join(this.description.dir, `e2e-${process.pid}-${this.#count++}-${name}`);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  /** A place in the audit log, to read on from. */
  auditPosition(): number {
    const { auditLog } = this.description;
    return existsSync(auditLog) ? statSync(auditLog).size : 0;
  }

  /** The controller's requests in one namespace that the audit log has from a place on. */
  auditSince(position: number, namespace: string): readonly JsonObject[] {
    // The place may be amid a line: what began before it is left out, and so is what is being written now.
    const text = readFrom(this.description.auditLog, Math.max(0, position - 1));
    const whole = position === 0 ? text : text.slice(text.indexOf("\n") + 1);
    return whole.split("\n").slice(0, -1)
      .map((line) => asObject(JSON.parse(line)) ?? {})
      .filter((entry) => at(entry, "user", "username") === CONTROLLER_USER)
      .filter((entry) => at(entry, "objectRef", "namespace") === namespace);
  }
}

/** The environment that `npm test` describes by JOBSET_E2E, or one of our own where a file is run by hand. */
export async function findEnvironment(): Promise<Environment> {
  const file = process.env["JOBSET_E2E"];
  if (file === undefined) return await startEnvironment();
  const described: unknown = await Bun.file(file).json();
  const read = (field: keyof Description): string => {
    const value = asString(at(described, field));
    if (value === undefined) throw new Error(`end-to-end tests: "${file}" has no "${field}"`);
    return value;
  };
  const description: Description = {
    url: read("url"),
    caFile: read("caFile"),
    adminToken: read("adminToken"),
    kubeconfig: read("kubeconfig"),
    dir: read("dir"),
    auditLog: read("auditLog"),
    binary: read("binary"),
    webhookPort: asInteger(at(described, "webhookPort")) ?? 0,
    etcdUrl: read("etcdUrl"),
  };
  return new Environment(description, (await findBinaries(findVersion())).kubectl, () => Promise.resolve());
}

/** An environment with a control plane and a kubelet of its own, for those that stop its API server and the like. */
export async function startEnvironment(
  options: ControlPlaneOptions = {},
  nodes = 3,
): Promise<Environment & { readonly controlPlane: ControlPlane }> {
  const [binary, controlPlane] = await Promise.all([
    buildBinary(),
    startControlPlane({ auditUsers: [CONTROLLER_USER], crds: [CRD_FILE], ...options }),
  ]);
  const kubelet = nodes === 0 ? undefined : await startKubelet({ access: controlPlane.api.access, nodes });
  const [webhookPort = 0] = await findFreePorts(1);
  const description = describe(controlPlane, { binary, webhookPort });
  let webhooks: Controller | undefined;
  const environment = new Environment(description, controlPlane.binaries.kubectl, async () => {
    await webhooks?.dispose();
    await kubelet?.stop();
    await controlPlane.stop();
  });
  try {
    await applyManifest(environment);
    webhooks = await startWebhooks(environment);
  } catch (error) {
    await environment.stop();
    throw error;
  }
  return Object.assign(environment, { controlPlane });
}

/** What JOBSET_E2E must say of a control plane. */
export function describe(
  controlPlane: ControlPlane,
  { binary, webhookPort }: Pick<Description, "binary" | "webhookPort">,
): Description {
  return {
    url: controlPlane.url,
    caFile: controlPlane.caFile,
    adminToken: controlPlane.adminToken,
    kubeconfig: controlPlane.kubeconfigFile,
    dir: controlPlane.dir,
    auditLog: join(controlPlane.dir, "audit.log"),
    binary,
    webhookPort,
    etcdUrl: controlPlane.etcdUrl,
  };
}

function readFrom(file: string, position: number): string {
  const handle = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(Math.max(0, statSync(file).size - position));
    const length = readSync(handle, buffer, 0, buffer.length, position);
    return buffer.toString("utf8", 0, length);
  } finally {
    closeSync(handle);
  }
}
