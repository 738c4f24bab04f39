/**
 * A real control plane for tests, benches and the demo: etcd, kube-apiserver, kube-controller-manager and kube-scheduler on free
 * loopback ports, in a folder of its own that is removed at the end. Whatever ends the process that started it, all of it ends
 * (control_plane/process_group.ts).
 *
 * By hand, `npm run control-plane` starts one with three Nodes, prints its KUBECONFIG= line and waits.
 */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asObject, asString, at, type JsonObject } from "../src/base/json.ts";
import { Api } from "./control_plane/api.ts";
import { type Binaries, findBinaries } from "./control_plane/binaries.ts";
import * as components from "./control_plane/components.ts";
import { kubeconfigText } from "./control_plane/kubeconfig.ts";
import { findFreePorts } from "./control_plane/ports.ts";
import { type GuardedProcess, ProcessGroup } from "./control_plane/process_group.ts";
import { BINARIES, findVersion } from "./control_plane/versions.ts";
import { waitFor } from "./control_plane/wait.ts";

export interface ControlPlaneOptions {
  /** A Kubernetes minor of control_plane/versions.ts; the newest where absent. */
  readonly minor?: string;
  /** Of every component, such as `{ MutablePodResourcesForSuspendedJobs: false }`. */
  readonly featureGates?: Readonly<Record<string, boolean>>;
  /** Further users that can log in by token; each has a kubeconfig (`kubeconfigOf`). */
  readonly users?: readonly { readonly name: string; readonly groups?: readonly string[] }[];
  /** Users whose requests the audit log counts; service accounts are `system:serviceaccount:NAMESPACE:NAME`. */
  readonly auditUsers?: readonly string[];
  readonly apiServerFlags?: readonly string[];
  /** `false` leaves the component out. `controllers` are names for `--controllers`; all of the defaults where absent. */
  readonly controllerManager?: false | { readonly controllers?: readonly string[]; readonly flags?: readonly string[] };
  readonly scheduler?: false | { readonly flags?: readonly string[] };
  /**
   * Files of CRDs to install before the controller manager starts: its garbage collector looks for new kinds only every 30 s,
   * and until then does not collect what their objects own.
   */
  readonly crds?: readonly string[];
  /** Told what is going on; silent where absent. */
  readonly report?: (line: string) => void;
}

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const START_TIMEOUT_MS = 90_000;
const STOP_GRACE_MS = 10_000;
const LOG_LINES = 15;

/** Starts a control plane and waits until the API server is ready and Pods can be created. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const binaries = await findBinaries(findVersion(options.minor), options.report);
  const [etcdPort = 0, peerPort = 0, apiPort = 0] = await findFreePorts(3);
  const dir = mkdtempSync(join(tmpdir(), "jobset-lite-"));
  const layout: components.Layout = { dir, etcdPort, peerPort, apiPort };
  const users = (options.users ?? []).map((user) => ({
    name: user.name,
    groups: user.groups ?? [],
    token: components.randomToken(),
  }));
  const group = new ProcessGroup(dir);
  try {
    const identity = components.writeFiles(layout, users, { users: options.auditUsers ?? [] });
    const controlPlane = new ControlPlane({ options, binaries, layout, identity, group });
    await controlPlane.startAll();
    return controlPlane;
  } catch (error) {
    await group.stop();
    throw error;
  }
}

interface Parts {
  readonly options: ControlPlaneOptions;
  readonly binaries: Binaries;
  readonly layout: components.Layout;
  readonly identity: components.Identity;
  readonly group: ProcessGroup;
}

export class ControlPlane {
  readonly dir: string;
  readonly url: string;
  readonly caFile: string;
  readonly caPem: string;
  readonly caKeyPem: string;
  readonly adminToken: string;
  /** Of the administrator. */
  readonly kubeconfigFile: string;
  /** As the administrator. */
  readonly api: Api;
  readonly binaries: Binaries;
  /** Processes put here end with the control plane. */
  readonly processes: ProcessGroup;
  readonly #parts: Parts;
  #etcdProcess: GuardedProcess | undefined;
  #apiServer: GuardedProcess | undefined;
  #controllerManager: GuardedProcess | undefined;

  constructor(parts: Parts) {
    const { layout, identity } = parts;
    this.#parts = parts;
    this.dir = layout.dir;
    this.url = components.apiUrl(layout);
    this.caFile = join(layout.dir, "ca.crt");
    this.caPem = identity.caPem;
    this.caKeyPem = identity.caKeyPem;
    this.adminToken = identity.users.get(components.SYSTEM_USERS.admin)?.token ?? "";
    this.kubeconfigFile = this.kubeconfigOf(components.SYSTEM_USERS.admin);
    this.api = new Api({ url: this.url, caPem: this.caPem, token: this.adminToken });
    this.binaries = parts.binaries;
    this.processes = parts.group;
  }

  /** For benches that tell what of the time is whose. */
  get apiServerPid(): number {
    if (this.#apiServer === undefined) throw new Error("kube-apiserver: it was not started yet");
    return this.#apiServer.pid;
  }

  /** Starts the components in their order; called once, by `startControlPlane`. */
  async startAll(): Promise<void> {
    const { options, layout } = this.#parts;
    const gates = this.#featureGates();
    const startedAt = performance.now();
    options.report?.("starting etcd and kube-apiserver");
    await this.startEtcd();
    await this.startApiServer();
    await this.#install(options.crds ?? []);
    if (options.scheduler !== false) {
      this.#spawn("kube-scheduler", [
        ...components.schedulerFlags(layout, gates),
        ...(options.scheduler?.flags ?? []),
      ]);
    }
    if (options.controllerManager !== false) {
      const { controllers = ["*"], flags = [] } = options.controllerManager ?? {};
      const manager = this.#startControllerManager(controllers, flags);
      if (controllers.some((name) => name === "*" || name.startsWith("serviceaccount"))) {
        await waitFor("the default service account", {
          timeoutMs: START_TIMEOUT_MS,
          check: async () => this.#isAlive(manager) && await this.#hasDefaultServiceAccount(),
        });
      }
    }
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    options.report?.(`control plane ready at ${this.url} after ${seconds} s`);
  }

  /** Starts etcd, on the port and the data it had before, and waits until it answers. Of flags given twice the last counts. */
  async startEtcd(flags: readonly string[] = []): Promise<void> {
    if (this.isEtcdRunning()) throw new Error("start etcd: it is running");
    const { layout } = this.#parts;
    const etcd = this.#spawn("etcd", [...components.etcdFlags(layout), ...flags]);
    this.#etcdProcess = etcd;
    await waitFor("etcd to be ready", {
      timeoutMs: START_TIMEOUT_MS,
      // Its health is not asked for: one that is full is not healthy, and works.
      check: () => this.#isAlive(etcd) && isAnswering(`${components.etcdUrl(layout)}/version`),
    });
  }

  isEtcdRunning(): boolean {
    return this.#etcdProcess?.isRunning() === true;
  }

  /** Sends the signal and waits until etcd is gone. Its data stay in `etcdDataDir`. */
  async killEtcd(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await this.#etcdProcess?.stop(signal, STOP_GRACE_MS);
  }

  get etcdDataDir(): string {
    return components.etcdDataDir(this.#parts.layout);
  }

  get etcdUrl(): string {
    return components.etcdUrl(this.#parts.layout);
  }

  /** After some ends of the API server its garbage collector leaves deleted Jobs alone for minutes: a new one does not. */
  async restartControllerManager(): Promise<void> {
    const { controllerManager } = this.#parts.options;
    if (controllerManager === false) return;
    await this.#controllerManager?.stop("SIGKILL");
    this.#startControllerManager(controllerManager?.controllers ?? ["*"], controllerManager?.flags ?? []);
  }

  /** Starts kube-apiserver, on the port and the data it had before, and waits until it is ready. */
  async startApiServer(): Promise<void> {
    if (this.#apiServer?.isRunning() === true) throw new Error("start kube-apiserver: it is running");
    const { options, layout } = this.#parts;
    const flags = [
      ...components.apiServerFlags(layout, this.#featureGates()),
      ...(options.apiServerFlags ?? []),
    ];
    const server = this.#spawn("kube-apiserver", flags);
    this.#apiServer = server;
    await waitFor("kube-apiserver to be ready", {
      timeoutMs: START_TIMEOUT_MS,
      check: async () => this.#isAlive(server) && await this.#isReady(),
    });
  }

  /** Sends the signal and waits until kube-apiserver is gone. */
  async killApiServer(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await this.#apiServer?.stop(signal, STOP_GRACE_MS);
  }

  async restartApiServer(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await this.killApiServer(signal);
    await this.startApiServer();
  }

  /**
   * Drops etcd's history up to now. The API server answers old watches from its own memory: restart it after this to make
   * them end with 410.
   */
  async compactEtcd(): Promise<void> {
    const range = await this.etcd("/v3/kv/range", { key: "AA==", limit: "1" });
    const revision = asString(at(range, "header", "revision"));
    if (revision === undefined) throw new Error(`compact etcd: no revision in ${JSON.stringify(range)}`);
    await this.etcd("/v3/kv/compaction", { revision, physical: true });
  }

  /** A request of etcd's own, as JSON: `/v3/kv/put` and the like. */
  async etcd(path: string, body: JsonObject): Promise<unknown> {
    const response = await fetch(`${this.etcdUrl}${path}`, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${await response.text()}`);
    return await response.json();
  }

  /** The audit events of `auditUsers` up to now. A line that is being written is left out. */
  auditEntries(): readonly JsonObject[] {
    const file = components.auditLogFile(this.#parts.layout);
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => asObject(JSON.parse(line)) ?? {});
  }

  /** The kubeconfig file of a user that the token file knows. */
  kubeconfigOf(user: string): string {
    return join(this.dir, components.kubeconfigName(user));
  }

  /** The token of a user that the token file knows. */
  tokenOf(user: string): string {
    const token = this.#parts.identity.users.get(user)?.token;
    if (token === undefined) throw new Error(`log in as "${user}": the token file has no such user`);
    return token;
  }

  /** Writes a kubeconfig file into the control plane's folder and returns its path. */
  writeKubeconfig(options: {
    readonly user: string;
    readonly token: string;
    /** Of a proxy, for instance; the API server's where absent. */
    readonly url?: string;
    readonly namespace?: string;
    readonly fileName?: string;
  }): string {
    const file = join(this.dir, options.fileName ?? `${crypto.randomUUID()}.kubeconfig`);
    const text = kubeconfigText({ ...options, url: options.url ?? this.url, caPem: this.caPem });
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  /** A kubeconfig file that logs in as a service account, by a token such as a Pod has. */
  async serviceAccountKubeconfig(namespace: string, name: string, url?: string): Promise<string> {
    const token = await this.serviceAccountToken(namespace, name);
    return this.writeKubeconfig({ user: `${namespace}-${name}`, token, ...(url === undefined ? {} : { url }) });
  }

  async serviceAccountToken(namespace: string, name: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const answer = await this.api.create(path, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: 24 * 60 * 60 },
    });
    const token = asString(at(answer, "status", "token"));
    if (token === undefined) throw new Error(`request a token of ${namespace}/${name}: none in the answer`);
    return token;
  }

  /** Runs kubectl as the administrator, or with another kubeconfig. */
  async kubectl(
    args: readonly string[],
    options: { readonly stdin?: string; readonly kubeconfig?: string } = {},
  ): Promise<KubectlResult> {
    const child = Bun.spawn([this.binaries.kubectl, `--cache-dir=${join(this.dir, "kubectl-cache")}`, ...args], {
      stdin: new Blob([options.stdin ?? ""]),
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, KUBECONFIG: options.kubeconfig ?? this.kubeconfigFile, KUBERC: "off", HOME: this.dir },
    });
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  }

  /** Runs kubectl and returns what it printed; throws with its words where it failed. */
  async mustKubectl(args: readonly string[], stdin?: string): Promise<string> {
    const result = await this.kubectl(args, stdin === undefined ? {} : { stdin });
    if (result.code === 0) return result.stdout;
    throw new Error(`kubectl ${args.join(" ")}: ${result.stderr.trim()}`);
  }

  /** Stops everything at once and removes the folder. */
  stop(): Promise<void> {
    return this.#parts.group.stop();
  }

  /** The log file of a component, for error messages. */
  logFile(name: typeof BINARIES[number]): string {
    return join(this.dir, `${name}.log`);
  }

  #spawn(name: Exclude<typeof BINARIES[number], "kubectl">, flags: readonly string[]): GuardedProcess {
    return this.processes.spawn([this.binaries[name], ...flags], { logFile: this.logFile(name), cwd: this.dir });
  }

  #startControllerManager(controllers: readonly string[], flags: readonly string[]): GuardedProcess {
    const own = components.controllerManagerFlags(this.#parts.layout, this.#featureGates(), controllers);
    const manager = this.#spawn("kube-controller-manager", [...own, ...flags]);
    this.#controllerManager = manager;
    return manager;
  }

  #isAlive(child: GuardedProcess): boolean {
    if (child.isRunning()) return true;
    throw new Error(`start the control plane: a component ended. Its last words:\n${child.lastLines(LOG_LINES)}`);
  }

  async #install(crds: readonly string[]): Promise<void> {
    if (crds.length === 0) return;
    const files = crds.flatMap((file) => ["-f", file]);
    await this.mustKubectl(["apply", "--server-side", ...files]);
    // Where a CRD has no conditions at all yet, `kubectl wait` fails at once.
    const wait = ["wait", "--for=condition=Established", "--timeout=5s", ...files];
    await waitFor("the CRDs to be served", {
      timeoutMs: START_TIMEOUT_MS,
      check: async () => (await this.kubectl(wait)).code === 0,
    });
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await this.api.request("GET", "/readyz")).code === 200;
    } catch {
      return false; // refused while the server starts
    }
  }

  async #hasDefaultServiceAccount(): Promise<boolean> {
    return (await this.api.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")).code === 200;
  }

  #featureGates(): string {
    return Object.entries(this.#parts.options.featureGates ?? {}).map(([name, on]) => `${name}=${on}`).join(",");
  }
}

async function isAnswering(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false; // refused while etcd starts
  }
}
