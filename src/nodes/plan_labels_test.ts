import { describe, expect, test } from "bun:test";
import { planLabels } from "./plan_labels.ts";
import type { JobNeed } from "./job_need.ts";
import type { NodeView } from "./node_view.ts";
import { KEY, need, node, rack } from "./test_nodes.ts";

/** Job → domains of the nodes that are wished for it. */
function homes(nodes: readonly NodeView[], needs: readonly JobNeed[]): Readonly<Record<string, readonly string[]>> {
  const plan = planLabels({ topologyKey: KEY, nodes, needs });
  if (plan.kind === "refused") throw new Error(plan.problem);
  return Object.fromEntries(needs.map(({ name, holder }) => [
    name,
    [...new Set(plan.wishes.filter((wish) => wish.holder === holder).map(({ domain }) => domain ?? ""))],
  ]));
}

function problem(nodes: readonly NodeView[], needs: readonly JobNeed[]): string {
  const plan = planLabels({ topologyKey: KEY, nodes, needs });
  return plan.kind === "refused" ? plan.problem : "";
}

describe("a Job without a domain", () => {
  test("gets a whole one: every node of it, also one that is not ready", () => {
    const nodes = [...rack("a", 2), node("a-9", { rack: "a", isReady: false })];
    const plan = planLabels({ topologyKey: KEY, nodes, needs: [need("w-0", 2)] });
    expect(plan).toEqual({
      kind: "plan",
      wishes: ["a-0", "a-1", "a-9"].map((name) => ({
        kind: "hold",
        node: name,
        domain: "a",
        holder: "default_w-0",
      })),
      notes: [],
    });
  });

  test("gets the smallest one with a node for each of its Pods, else the largest, which is told", () => {
    const nodes = [...rack("a", 1), ...rack("b", 4), ...rack("c", 2), ...rack("d", 3)];
    expect(homes(nodes, [need("w-0", 2)])).toEqual({ "w-0": ["c"] });
    expect(homes(nodes, [need("w-0", 9)])).toEqual({ "w-0": ["b"] });
    const plan = planLabels({ topologyKey: KEY, nodes, needs: [need("w-0", 9)] });
    expect(plan).toMatchObject({ notes: ["Job default/w-0 has 9 Pods, its domain b 4 nodes for them"] });
  });

  test("leaves a large domain to the Job that needs it, whatever their order", () => {
    const nodes = [...rack("a", 4), ...rack("b", 2)];
    for (const needs of [[need("s", 2), need("l", 4)], [need("l", 4), need("s", 2)]]) {
      expect(homes(nodes, needs)).toEqual({ s: ["b"], l: ["a"] });
    }
  });

  test("takes equal domains in the order of their names, numbers as numbers", () => {
    const nodes = [...rack("r10", 1), ...rack("r9", 1), ...rack("r2", 1)];
    expect(homes(nodes, [need("w-0"), need("w-1"), need("w-2")])).toEqual({
      "w-0": ["r2"],
      "w-1": ["r9"],
      "w-2": ["r10"],
    });
  });

  test("counts only nodes that its node selector allows, and that are ready and schedulable", () => {
    const nodes = [
      ...rack("a", 3, { isUnschedulable: true }),
      ...rack("b", 3, { isReady: false }),
      ...rack("c", 3, { labels: { pool: "cpu" } }),
      ...rack("d", 4, { labels: { pool: "gpu" } }),
    ];
    expect(homes(nodes, [need("w-0", 2, { pool: "gpu" })])).toEqual({ "w-0": ["d"] });
    expect(homes(nodes, [need("any"), need("gpu", 1, { pool: "gpu" })])).toEqual({ any: ["c"], gpu: ["d"] });
  });
});

describe("a domain", () => {
  test("that a Job has it keeps, and its new nodes come along", () => {
    const held = [...rack("a", 2, { holder: "default_w-0" }), node("a-new", { rack: "a" })];
    const plan = planLabels({ topologyKey: KEY, nodes: [...held, ...rack("b", 1)], needs: [need("w-0")] });
    expect(plan).toMatchObject({ wishes: [{ node: "a-0" }, { node: "a-1" }, { node: "a-new" }] });
  });

  test("that is labelled in part for another Job is not touched", () => {
    const nodes = [...rack("a", 5), node("a-x", { rack: "a", holder: "other_j-0", isTainted: false }), ...rack("b", 1)];
    expect(homes(nodes, [need("w-0", 5)])).toEqual({ "w-0": ["b"] });
  });

  test("whose taint somebody else set is not touched", () => {
    const nodes = [...rack("a", 5), node("a-x", { rack: "a", isTainted: true }), ...rack("b", 1)];
    expect(homes(nodes, [need("w-0", 5)])).toEqual({ "w-0": ["b"] });
  });
});

describe("refused as a whole", () => {
  test("where there are too few domains: how many are missing, and why", () => {
    const nodes = [
      ...rack("a", 1),
      ...rack("b", 1, { holder: "x_y-0" }),
      ...rack("c", 1, { isTainted: true }),
      ...rack("d", 1, { isReady: false }),
    ];
    expect(problem(nodes, [need("w-0"), need("w-1"), need("w-2")])).toBe(
      'not enough domains of node label "example.com/rack": 2 more are needed for 3 Jobs that have none ' +
        "(of 4 domains 1 free, 1 labelled for Jobs, 1 tainted by others, " +
        "1 without a node that is ready and schedulable); left without: default/w-1 and 1 more",
    );
    expect(problem([], [need("w-0")])).toBe(
      'not enough domains of node label "example.com/rack": 1 more is needed for the Job that has none ' +
        "(of 0 domains 0 free); left without: default/w-0",
    );
  });

  test("where the label value would be too long", () => {
    const long = need(`${"x".repeat(60)}-0`);
    expect(problem(rack("a", 1), [need("w-0"), long])).toContain(
      "has 70 characters and may have 63: give the JobSet, its replicatedJob or the namespace a shorter name",
    );
  });

  test("where labels contradict each other: two domains, a domain of two Jobs, a node of none", () => {
    const holder = "default_w-0";
    const twice = [...rack("a", 1, { holder }), ...rack("b", 1, { holder })];
    expect(problem(twice, [need("w-0")])).toContain("nodes of a and of b are labelled for it");
    const shared = [node("a-0", { rack: "a", holder }), node("a-1", { rack: "a", holder: "x_y-0" })];
    expect(problem(shared, [need("w-0")])).toContain("domain a is labelled for it and for x_y-0");
    const stray = [...rack("a", 1), node("lost", { holder })];
    expect(problem(stray, [need("w-0")])).toContain('node lost is labelled for it and has no label "example.com/rack"');
  });
});
