/** Ours: the compiled binary, logged in as its service account, with its limits out of the way. */
import { join } from "node:path";
import { childJobName } from "../../src/api/names.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import type { GuardedProcess } from "../../scripts/control_plane/process_group.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { BENCH_USER, type BenchCluster, CONTROLLER, JOBS, JOBSETS, removeJobSet } from "./cluster.ts";
import { benchJobSet, failedStatus, REPLICATED_JOB } from "./job_set.ts";
import { finishPhase, type Phase, type Run, runPhase, type Side } from "./side.ts";

/** More than any machine gives. */
const UNLIMITED = "1000000";
const READY_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 5;

export interface ControllerStart {
  readonly command: readonly string[];
  /** The only namespace; all of them where left out. */
  readonly namespace?: string;
  readonly flags?: readonly string[];
}

export interface StartedController {
  readonly process: GuardedProcess;
  /** From the start of the process until it said that it is ready. */
  readonly readyMs: number;
}

/** Starts the controller for one namespace, or for all, and waits until its caches are filled. */
export async function startController(cluster: BenchCluster, start: ControllerStart): Promise<GuardedProcess> {
  return (await timeController(cluster, start)).process;
}

export async function timeController(
  { controlPlane }: BenchCluster,
  { command, namespace, flags = [] }: ControllerStart,
): Promise<StartedController> {
  const kubeconfig = await controlPlane.serviceAccountKubeconfig(CONTROLLER.namespace, CONTROLLER.name);
  const logFile = join(controlPlane.dir, `controller-${crypto.randomUUID()}.log`);
  const [port = 0] = await findFreePorts(1);
  const startedAt = performance.now();
  const process = controlPlane.processes.spawn([
    ...command,
    "controller",
    `--kubeconfig=${kubeconfig}`,
    `--kube-api-qps=${UNLIMITED}`,
    `--kube-api-burst=${UNLIMITED}`,
    `--health-probe-bind-address=127.0.0.1:${port}`,
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    ...flags,
  ], { logFile });
  await waitFor("the controller to be ready", {
    timeoutMs: READY_TIMEOUT_MS,
    everyMs: LOOK_EVERY_MS,
    check: () => {
      if (process.isRunning()) return isReady(`http://127.0.0.1:${port}/readyz`);
      throw new Error(`start the controller: it ended:\n${process.lastLines(5)}`);
    },
  });
  return { process, readyMs: performance.now() - startedAt };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false; // refused until it listens
  }
}

export class ControllerSide implements Side {
  readonly #cluster: BenchCluster;
  readonly #namespace: string;
  readonly #process: GuardedProcess;

  constructor(cluster: BenchCluster, { namespace, process }: { namespace: string; process: GuardedProcess }) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#process = process;
  }

  /** Timed from the arrival of the JobSet at the API server. */
  create({ name, jobs }: Run): Promise<Phase> {
    const body = benchJobSet({ namespace: this.#namespace, name, replicas: jobs });
    return this.#phase(jobs, "jobsets", async () => {
      await this.#cluster.api.create(`${JOBSETS}/namespaces/${this.#namespace}/jobsets`, body);
    });
  }

  /** Timed from the arrival of one Job's failure. */
  restart({ name, jobs }: Run): Promise<Phase> {
    const job = childJobName(name, REPLICATED_JOB, Math.floor(jobs / 2));
    return this.#phase(jobs, "jobs/status", async () => {
      const path = `${JOBS}/namespaces/${this.#namespace}/jobs/${job}/status`;
      await this.#cluster.api.patch(path, failedStatus(new Date()), "merge");
    });
  }

  remove({ name }: Run): Promise<void> {
    return removeJobSet(this.#cluster.api, this.#namespace, name);
  }

  #phase(jobs: number, trigger: string, start: () => Promise<void>): Promise<Phase> {
    const { audit } = this.#cluster;
    const mark = audit.mark();
    return runPhase(this.#process.pid, async () => {
      await start();
      const [cause] = await audit.waitForCount(`the write of ${trigger}`, {
        mark,
        count: 1,
        fits: ({ user, resource, verb }) => user === BENCH_USER && resource === trigger && verb !== "get",
        timeoutMs: 10_000,
      });
      if (cause === undefined) throw new Error(`time a phase: no write of ${trigger} in the audit log`);
      return await finishPhase(audit, { mark, user: CONTROLLER.user, jobs, startedAt: cause.receivedAt });
    });
  }
}
