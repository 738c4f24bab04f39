import { expect, test } from "bun:test";
import { medianOfMinute, type Sample, takeSample, valueAt } from "./samples.ts";

const sample = (seconds: number, fds: number): Sample => ({
  atMs: seconds * 1000,
  rssMb: 0,
  fds,
  series: 0,
  timers: 0,
  gone: 0,
});

test("the median is that of the minute before the moment", () => {
  const samples = [sample(30, 100), sample(70, 1), sample(90, 3), sample(110, 2), sample(130, 100)];
  expect(medianOfMinute(samples, 120_000, "fds")).toBe(2);
});

test("series are what they were last, not what they were for long", () => {
  const samples = [70, 90, 110, 130].map((seconds) => ({ ...sample(seconds, seconds), series: seconds }));
  expect(valueAt(samples, 120_000, "series")).toBe(110);
  expect(valueAt(samples, 120_000, "fds")).toBe(90);
});

test("a minute without samples can't be judged", () => {
  expect(() => medianOfMinute([sample(30, 1)], 120_000, "fds")).toThrow("no sample");
});

test("a sample counts the series and reads the timers", () => {
  const text = '# HELP jobset_timers x\n# TYPE jobset_timers gauge\njobset_timers 7\nother{a="b"} 1\n';
  const { series, timers, fds, rssMb } = takeSample(process.pid, { metrics: text, gone: 1 });
  expect({ series, timers }).toEqual({ series: 2, timers: 7 });
  expect(fds).toBeGreaterThan(2);
  expect(rssMb).toBeGreaterThan(1);
});

test("metrics without timers are no metrics of ours", () => {
  expect(() => takeSample(process.pid, { metrics: "other 1\n", gone: 1 })).toThrow("jobset_timers");
});
