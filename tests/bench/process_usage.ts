import { readFileSync } from "node:fs";

/** Clock ticks per second in /proc/PID/stat: 100 on every Linux that Bun runs on. */
const TICKS = 100;

/** CPU seconds, user and system, of a running process and its threads. */
export function cpuSeconds(pid: number): number {
  // The second field is the name, in brackets, and may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Resident memory of a running process, in MB of 2^20 bytes. */
export function residentMb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kb === undefined) throw new Error(`read the memory of process ${pid}: /proc has no VmRSS`);
  return Number(kb) / 1024;
}
