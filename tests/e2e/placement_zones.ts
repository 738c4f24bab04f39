/** Nodes in zones, for one test alone: a topology key of its own and a taint keep everything else away from them. */
import { asObject, at, type JsonObject } from "../../src/base/json.ts";
import { type Kubelet, startKubelet } from "../../scripts/kubelet.ts";
import { type Cluster, labelsOf } from "./cluster.ts";
import { group, type GroupOptions, jobSet } from "./job_sets.ts";

export const EXCLUSIVE_TOPOLOGY = "alpha.jobset.sigs.k8s.io/exclusive-topology";
export const INDEX = "batch.kubernetes.io/job-completion-index";
export const PRIORITY = "jobset.sigs.k8s.io/priority";
export const JOB_KEY = "jobset.sigs.k8s.io/job-key";

const OWN = "jobset-lite.test/placement";
const JSON_TYPE = "application/json";

export interface ZonesOptions {
  readonly zones?: readonly string[];
  readonly nodesPerZone?: number;
}

/** A JobSet of one replicatedJob `w`. */
export interface PlacedJobSet extends GroupOptions {
  readonly jobs: number;
  readonly pods: number;
  /** Most of a Node's processors, so that each has room for one such Pod only. */
  readonly isWide?: boolean;
  readonly priorityClassName?: string;
  readonly spec?: JsonObject;
}

export class Zones {
  readonly cluster: Cluster;
  /** The topology key. */
  readonly key: string;
  readonly names: readonly string[];
  readonly kubelet: Kubelet;
  /** Of a Pod that is to run on these Nodes and no other; one that is exclusive goes to no other anyway. */
  readonly pod: JsonObject;

  private constructor(cluster: Cluster, { key, kubelet }: { readonly key: string; readonly kubelet: Kubelet }) {
    this.cluster = cluster;
    this.key = key;
    this.kubelet = kubelet;
    this.names = kubelet.nodeNames;
    this.pod = { nodeSelector: { [OWN]: cluster.namespace }, tolerations: [{ key: OWN, operator: "Exists" }] };
  }

  /** Nodes `NAMESPACE-a-0` and so on. */
  static async start(cluster: Cluster, options: ZonesOptions = {}): Promise<Zones> {
    const { zones = ["a", "b", "c"], nodesPerZone = 8 } = options;
    const key = `zone.jobset-lite.test/${cluster.namespace}`;
    const nodes = zones.flatMap((zone) =>
      Array.from({ length: nodesPerZone }, (_, index) => `${cluster.namespace}-${zone}-${index}`)
    );
    const labels = (name: string) => ({ [key]: zoneOf(name), [OWN]: cluster.namespace });
    const taints = () => [{ key: OWN, value: cluster.namespace, effect: "NoSchedule" }];
    const kubelet = await startKubelet({ access: cluster.api.access, nodes, labels, taints });
    return new Zones(cluster, { key, kubelet });
  }

  async stop(): Promise<void> {
    const { api } = this.cluster;
    await api.delete(this.cluster.path("jobsets"));
    await api.delete(this.cluster.path("pods"), { gracePeriodSeconds: 0 });
    await this.kubelet.stop();
    await Promise.all(this.names.map((name) => api.request("DELETE", nodePath(name))));
  }

  node(zone: string, index: number): string {
    return `${this.cluster.namespace}-${zone}-${index}`;
  }

  nodesOf(zone: string): readonly string[] {
    return this.names.filter((name) => zoneOf(name) === zone);
  }

  /** Exclusive by affinity. */
  exclusive(name: string, options: PlacedJobSet): JsonObject {
    const metadata = { name, annotations: { [EXCLUSIVE_TOPOLOGY]: this.key } };
    return { ...this.plain(name, { ...options, pod: { nodeSelector: {}, ...options.pod } }), metadata };
  }

  plain(name: string, { jobs, pods, isWide = false, priorityClassName, spec, ...rest }: PlacedJobSet): JsonObject {
    const { pod, container, ...others } = rest;
    const wide = { resources: { requests: { cpu: isWide ? "600" : "1" } } };
    const priority = priorityClassName === undefined ? {} : { priorityClassName };
    return jobSet(name, [group("w", {
      ...others,
      replicas: jobs,
      parallelism: pods,
      pod: { ...this.pod, ...priority, ...pod },
      container: { ...wide, ...container },
    })], { failurePolicy: { maxRestarts: 1000 }, ...spec });
  }

  /** Which zones the Pods are bound to, by Job name; unbound Pods are left out. */
  async places(jobSet: string): Promise<ReadonlyMap<string, readonly string[]>> {
    const places = new Map<string, Set<string>>();
    for (const pod of await this.cluster.pods(jobSet)) {
      const node = at(pod, "spec", "nodeName");
      const job = labelsOf(pod)["job-name"] ?? "";
      if (typeof node === "string") places.set(job, (places.get(job) ?? new Set()).add(zoneOf(node)));
    }
    return new Map([...places].map(([job, zones]) => [job, [...zones].toSorted()]));
  }

  /** Once so many Pods of the JobSet are ready, and none more: the zones of each of its Jobs. */
  ready(jobSet: string, count: number, timeoutMs?: number): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.cluster.eventually(`${count} Pods of ${jobSet} to be ready`, async () => {
      const pods = await this.cluster.pods(jobSet);
      return pods.filter(isReady).length === count ? await this.places(jobSet) : undefined;
    }, timeoutMs);
  }

  setZone(name: string, zone: string | null): Promise<JsonObject> {
    return this.cluster.api.patch(nodePath(name), { metadata: { labels: { [this.key]: zone } } });
  }

  setCordoned(name: string, isCordoned: boolean): Promise<JsonObject> {
    return this.cluster.api.patch(nodePath(name), { spec: { unschedulable: isCordoned ? true : null } });
  }

  /** Deletes the Node; what this returns brings it back as it was. */
  async remove(name: string): Promise<() => Promise<void>> {
    const { api } = this.cluster;
    const { metadata, spec, status, ...rest } = await api.get(nodePath(name));
    await api.delete(nodePath(name));
    const body = { ...rest, metadata: { name, labels: at(metadata, "labels") }, status };
    return async () => {
      const created = await api.request("POST", "/api/v1/nodes", body, JSON_TYPE);
      if (created.code !== 201) throw new Error(`bring back node ${name}: ${JSON.stringify(created.body)}`);
      // As the kubelet does it: admission taints a new Node until it is seen ready.
      await api.patch(nodePath(name), { spec: { taints: asObject(spec)?.["taints"] ?? [] } });
    };
  }
}

/** The Nodes of one test, for as long as it runs. */
export async function withZones(
  cluster: Cluster,
  options: ZonesOptions,
  body: (zones: Zones) => Promise<void>,
): Promise<void> {
  const zones = await Zones.start(cluster, options);
  try {
    await body(zones);
  } finally {
    await zones.stop();
  }
}

/** A PriorityClass with the test's namespace in its name, for as long as the body runs. */
export async function withPriority(
  cluster: Cluster,
  value: number,
  body: (name: string) => Promise<void>,
): Promise<void> {
  const path = "/apis/scheduling.k8s.io/v1/priorityclasses";
  const name = `${cluster.namespace}-p${value}`.replace("p-", "n");
  await cluster.api.create(path, { metadata: { name }, value });
  try {
    await body(name);
  } finally {
    await cluster.api.request("DELETE", `${path}/${name}`);
  }
}

export function zoneOf(node: string): string {
  return /-([a-z]+)-\d+$/.exec(node)?.[1] ?? "";
}

export function isReady(pod: unknown): boolean {
  const conditions = at(pod, "status", "conditions");
  return Array.isArray(conditions) && at(pod, "metadata", "deletionTimestamp") === undefined &&
    conditions.some((condition) => at(condition, "type") === "Ready" && at(condition, "status") === "True");
}

export function isLeader(pod: JsonObject): boolean {
  return at(pod, "metadata", "annotations", INDEX) === "0";
}

function nodePath(name: string): string {
  return `/api/v1/nodes/${name}`;
}
