import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks per second in /proc/PID/stat: 100 on every Linux that Bun runs on. */
const TICKS = 100;

/** CPU seconds, user and system, of a running process and its threads. */
export function cpuSeconds(pid: number): number {
  return readStat(pid).cpuSeconds;
}

/** What the machine's processors have done at a moment, in seconds since it started. */
export interface MachineUsage {
  /** Of all of them together, idle or not. */
  readonly passed: number;
  readonly busy: number;
  /** By this process and its children. */
  readonly own: number;
}

export function machineUsage(): MachineUsage {
  const line = readFileSync("/proc/stat", "utf8").split("\n", 1)[0] ?? "";
  // cpu user nice system idle iowait irq softirq steal; guests are counted in user already.
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  const passed = ticks.reduce((sum, value) => sum + value, 0);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  return { passed: passed / TICKS, busy: (passed - idle) / TICKS, own: ownSeconds() };
}

/** The share of the machine, from 0 to 1, that went to processes not ours. */
export function foreignShare(from: MachineUsage, to: MachineUsage): number {
  const foreign = to.busy - from.busy - (to.own - from.own);
  return Math.max(0, foreign / (to.passed - from.passed));
}

function ownSeconds(): number {
  let seconds = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readStat(Number(name));
      if (stat.parent === process.pid || Number(name) === process.pid) seconds += stat.cpuSeconds;
    } catch {
      continue; // it ended
    }
  }
  return seconds;
}

function readStat(pid: number): { readonly parent: number; readonly cpuSeconds: number } {
  // The second field is the name, in brackets, and may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
  return { parent: Number(fields[1]), cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS };
}

/** Resident memory of a running process, in MB of 2^20 bytes. */
export function residentMb(pid: number): number {
  return memoryMb(pid, "VmRSS");
}

/** The most that it ever was. */
export function peakMb(pid: number): number {
  return memoryMb(pid, "VmHWM");
}

function memoryMb(pid: number, field: string): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const kb = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
  if (kb === undefined) throw new Error(`read the memory of process ${pid}: /proc has no ${field}`);
  return Number(kb) / 1024;
}
