/** What a process holds at a moment, and how that grew. */
import { readdirSync } from "node:fs";
import { residentMb } from "../bench/process_usage.ts";

export interface Sample {
  readonly atMs: number;
  readonly rssMb: number;
  readonly fds: number;
  readonly series: number;
  readonly timers: number;
  /** How many JobSets had come and gone. */
  readonly gone: number;
}

export const MEASURES = ["rssMb", "fds", "series", "timers"] as const;
export type Measure = typeof MEASURES[number];

/** One sample of a running process; `metrics` is what it was scraped for just now. */
export function takeSample(
  pid: number,
  { metrics, gone }: { readonly metrics: string; readonly gone: number },
): Sample {
  const samples = metrics.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const timers = samples.find((line) => line.startsWith("jobset_timers "));
  if (timers === undefined) throw new Error("sample the controller: its metrics have no jobset_timers");
  return {
    atMs: performance.now(),
    rssMb: residentMb(pid),
    fds: readdirSync(`/proc/${pid}/fd`).length,
    series: samples.length,
    timers: Number(timers.split(" ")[1]),
    gone,
  };
}

/** A measure at a moment: what is counted exactly as it was last, the others as the median of the minute before. */
export function valueAt(samples: readonly Sample[], endMs: number, measure: Measure): number {
  if (measure !== "series") return medianOfMinute(samples, endMs, measure);
  const last = samples.findLast(({ atMs }) => atMs <= endMs);
  if (last === undefined) throw new Error("judge the soak: no sample");
  return last.series;
}

/** The median of a measure over the minute that ends at this moment. */
export function medianOfMinute(samples: readonly Sample[], endMs: number, measure: Measure): number {
  const values = samples.filter(({ atMs }) => atMs > endMs - 60_000 && atMs <= endMs)
    .map((sample) => sample[measure]).toSorted((a, b) => a - b);
  const middle = values[Math.floor(values.length / 2)];
  if (middle === undefined) throw new Error(`judge the soak: no sample in the minute before ${Math.round(endMs)} ms`);
  return middle;
}
