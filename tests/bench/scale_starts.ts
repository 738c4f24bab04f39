/** Fresh controllers beside a filled cluster: time until ready, requests, memory. */
import type { GuardedProcess } from "../../scripts/control_plane/process_group.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { type AuditEntry, countRequests } from "./audit_log.ts";
import { type BenchCluster, CONTROLLER } from "./cluster.ts";
import { timeController } from "./controller_side.ts";
import { cpuSeconds, peakMb, residentMb } from "./process_usage.ts";

export interface Start {
  readonly readyMs: number;
  readonly rssMb: number;
  readonly peakMb: number;
  /** Until its end, watches included. */
  readonly requests: readonly AuditEntry[];
}

/**
 * Ten seconds after it is ready, or has read all Pods, a controller that is idle collects its garbage (src/run/trim_memory.ts): some
 * time after the end of its work that has been done.
 */
const TRIMMED_MS = 13_000;
/** An idle controller takes next to nothing; a look at the processes each second. */
const IDLE_CPU_SECONDS = 0.05;
const LOOK_EVERY_MS = 1_000;
const IDLE_LOOKS = 3;
const IDLE_TIMEOUT_MS = 120_000;
const QUIET_MS = 1_000;

/** A controller for each namespace: started one after the other, then left to rest all together. */
export async function startBeside(
  cluster: BenchCluster,
  command: readonly string[],
  namespaces: readonly string[],
): Promise<readonly Start[]> {
  const started: {
    readonly process: GuardedProcess;
    readonly readyMs: number;
    readonly asked: readonly AuditEntry[];
  }[] = [];
  for (const namespace of namespaces) {
    const mark = cluster.audit.mark();
    const { process, readyMs } = await timeController(cluster, { command, namespace });
    await cluster.audit.waitForQuiet(isOurs, QUIET_MS);
    started.push({ process, readyMs, asked: cluster.audit.since(mark, isOurs) });
  }
  await idle(started.map(({ process: { pid } }) => pid));
  await Bun.sleep(TRIMMED_MS);
  const memory = started.map(({ process: { pid } }) => ({ rssMb: residentMb(pid), peakMb: peakMb(pid) }));
  const starts: Start[] = [];
  for (const [index, { process, readyMs, asked }] of started.entries()) {
    const mark = cluster.audit.mark();
    await process.stop();
    // The log names a watch when it ends.
    await cluster.audit.waitForQuiet(isOurs, QUIET_MS);
    const requests = [...asked, ...cluster.audit.since(mark, isOurs)];
    starts.push({ readyMs, requests, rssMb: memory[index]?.rssMb ?? 0, peakMb: memory[index]?.peakMb ?? 0 });
  }
  return starts;
}

/** Waits until none of the processes has anything to do. */
async function idle(pids: readonly number[]): Promise<void> {
  let before = pids.map(cpuSeconds);
  let looks = 0;
  await waitFor("the controllers to have nothing to do", {
    timeoutMs: IDLE_TIMEOUT_MS,
    everyMs: LOOK_EVERY_MS,
    check: () => {
      const now = pids.map(cpuSeconds);
      const isIdle = now.every((seconds, index) => seconds - (before[index] ?? 0) <= IDLE_CPU_SECONDS);
      before = now;
      looks = isIdle ? looks + 1 : 0;
      return looks > IDLE_LOOKS;
    },
  });
}

/** `list jobs 200 × 1, watch jobs 200 × 1` */
export function requestsText(entries: readonly AuditEntry[]): string {
  return [...countRequests(entries)].map(([kind, count]) => `${kind} × ${count}`).join(", ");
}

function isOurs({ user }: AuditEntry): boolean {
  return user === CONTROLLER.user;
}
