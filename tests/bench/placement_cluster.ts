/** The cluster of the placement bench: what is installed on it, what fills it, and the bare client. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { asArray, asObject, at, type JsonObject } from "../../src/base/json.ts";
import { Cluster } from "../e2e/cluster.ts";
import { WEBHOOKS_OFF } from "../e2e/installation.ts";
import { type PlacementInstallation, startPlacementInstallation } from "../e2e/placement_installation.ts";
import type { BulkOrder, BulkResult } from "./bulk_protocol.ts";
import { LineProcess } from "./line_process.ts";
import { blockOf, exclusiveJobSet, nodeBody, nodeName, NODES_PER_BLOCK, podBody } from "./placement_objects.ts";

export const BY_HAND = "example.com/bench";
export const CONNECTIONS = 50;
export const NODES = 15_000;
export const PODS = 3_000;
const PODS_PER_JOB = 250;
/** Those before it are the domains of the Jobs that are there from the start. */
export const FIRST_FREE_BLOCK = PODS / PODS_PER_JOB;

export class PlacementCluster {
  readonly installation: PlacementInstallation;
  /** Namespaces whose Pods pass the webhooks, and whose Pods do not. */
  readonly guarded: Cluster;
  readonly bare: Cluster;
  readonly #client = new LineProcess(new URL("bulk_client.ts", import.meta.url).pathname);
  #files = 0;

  private constructor(installation: PlacementInstallation, guarded: Cluster, bare: Cluster) {
    this.installation = installation;
    this.guarded = guarded;
    this.bare = bare;
  }

  /** No scheduler and no kubelet: the bench binds the leaders itself, and followers only have to be let in. */
  static async start(say: (line: string) => void): Promise<PlacementCluster> {
    const controllers = ["job-controller", "garbage-collector-controller", "serviceaccount-controller"];
    // The Job controller is not to be what is measured.
    const flags = ["--kube-api-qps=5000", "--kube-api-burst=10000", "--concurrent-job-syncs=20"];
    const controllerManager = { controllers, flags };
    const installation = await startPlacementInstallation({ controllerManager, scheduler: false, report: say });
    const guarded = await Cluster.create(installation.environment);
    const bare = await Cluster.create(installation.environment, WEBHOOKS_OFF);
    const cluster = new PlacementCluster(installation, guarded, bare);
    await Promise.all([guarded, bare].map(hasDefaultAccount));
    return cluster;
  }

  /** The Nodes, and the Pods of exclusive Jobs that are there already, each Job in a block of its own. */
  async fill(say: (line: string) => void): Promise<void> {
    const nodes = Array.from({ length: NODES }, (_, index) => nodeBody(index));
    const nodesS = await this.create("/api/v1/nodes", nodes);
    const pods: JsonObject[] = [];
    for (let index = 0; index < FIRST_FREE_BLOCK; index++) {
      const job = await this.#loadJob(index);
      for (let pod = 0; pod < PODS_PER_JOB; pod++) {
        const node = index * NODES_PER_BLOCK + pod % NODES_PER_BLOCK;
        const pinned = pod === 0 ? {} : { pin: blockOf(node) };
        pods.push(podBody(job, { index: pod, node: nodeName(node), ...pinned }));
      }
    }
    const podsS = await this.create(this.bare.path("pods"), pods);
    say(`${nodes.length} Nodes in ${nodesS.toFixed(1)} s, ${pods.length} Pods in ${podsS.toFixed(1)} s`);
  }

  /** Creates the objects as the administrator on many connections; the seconds that it took. */
  async create(path: string, objects: readonly JsonObject[]): Promise<number> {
    const { description } = this.installation.environment;
    const bodiesFile = join(description.dir, `bulk-${this.#files++}.json`);
    writeFileSync(bodiesFile, JSON.stringify(objects.map((object) => JSON.stringify(object))));
    const { url, token, caPem } = this.guarded.api.access;
    const order: BulkOrder = { url: url + path, token, caPem, bodiesFile, connections: CONNECTIONS };
    const { seconds, problem } = await this.#client.ask<BulkResult>(order);
    if (problem !== undefined) throw new Error(`create ${path}: ${problem}`);
    return seconds;
  }

  async stop(): Promise<void> {
    await this.#client.stop();
    await this.installation.stop();
  }

  /** A Job as an exclusive JobSet's are, without the JobSet: what needs the caches is not there yet. */
  async #loadJob(index: number): Promise<JsonObject> {
    const name = `load-${index}`;
    const jobSet = exclusiveJobSet(name, { jobs: 1, pods: PODS_PER_JOB, managedBy: BY_HAND });
    const { spec } = Object(at(asArray(at(jobSet, "spec", "replicatedJobs"))[0], "template"));
    const template = asObject(at(spec, "template"));
    const metadata = {
      labels: {
        "jobset.sigs.k8s.io/jobset-name": "load",
        "jobset.sigs.k8s.io/replicatedjob-name": "workers",
        "jobset.sigs.k8s.io/job-index": String(index),
        "jobset.sigs.k8s.io/restart-attempt": "0",
        "jobset.sigs.k8s.io/job-key": Bun.SHA1.hash(`load/${index}`, "hex"),
        "jobset.sigs.k8s.io/priority": "0",
      },
      annotations: {
        ...asObject(at(jobSet, "metadata", "annotations")),
        "jobset.sigs.k8s.io/jobset-name": "load",
        "jobset.sigs.k8s.io/job-index": String(index),
        "jobset.sigs.k8s.io/restart-attempt": "0",
      },
    };
    return await this.bare.create("jobs", {
      metadata: { name },
      spec: { ...spec, completionMode: "Indexed", template: { ...template, metadata } },
    });
  }
}

/** Before it is there, no Pod can be created. */
export async function hasDefaultAccount(cluster: Cluster): Promise<void> {
  const path = `/api/v1/namespaces/${cluster.namespace}/serviceaccounts/default`;
  await cluster.eventually("the default service account", async () => {
    return (await cluster.api.request("GET", path)).code === 200;
  });
}
