/** The watches of Pods and Nodes, which run only while some JobSet needs them (spec 4.3), and what their caches know. */
import type { Timer } from "../base/clock.ts";
import type { FeatureGates } from "../api/feature_gates.ts";
import type { JobSet } from "../api/job_set.ts";
import { JOBSET_NAME } from "../api/keys.ts";
import { type Domains, type Node, nodeReader } from "../api/node.ts";
import { type Pod, readPod } from "../api/pod.ts";
import type { ObjectCache } from "../cache/object_cache.ts";
import { podPacker } from "../cache/packed_pod.ts";
import { PodIndex } from "../cache/pod_index.ts";
import type { ObserveWatch } from "../metrics/watch_metrics.ts";
import { PodDemand } from "./pod_demand.ts";
import { WatchOnDemand } from "./watch_on_demand.ts";
import type { Parts } from "./watches.ts";

/** Any JobSet may bring a topology of its own, and 15,000 Nodes are not read anew for each of them. */
const NODES_ANEW_MS = 10_000;

export interface PodWatchesOptions extends Parts {
  readonly jobSets: ObjectCache<JobSet>;
  readonly gates: FeatureGates;
  /** The only namespace, where there is but one. Nodes have none. */
  readonly namespace: string | undefined;
  readonly observe: ObserveWatch;
}

export class PodWatches {
  readonly pods: WatchOnDemand<Pod>;
  readonly nodes: WatchOnDemand<Node>;
  /** Of the Pods in the cache. */
  readonly index = new PodIndex();
  readonly #options: PodWatchesOptions;
  readonly #demand: PodDemand;
  #topologies: ReadonlySet<string> = new Set();
  #nodesReadAtMs = -Infinity;
  #readAnew: Timer | undefined;
  #isStopped = false;

  constructor(options: PodWatchesOptions) {
    this.#options = options;
    const { namespace, jobSets, gates } = options;
    this.pods = new WatchOnDemand({
      ...options,
      what: "Pods",
      path: namespace === undefined ? "/api/v1/pods" : `/api/v1/namespaces/${namespace}/pods`,
      query: { labelSelector: JOBSET_NAME },
      without: "no restart in place, and no Pod that violates exclusive placement is found",
    });
    this.nodes = new WatchOnDemand({
      ...options,
      what: "Nodes",
      path: "/api/v1/nodes",
      metadataOnly: true,
      without: "exclusive placement asks for one Node at a time, and hears of changed labels late",
    });
    this.pods.onChange((change) => this.index.apply(change));
    this.pods.onTurn(() => {
      if (!this.pods.isRunning) this.index.clear();
    });
    this.#demand = new PodDemand({ jobSets, gates, onChange: () => this.#follow() });
  }

  get isAlive(): boolean {
    return this.pods.isAlive && this.nodes.isAlive;
  }

  /** Never resolves; rejects when one of them ends for good. */
  get failed(): Promise<never> {
    return Promise.race([this.pods.failed, this.nodes.failed]);
  }

  /** Spec 4.1: the leaders of a job key, by a cache that is up to date; undefined where none is, or not of this namespace. */
  leadersOf(namespace: string, jobKey: string): readonly Pod[] | undefined {
    const isWatched = this.#options.namespace === undefined || this.#options.namespace === namespace;
    return isWatched && this.pods.freshCache !== undefined ? this.index.leaders(namespace, jobKey) : undefined;
  }

  /** The domains of a Node, by a cache that knows this topology and is up to date; undefined where none does. */
  domainsOf(nodeName: string, topologyKey: string): Domains | undefined {
    const cache = this.#topologies.has(topologyKey) ? this.nodes.freshCache : undefined;
    return cache === undefined ? undefined : cache.get("", nodeName)?.domains ?? {};
  }

  stop(): void {
    this.#isStopped = true;
    this.#readAnew?.cancel();
    this.pods.end();
    this.nodes.end();
  }

  #follow(): void {
    if (this.#isStopped) return;
    const { needsPods, topologies } = this.#demand;
    if (!needsPods) this.pods.release();
    else if (!this.pods.keep()) this.pods.start(podReader());
    if (topologies.size === 0) this.nodes.release();
    else if (!this.nodes.keep() || !topologies.isSubsetOf(this.#topologies)) this.#readNodes();
  }

  /** From the start, as what was kept of each Node lacks the new label. */
  #readNodes(): void {
    if (this.#readAnew !== undefined) return;
    const { clock } = this.#options;
    const waitMs = this.#nodesReadAtMs + NODES_ANEW_MS - clock.monotonic();
    if (waitMs > 0) {
      this.#readAnew = clock.after(waitMs, () => {
        this.#readAnew = undefined;
        this.#follow();
      });
      return;
    }
    this.#nodesReadAtMs = clock.monotonic();
    this.#topologies = this.#demand.topologies;
    this.nodes.start(nodeReader(this.#topologies));
  }
}

/** Pods of one Job share what they have in common. */
function podReader(): (body: Parameters<typeof readPod>[0]) => Pod | undefined {
  const pack = podPacker();
  return (body) => {
    const pod = readPod(body);
    return pod === undefined ? undefined : pack(pod);
  };
}
