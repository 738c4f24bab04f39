import { FakeClock } from "../base/fake_clock.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { ProcessFacts } from "./process_metrics.ts";

/** What a test's process says of itself. */
export const TEST_PROCESS: ProcessFacts = {
  uptimeSeconds: 2.5,
  cpuSeconds: 1.25,
  residentBytes: 50_000_000,
  virtualBytes: 1_000_000_000,
  openFds: 12,
  maxFds: 1024,
};

export interface TestMetrics {
  readonly clock: FakeClock;
  readonly metrics: Metrics;
  /** The samples of a scrape: series as they are written, and their values. */
  scrape(): Readonly<Record<string, number>>;
}

/** Metrics on a clock of their own. */
export function testMetrics(process: ProcessFacts = TEST_PROCESS): TestMetrics {
  const clock = new FakeClock();
  const metrics = createMetrics({ clock, readProcess: () => process });
  return { clock, metrics, scrape: () => samplesOf(metrics.text()) };
}

/** The samples of a text in Prometheus' format. */
export function samplesOf(text: string): Readonly<Record<string, number>> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => {
    const end = line.lastIndexOf(" ");
    return [line.slice(0, end), Number(line.slice(end + 1))];
  }));
}
