/**
 * Pods whose containers are the real agent, as processes of this machine, each wrapping a worker: what a large training job is to
 * its cluster. Who started when is read from files that the workers leave in their containers' folders.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { asInteger, at, type JsonObject } from "../../src/base/json.ts";
import { ProcessGroup } from "../../scripts/control_plane/process_group.ts";
import { type Kubelet, startKubelet } from "../../scripts/kubelet.ts";
import { processMaker } from "../../scripts/kubelet/process_container.ts";
import type { RestartDelay } from "../../scripts/kubelet/restart_delay.ts";
import { annotationsOf, Cluster, isDeleting, uidOf } from "./cluster.ts";
import type { Environment } from "./environment.ts";
import { WEBHOOKS_OFF } from "./installation.ts";

export const JOB_SET = "fleet";
const CONTAINER = "worker";
/** One line with the process id for each start; the file's time is that of the last. */
const STARTS = "starts";
// Kubernetes makes one dollar sign of two in the value of a variable.
const WORKER_COMMAND = `echo $$$$ >> ${STARTS}; exec sleep 86400`;
const ATTEMPT = "jobset.sigs.k8s.io/in-place-restart-attempt";
const NODES = 8;
const STARTED_MS = 240_000;

export type Strategy = "InPlaceRestart" | "Recreate";

export interface FleetOptions {
  readonly strategy: Strategy;
  readonly jobs: number;
  readonly podsPerJob: number;
  readonly maxRestarts: number;
  readonly restartDelay?: RestartDelay;
  readonly podStartDelayMs?: number;
}

/** A worker that runs, or has run, in one container. */
export interface Worker {
  readonly podUid: string;
  readonly pid: number;
  /** How often one was started there. */
  readonly starts: number;
  /** When the last one was, in milliseconds since 1970. */
  readonly startedAt: number;
}

export class AgentFleet {
  readonly cluster: Cluster;
  readonly options: FleetOptions;
  readonly #kubelet: Kubelet;
  readonly #processes: ProcessGroup;
  readonly #dir: string;
  /** Uids of Pods that others have taken the place of. */
  readonly #past = new Set<string>();

  private constructor(
    parts: { cluster: Cluster; options: FleetOptions; kubelet: Kubelet; processes: ProcessGroup; dir: string },
  ) {
    this.cluster = parts.cluster;
    this.options = parts.options;
    this.#kubelet = parts.kubelet;
    this.#processes = parts.processes;
    this.#dir = parts.dir;
  }

  /** Nodes and a namespace of its own, and the JobSet in it; resolves once every worker runs. */
  static async start(environment: Environment, options: FleetOptions): Promise<AgentFleet> {
    // The webhooks know no gate.
    const cluster = await Cluster.create(environment, WEBHOOKS_OFF);
    const { binary } = environment.description;
    const dir = join(environment.description.dir, cluster.namespace);
    const processes = new ProcessGroup();
    const { api } = cluster;
    const kubelet = await startKubelet({
      access: api.access,
      nodes: Array.from({ length: NODES }, (_, index) => `${cluster.namespace}-${index}`),
      labels: () => ({ fleet: cluster.namespace }),
      taints: () => [{ key: "fleet", value: cluster.namespace, effect: "NoSchedule" }],
      makeProcess: processMaker({ api, binary, dir, group: processes }),
      restartDelay: options.restartDelay ?? "none",
      podStartDelayMs: options.podStartDelayMs ?? 0,
    });
    const fleet = new AgentFleet({ cluster, options, kubelet, processes, dir });
    try {
      await allowAgents(cluster);
      await cluster.create("jobsets", fleetJobSet(cluster.namespace, options));
      await fleet.started(0);
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  get size(): number {
    return this.options.jobs * this.options.podsPerJob;
  }

  async stop(): Promise<void> {
    await this.cluster.remove();
    await this.cluster.eventually("the Pods to be gone", async () => (await this.cluster.list("pods")).length === 0);
    await this.#kubelet.stop();
    await this.#processes.stop();
    for (const name of this.#kubelet.nodeNames) await this.cluster.api.request("DELETE", `/api/v1/nodes/${name}`);
  }

  /** Every worker that was started last after this time, once there are as many as Pods. */
  async started(since: number): Promise<readonly Worker[]> {
    const found = await this.cluster.eventually(`${this.size} workers to start`, () => {
      const late = this.#lastStarts().filter(({ startedAt }) => startedAt > since);
      return Promise.resolve(late.length === this.size ? late : undefined);
    }, STARTED_MS);
    const uids = new Set(found.map(({ podUid }) => podUid));
    for (const { podUid } of this.#lastStarts()) if (!uids.has(podUid)) this.#past.add(podUid);
    return this.workers();
  }

  /** The last worker of each container. */
  workers(): readonly Worker[] {
    return this.#lastStarts().map(({ podUid, startedAt, file }) => {
      const pids = readFileSync(file, "utf8").trim().split("\n").map(Number);
      return { podUid, pid: pids.at(-1) ?? 0, starts: pids.length, startedAt };
    });
  }

  /** Looked at many times a second, so nothing is read. */
  #lastStarts(): readonly { readonly podUid: string; readonly startedAt: number; readonly file: string }[] {
    const folder = join(this.#dir, "pods");
    if (!existsSync(folder)) return [];
    return readdirSync(folder).filter((podUid) => !this.#past.has(podUid)).flatMap((podUid) => {
      const file = join(folder, podUid, CONTAINER, STARTS);
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? [] : [{ podUid, startedAt: stat.mtimeMs, file }];
    });
  }

  /** Kills workers, all at once; the time just before. */
  killWorkers(workers: readonly Worker[]): number {
    const now = Date.now();
    for (const { pid } of workers) process.kill(pid, "SIGKILL");
    return now;
  }

  async pods(): Promise<readonly JsonObject[]> {
    return (await this.cluster.pods(JOB_SET)).filter((pod) => !isDeleting(pod));
  }

  /** What the agents have written, each once. */
  async attempts(): Promise<readonly string[]> {
    const pods = await this.pods();
    return [...new Set(pods.map((pod) => annotationsOf(pod)[ATTEMPT] ?? "none"))].toSorted();
  }

  async uids(): Promise<readonly string[]> {
    return (await this.pods()).map(uidOf).toSorted();
  }

  /** `status.currentInPlaceRestartAttempt`. */
  async current(): Promise<number> {
    return asInteger(at(await this.cluster.jobSet(JOB_SET), "status", "currentInPlaceRestartAttempt")) ?? -1;
  }
}

/** An attempt that a Pod's agent wrote. */
export function attemptOfPod(pod: JsonObject): number {
  return Number(annotationsOf(pod)[ATTEMPT] ?? -1);
}

/** The Role of the examples, for the namespace's default service account. */
async function allowAgents({ api, namespace }: Cluster): Promise<void> {
  const group = "rbac.authorization.k8s.io";
  const path = `/apis/${group}/v1/namespaces/${namespace}`;
  const metadata = { name: "agent" };
  await api.create(`${path}/roles`, {
    metadata,
    rules: [
      { apiGroups: ["jobset.x-k8s.io"], resources: ["jobsets"], verbs: ["get", "list", "watch"] },
      { apiGroups: [""], resources: ["pods"], verbs: ["patch"] },
    ],
  });
  await api.create(`${path}/rolebindings`, {
    metadata,
    roleRef: { apiGroup: group, kind: "Role", name: "agent" },
    subjects: [{ kind: "ServiceAccount", name: "default", namespace }],
  });
}

/** The same Pods whatever the strategy, but for who starts a failed container again. */
function fleetJobSet(namespace: string, { strategy, jobs, podsPerJob, maxRestarts }: FleetOptions): JsonObject {
  const isInPlace = strategy === "InPlaceRestart";
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const container = {
    name: CONTAINER,
    image: "example.com/worker",
    command: ["/jobset-lite/jobset", "agent"],
    env: [
      field("JOBSET_NAME", "metadata.labels['jobset.sigs.k8s.io/jobset-name']"),
      field("POD_NAME", "metadata.name"),
      { name: "WORKER_COMMAND", value: WORKER_COMMAND },
    ],
  };
  return {
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    metadata: { name: JOB_SET },
    spec: {
      failurePolicy: { maxRestarts, restartStrategy: strategy },
      replicatedJobs: [{
        name: "w",
        replicas: jobs,
        template: {
          spec: {
            completionMode: "Indexed",
            completions: podsPerJob,
            parallelism: podsPerJob,
            ...(isInPlace ? { backoffLimit: 2147483647, podReplacementPolicy: "Failed" } : { backoffLimit: 0 }),
            template: {
              spec: {
                restartPolicy: isInPlace ? "OnFailure" : "Never",
                nodeSelector: { fleet: namespace },
                tolerations: [{ key: "fleet", value: namespace, effect: "NoSchedule" }],
                terminationGracePeriodSeconds: 1,
                containers: [container],
              },
            },
          },
        },
      }],
    },
  };
}
