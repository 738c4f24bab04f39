import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { createMetrics } from "./metrics.ts";
import { readProcessFacts } from "./process_metrics.ts";
import { samplesOf, TEST_PROCESS, testMetrics } from "./test_metrics.ts";

test("the process tells its start, processor time, memory and files", () => {
  const { clock, scrape } = testMetrics();
  clock.advance(60_000);
  expect(scrape()).toMatchObject({
    process_start_time_seconds: Date.UTC(2030, 0, 1) / 1000 - 2.5,
    process_cpu_seconds_total: 1.25,
    process_resident_memory_bytes: 50_000_000,
    process_virtual_memory_bytes: 1_000_000_000,
    process_open_fds: 12,
    process_max_fds: 1024,
  });
});

test("each scrape has the figures of its moment", () => {
  let facts = { ...TEST_PROCESS, cpuSeconds: 1, openFds: 5 };
  const metrics = createMetrics({ clock: new FakeClock(), readProcess: () => facts });
  metrics.text();
  facts = { ...facts, cpuSeconds: 4, openFds: 6 };
  expect(samplesOf(metrics.text())).toMatchObject({ process_cpu_seconds_total: 4, process_open_fds: 6 });
});

test("what the system does not tell has no series", () => {
  const { scrape } = testMetrics({ ...TEST_PROCESS, openFds: undefined, maxFds: undefined });
  const samples = scrape();
  expect(samples["process_open_fds"]).toBeUndefined();
  expect(samples["process_max_fds"]).toBeUndefined();
  expect(samples["process_resident_memory_bytes"]).toBe(50_000_000);
});

test("a real process has figures that make sense", () => {
  const facts = readProcessFacts();
  expect(facts.uptimeSeconds).toBeGreaterThan(0);
  expect(facts.cpuSeconds).toBeGreaterThan(0);
  expect(facts.residentBytes).toBeGreaterThan(1_000_000);
  if (process.platform !== "linux") return;
  expect(facts.openFds ?? 0).toBeGreaterThan(2);
  expect(facts.maxFds ?? 0).toBeGreaterThan(facts.openFds ?? 0);
  expect(facts.virtualBytes ?? 0).toBeGreaterThan(facts.residentBytes);
});

test("the timers that wait to fire are counted at each scrape", () => {
  let timers = 3;
  const metrics = createMetrics({ clock: new FakeClock(), readProcess: () => TEST_PROCESS, timers: () => timers });
  expect(samplesOf(metrics.text())["jobset_timers"]).toBe(3);
  timers = 5;
  expect(samplesOf(metrics.text())["jobset_timers"]).toBe(5);
});
