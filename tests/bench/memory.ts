/** Resident memory of the controller: idle, and with 10,000 Jobs in its cache. */
import { waitFor } from "../../scripts/control_plane/wait.ts";
import type { GuardedProcess } from "../../scripts/control_plane/process_group.ts";
import { type BenchCluster, CONTROLLER, countJobs, createNamespace, JOBSETS } from "./cluster.ts";
import { startController } from "./controller_side.ts";
import { benchJobSet } from "./job_set.ts";
import { residentMb } from "./process_usage.ts";

export interface Memory {
  readonly idleMb: number;
  /** The larger of the two: after creating all Jobs, and freshly started beside them. */
  readonly loadedMb: number;
}

const NAMESPACE = "bench-memory";
const JOB_SETS = 10;
const JOBS_EACH = 1_000;
const CREATE_TIMEOUT_MS = 300_000;
/** After this long without work the garbage collector has had its turn. */
const SETTLE_MS = 20_000;

export async function measureMemory(
  cluster: BenchCluster,
  command: readonly string[],
  say: (line: string) => void,
): Promise<Memory> {
  const { api } = cluster;
  await createNamespace(api, NAMESPACE);
  const first = await startController(cluster, { command });
  const idleMb = await settledMb(cluster, first);
  const names = Array.from({ length: JOB_SETS }, (_, index) => `m${index}`);
  for (const name of names) {
    await api.create(
      `${JOBSETS}/namespaces/${NAMESPACE}/jobsets`,
      benchJobSet({ namespace: NAMESPACE, name, replicas: JOBS_EACH }),
    );
  }
  await waitFor("the Jobs for the memory figure", {
    timeoutMs: CREATE_TIMEOUT_MS,
    everyMs: 500,
    check: async () => await countJobs(api, NAMESPACE) === JOB_SETS * JOBS_EACH,
  });
  const afterWorkMb = await settledMb(cluster, first);
  await first.stop();
  const second = await startController(cluster, { command });
  const afterStartMb = await settledMb(cluster, second);
  await second.stop();
  say("");
  say(`RSS idle: ${idleMb.toFixed(0)} MB`);
  say(
    `RSS with ${JOB_SETS * JOBS_EACH} Jobs: ${afterWorkMb.toFixed(0)} MB after creating them, ` +
      `${afterStartMb.toFixed(0)} MB after a start beside them`,
  );
  return { idleMb, loadedMb: Math.max(afterWorkMb, afterStartMb) };
}

async function settledMb({ audit }: BenchCluster, process: GuardedProcess): Promise<number> {
  await audit.waitForQuiet(({ user, verb }) => user === CONTROLLER.user && verb !== "watch", SETTLE_MS);
  return residentMb(process.pid);
}
