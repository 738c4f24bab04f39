import type { AuditEntry, AuditLog } from "./audit_log.ts";
import { cpuSeconds, foreignShare, machineUsage } from "./process_usage.ts";

/** A phase of one run, as the API server's audit log timed it. */
export interface Phase {
  /** From the start of the phase to the answer that completed the last Job. */
  readonly ms: number;
  /** All requests of the side, those after the last Job included. */
  readonly entries: readonly AuditEntry[];
  /** CPU seconds of the side's process. */
  readonly cpuSeconds: number;
  /** The share of the machine that other processes took meanwhile. */
  readonly foreignShare: number;
}

/** What the audit log tells. */
export type Timing = Pick<Phase, "ms" | "entries">;

/** One of the two that are compared. A run is create, restart, remove. */
export interface Side {
  /** Jobs of a new name come into being. */
  create(run: Run): Promise<Phase>;
  /** All of them are replaced by new ones of the same names. */
  restart(run: Run): Promise<Phase>;
  remove(run: Run): Promise<void>;
}

export interface Run {
  readonly name: string;
  readonly jobs: number;
}

/** How long a side may take for one Job at the worst, and for a phase besides. */
const JOB_TIMEOUT_MS = 200;
const PHASE_TIMEOUT_MS = 60_000;
/** A side has ended a phase when it has sent nothing for so long. */
const QUIET_MS = 1_000;

/** Measures what a side's process and all others take while a phase runs. */
export async function runPhase(pid: number, run: () => Promise<Timing>): Promise<Phase> {
  const machineBefore = machineUsage();
  const cpuBefore = cpuSeconds(pid);
  const timing = await run();
  return {
    ...timing,
    cpuSeconds: cpuSeconds(pid) - cpuBefore,
    foreignShare: foreignShare(machineBefore, machineUsage()),
  };
}

/** Waits for the Jobs of a phase and for the requests that follow them. */
export async function finishPhase(
  audit: AuditLog,
  { mark, user, jobs, startedAt }: {
    readonly mark: number;
    readonly user: string;
    readonly jobs: number;
    /** In the audit log's time; the side's own first request where absent. */
    readonly startedAt?: number;
  },
): Promise<Timing> {
  const isOurs = (entry: AuditEntry) => entry.user === user && entry.verb !== "watch";
  const created = await audit.waitForCount(`${jobs} Jobs of ${user}`, {
    mark,
    count: jobs,
    fits: (entry) => entry.user === user && isCreatedJob(entry),
    timeoutMs: PHASE_TIMEOUT_MS + jobs * JOB_TIMEOUT_MS,
  });
  await audit.waitForQuiet(isOurs, QUIET_MS);
  const entries = audit.since(mark, (entry) => entry.user === user);
  const firstAt = Math.min(...entries.filter(isWrite).map((entry) => entry.receivedAt));
  const lastAt = Math.max(...created.slice(0, jobs).map((entry) => entry.answeredAt));
  return { ms: lastAt - (startedAt ?? firstAt), entries };
}

export function isCreatedJob({ verb, resource, code }: AuditEntry): boolean {
  return verb === "create" && resource === "jobs" && code === 201;
}

function isWrite({ verb }: AuditEntry): boolean {
  return verb === "create" || verb === "delete";
}
