/** Fresh controllers beside a filled cluster: time until ready, requests, memory. */
import type { GuardedProcess } from "../../scripts/control_plane/process_group.ts";
import { type AuditEntry, countRequests } from "./audit_log.ts";
import { type BenchCluster, CONTROLLER } from "./cluster.ts";
import { timeController } from "./controller_side.ts";
import { peakMb, residentMb } from "./process_usage.ts";

export interface Start {
  readonly readyMs: number;
  readonly rssMb: number;
  readonly peakMb: number;
  /** Until its end, watches included. */
  readonly requests: readonly AuditEntry[];
}

/** Ten seconds after the start, if it is idle, it collects its garbage (src/run/trim_memory.ts); some more until that is done. */
const TRIMMED_MS = 13_000;
const QUIET_MS = 2_000;

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
  await Bun.sleep(TRIMMED_MS);
  const memory = started.map(({ process: { pid } }) => ({ rssMb: residentMb(pid), peakMb: peakMb(pid) }));
  const starts: Start[] = [];
  for (const [index, { process, readyMs, asked }] of started.entries()) {
    const mark = cluster.audit.mark();
    await process.stop();
    // The log names a watch when it ends.
    await cluster.audit.waitForQuiet(isOurs, QUIET_MS / 4);
    const requests = [...asked, ...cluster.audit.since(mark, isOurs)];
    starts.push({ readyMs, requests, rssMb: memory[index]?.rssMb ?? 0, peakMb: memory[index]?.peakMb ?? 0 });
  }
  return starts;
}

/** `list jobs 200 × 1, watch jobs 200 × 1` */
export function requestsText(entries: readonly AuditEntry[]): string {
  return [...countRequests(entries)].map(([kind, count]) => `${kind} × ${count}`).join(", ");
}

function isOurs({ user }: AuditEntry): boolean {
  return user === CONTROLLER.user;
}
