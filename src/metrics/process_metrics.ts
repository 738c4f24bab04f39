import { readdirSync, readFileSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import type { MetricRegistry } from "./metric_registry.ts";

/** What the operating system says of this process; undefined where it does not say it. */
export interface ProcessFacts {
  readonly uptimeSeconds: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly virtualBytes: number | undefined;
  readonly openFds: number | undefined;
  readonly maxFds: number | undefined;
}

/** Read at each scrape: no timers, no observers. */
export function readProcessFacts(): ProcessFacts {
  const { user, system } = process.cpuUsage();
  const virtualKiB = numberIn("/proc/self/status", /^VmSize:\s+(\d+) kB$/m);
  return {
    uptimeSeconds: process.uptime(),
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    virtualBytes: virtualKiB === undefined ? undefined : virtualKiB * 1024,
    openFds: openFds(),
    maxFds: numberIn("/proc/self/limits", /^Max open files\s+(\d+)/m),
  };
}

/** `process_*`; those that this system does not tell have no series. */
export function registerProcessMetrics(
  registry: MetricRegistry,
  { clock, read }: { readonly clock: Clock; readonly read: () => ProcessFacts },
): void {
  let facts = read();
  const startSeconds = clock.now() / 1000 - facts.uptimeSeconds;
  // The first of a scrape to be collected: it reads for all.
  const cpu = registry.counter({
    name: "process_cpu_seconds_total",
    help: "Time that processors spent on this process, user and system, in seconds",
    collect() {
      facts = read();
      cpu.set({}, facts.cpuSeconds);
    },
  });
  const gauge = (name: string, help: string, value: () => number | undefined) => {
    const metric = registry.gauge({
      name,
      help,
      collect() {
        const now = value();
        if (now === undefined) metric.remove({});
        else metric.set({}, now);
      },
    });
  };
  gauge("process_start_time_seconds", "When this process started, in seconds since 1970", () => startSeconds);
  gauge("process_resident_memory_bytes", "Memory that this process holds, in bytes", () => facts.residentBytes);
  gauge("process_virtual_memory_bytes", "Address space that this process has, in bytes", () => facts.virtualBytes);
  gauge("process_open_fds", "File descriptors that are open", () => facts.openFds);
  gauge("process_max_fds", "File descriptors that may be open", () => facts.maxFds);
}

/** Without the one that the reading itself opens. */
function openFds(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined; // no Linux
  }
}

function numberIn(file: string, pattern: RegExp): number | undefined {
  try {
    const found = pattern.exec(readFileSync(file, "utf8"))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined; // no Linux
  }
}
