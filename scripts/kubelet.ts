/**
 * A small kubelet in this process: it keeps Nodes and plays the Pods that are bound to them against the real API server, so that
 * Job controller, scheduler, EndpointSlices and `kubectl logs` work as ever. No container runs. What becomes of a Pod is said by
 * its annotations or by a table (kubelet/fate.ts); Pods of our own image are run as real processes (kubelet/process_container.ts).
 */
import { asString, at, type JsonObject } from "../src/base/json.ts";
import { Api, type ApiAccess, ApiFailure, watch } from "./control_plane/api.ts";
import type { FateTable } from "./kubelet/fate.ts";
import { serveLogs } from "./kubelet/log_server.ts";
import { nodeObject, type NodeOptions, nodeStatus } from "./kubelet/node.ts";
import { PodRunner, type ProcessMaker } from "./kubelet/pod_runner.ts";
import { podKey } from "./kubelet/pod_fields.ts";
import type { RestartDelay } from "./kubelet/restart_delay.ts";

export interface KubeletOptions {
  /** Of a user that may do everything. */
  readonly access: ApiAccess;
  /** Names, or a number of Nodes named `node-0`, `node-1` and so on. */
  readonly nodes: number | readonly string[];
  /** Further labels of a Node, beside hostname, region and zone. Zones `zone-a`, `zone-b`, `zone-c` go round. */
  readonly labels?: (name: string, index: number) => Readonly<Record<string, string>>;
  readonly taints?: (name: string, index: number) => readonly JsonObject[];
  /** For Pods whose annotations say nothing, and beneath those that do. */
  readonly fates?: FateTable;
  /** Runs Pods of our own image as processes (kubelet/process_container.ts); without it they have fates as all others. */
  readonly makeProcess?: ProcessMaker;
  /** `short` where absent. */
  readonly restartDelay?: RestartDelay;
  /** What every Pod takes before its first container starts, as by images and network; 0 where absent. */
  readonly podStartDelayMs?: number;
  readonly report?: (line: string) => void;
}

const PODS = "/api/v1/pods";
const BOUND = "fieldSelector=spec.nodeName!%3D";
const WATCH_SECONDS = 300;
const RETRY_MS = 250;

/** Creates the Nodes, then plays Pods until `stop`. */
export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const kubelet = new Kubelet(options);
  await kubelet.start();
  return kubelet;
}

export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #api: Api;
  readonly #runners = new Map<string, PodRunner>();
  readonly #nodes = new Map<string, NodeOptions>();
  readonly #abort = new AbortController();
  readonly #logServer = serveLogs((namespace, name) => this.#runnerOf(namespace, name)?.log);
  #fates: FateTable;
  #lastIp = 0;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: KubeletOptions) {
    this.#options = options;
    this.#api = new Api(options.access);
    this.#fates = options.fates ?? [];
  }

  get nodeNames(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  async start(): Promise<void> {
    const { nodes } = this.#options;
    const names = typeof nodes === "number" ? Array.from({ length: nodes }, (_, index) => `node-${index}`) : nodes;
    await Promise.all(names.map((name, index) => this.#register(name, index)));
    this.#loop = this.#run();
  }

  /** Fates of Pods that come to a Node from now on. */
  setFates(fates: FateTable): void {
    this.#fates = fates;
  }

  /** Says of a Node that it is ready, or not; the real controllers do the rest. */
  async setNodeReady(name: string, isReady: boolean): Promise<void> {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`set a Node's readiness: "${name}" is not a Node of this kubelet`);
    await this.#api.patch(`/api/v1/nodes/${name}/status`, { status: nodeStatus(node, isReady) }, "strategic");
  }

  /** Plays no further; Nodes and Pods stay as they are. Processes of Pods end. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
    for (const runner of this.#runners.values()) runner.dispose();
    this.#runners.clear();
    await this.#logServer.stop();
  }

  async #register(name: string, index: number): Promise<void> {
    const options: NodeOptions = {
      name,
      zone: `zone-${"abc"[index % 3]}`,
      labels: this.#options.labels?.(name, index) ?? {},
      taints: this.#options.taints?.(name, index) ?? [],
      kubeletPort: this.#logServer.port,
      version: asString((await this.#api.get("/version"))["gitVersion"]) ?? "v0.0.0",
    };
    this.#nodes.set(name, options);
    const created = await this.#api.request("POST", "/api/v1/nodes", nodeObject(options));
    if (created.code !== 201 && created.code !== 409) throw new ApiFailure(`create node ${name}`, created);
    if (created.code === 409) await this.setNodeReady(name, true);
    // Admission taints a new Node until a controller sees it ready: not waiting for that saves the tests seconds.
    await this.#api.patch(`/api/v1/nodes/${name}`, { spec: { taints: options.taints } });
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#options.report?.(`kubelet: ${error instanceof Error ? error.message : String(error)}; trying again`);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** A list says which Pods are gone; the watch goes on from it until its stream ends. */
  async #listAndWatch(signal: AbortSignal): Promise<void> {
    const list = await this.#api.get(`${PODS}?${BOUND}`);
    const items = Array.isArray(list["items"]) ? list["items"] as readonly JsonObject[] : [];
    const uids = new Set(items.map((pod) => podKey(pod).uid));
    for (const uid of this.#runners.keys()) if (!uids.has(uid)) this.#forget(uid);
    for (const pod of items) this.#see(pod);
    const version = asString(at(list, "metadata", "resourceVersion")) ?? "0";
    const query = `watch=1&resourceVersion=${version}&timeoutSeconds=${WATCH_SECONDS}`;
    for await (const event of watch(this.#api, `${PODS}?${query}&${BOUND}`, signal)) {
      if (event.type === "ADDED" || event.type === "MODIFIED") this.#see(event.object);
      else if (event.type === "DELETED") this.#forget(podKey(event.object).uid);
      else return;
    }
  }

  #see(pod: JsonObject): void {
    if (!this.#nodes.has(asString(at(pod, "spec", "nodeName")) ?? "")) return;
    const { uid } = podKey(pod);
    let runner = this.#runners.get(uid);
    if (runner === undefined) {
      runner = new PodRunner({
        api: this.#api,
        pod,
        fates: this.#fates,
        podIp: this.#nextIp(),
        makeProcess: this.#options.makeProcess ?? (() => undefined),
        restartDelay: this.#options.restartDelay ?? "short",
        startDelayMs: this.#options.podStartDelayMs ?? 0,
      });
      this.#runners.set(uid, runner);
    }
    runner.update(pod);
  }

  #forget(uid: string): void {
    this.#runners.get(uid)?.dispose();
    this.#runners.delete(uid);
  }

  #runnerOf(namespace: string, name: string): PodRunner | undefined {
    return [...this.#runners.values()].find(({ key }) => key.namespace === namespace && key.name === name);
  }

  /** Addresses of 10.128.0.0/9, where nothing is. */
  #nextIp(): string {
    this.#lastIp += 1;
    const n = this.#lastIp;
    return `10.${128 + ((n >> 16) & 127)}.${(n >> 8) & 255}.${n & 255}`;
  }
}
