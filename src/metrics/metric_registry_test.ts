import { expect, test } from "bun:test";
import { MetricRegistry } from "./metric_registry.ts";

test("a counter without labels is there from the start, one with labels from its first count", () => {
  const registry = new MetricRegistry();
  registry.counter({ name: "plain_total", help: "Plain" }).inc({});
  const labelled = registry.counter({ name: "labelled_total", help: "Labelled", labels: ["b", "a"] });
  const head = "# HELP plain_total Plain\n# TYPE plain_total counter\nplain_total 1\n" +
    "# HELP labelled_total Labelled\n# TYPE labelled_total counter\n";
  expect(registry.text()).toBe(head);
  labelled.inc({ a: "1", b: "2" });
  labelled.inc({ b: "2", a: "1" }, 2);
  labelled.inc({ a: "1", b: "3" }, 0);
  expect(registry.text()).toBe(`${head}labelled_total{b="2",a="1"} 3\nlabelled_total{b="3",a="1"} 0\n`);
  labelled.remove({ a: "1", b: "2" });
  expect(registry.text()).toBe(`${head}labelled_total{b="3",a="1"} 0\n`);
});

test("a gauge goes up and down", () => {
  const registry = new MetricRegistry();
  const gauge = registry.gauge({ name: "g", help: "G" });
  gauge.set({}, 5);
  gauge.change({}, -7);
  expect(registry.text()).toEndWith("\ng -2\n");
});

test("a histogram counts what is within each bound, and all of it at the last", () => {
  const registry = new MetricRegistry();
  const histogram = registry.histogram({ name: "h", help: "H", labels: ["a"], buckets: [1, 2.5] });
  for (const value of [0.5, 1, 2, 100]) histogram.observe({ a: "x" }, value);
  histogram.start({ a: "x" });
  histogram.start({ a: "y" });
  expect(registry.text()).toBe(
    "# HELP h H\n# TYPE h histogram\n" +
      'h_bucket{a="x",le="1"} 2\nh_bucket{a="x",le="2.5"} 3\nh_bucket{a="x",le="+Inf"} 4\nh_sum{a="x"} 103.5\nh_count{a="x"} 4\n' +
      'h_bucket{a="y",le="1"} 0\nh_bucket{a="y",le="2.5"} 0\nh_bucket{a="y",le="+Inf"} 0\nh_sum{a="y"} 0\nh_count{a="y"} 0\n',
  );
});

test("a histogram may do without labels", () => {
  const registry = new MetricRegistry();
  registry.histogram({ name: "h", help: "H", buckets: [1] }).observe({}, 1);
  expect(registry.text()).toEndWith('\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n');
});

test("what would break a line is escaped", () => {
  const registry = new MetricRegistry();
  registry.gauge({ name: "g", help: "G", labels: ["a"] }).set({ a: 'a "b" \\ c\n' }, 1);
  expect(registry.text()).toEndWith('\ng{a="a \\"b\\" \\\\ c\\n"} 1\n');
});

test("metrics that are kept elsewhere are asked for at each scrape", () => {
  const registry = new MetricRegistry();
  let count = 0;
  const counter = registry.counter({ name: "c_total", help: "C", collect: () => counter.set({}, ++count) });
  registry.text();
  expect(registry.text()).toEndWith("\nc_total 2\n");
});

test("a name that is taken is a mistake of ours", () => {
  const registry = new MetricRegistry();
  registry.gauge({ name: "g", help: "G" });
  expect(() => registry.counter({ name: "g", help: "G" })).toThrow('the metric "g" is there already');
});
