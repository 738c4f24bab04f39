/** Whatever stands in a cluster: labels are a partial bijection of Jobs and whole domains, and a second run has nothing to do. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Domain, domainsOf, usableNodes } from "./domains.ts";
import type { JobNeed } from "./job_need.ts";
import { holderOf, isTainted, type NodeView } from "./node_view.ts";
import { planLabels } from "./plan_labels.ts";
import { stepOf } from "./node_wish.ts";
import { fulfilled, KEY, need, node } from "./test_nodes.ts";

const shapes = fc.record({
  rack: fc.constantFrom("a", "b", "c", "d", "e"),
  holder: fc.constantFrom(undefined, undefined, undefined, undefined, "default_w-0", "default_w-1", "other_x-0"),
  isReady: fc.constantFrom(true, true, false),
  isForeign: fc.constantFrom(false, false, false, true),
  pool: fc.constantFrom("gpu", "cpu"),
});

const clusters = fc.array(shapes, { maxLength: 14 }).map((drawn) =>
  drawn.map(({ holder, isForeign, pool, rack, isReady }, index) =>
    node(`n-${index}`, {
      rack,
      isReady,
      labels: { pool },
      isTainted: holder !== undefined || isForeign,
      ...(holder === undefined ? {} : { holder }),
    })
  )
);

const jobs = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom({}, {}, { pool: "gpu" })),
  { minLength: 1, maxLength: 4 },
).map((drawn) => drawn.map(([pods, nodeSelector], index) => need(`w-${index}`, pods, nodeSelector)));

function holders(nodes: readonly NodeView[], name: string | undefined): ReadonlySet<string | undefined> {
  return new Set(nodes.filter(({ labels }) => labels[KEY] === name).map(holderOf));
}

test("planLabels gives each Job one whole domain of its own, and changes nothing else", () => {
  fc.assert(
    fc.property(clusters, jobs, (nodes, needs) => {
      const plan = planLabels({ topologyKey: KEY, nodes, needs });
      if (plan.kind === "refused") {
        expect(plan.problem).not.toContain("\n");
        return;
      }
      const after = fulfilled(nodes, plan.wishes);
      for (const { holder, nodeSelector } of needs) {
        const homes = domainsOf(after, KEY).filter((domain) => domain.holders.has(holder));
        expect(homes).toHaveLength(1);
        expect([...holders(after, homes[0]?.name)]).toEqual([holder]);
        expect(homes[0]?.nodes.every(isTainted)).toBe(true);
        const before = nodes.some((entry) => holderOf(entry) === holder);
        const asked = Object.entries(nodeSelector);
        const isAllowed = homes[0]?.nodes.some(({ isUsable, labels }) =>
          isUsable && asked.every(([key, value]) => labels[key] === value)
        );
        expect(before || isAllowed).toBe(true);
      }
      for (const [index, old] of nodes.entries()) {
        const now = after[index];
        if (holderOf(old) !== undefined) expect(now === undefined ? "" : holderOf(now)).toBe(holderOf(old));
        if (!plan.wishes.some((wish) => wish.node === old.name)) expect(now).toBe(old);
      }
      const again = planLabels({ topologyKey: KEY, nodes: after, needs });
      expect(again).toMatchObject({ kind: "plan", wishes: plan.wishes });
      const byName = new Map(after.map((entry) => [entry.name, entry]));
      for (const wish of again.kind === "plan" ? again.wishes : []) {
        const found = byName.get(wish.node);
        expect(found === undefined ? undefined : stepOf(wish, found, KEY)).toEqual({ kind: "done" });
      }
    }),
    { numRuns: 2000 },
  );
});

test("planLabels depends on what stands in the cluster only, not on the order in which it was listed", () => {
  fc.assert(
    fc.property(clusters, jobs, fc.infiniteStream(fc.nat()), (nodes, needs, order) => {
      const shuffled = nodes.map((entry) => ({ entry, place: order.next().value ?? 0 }))
        .sort((a, b) => a.place - b.place).map(({ entry }) => entry);
      expect(planLabels({ topologyKey: KEY, nodes: shuffled, needs })).toEqual(
        planLabels({ topologyKey: KEY, nodes, needs }),
      );
    }),
  );
});

/** How many of the Jobs can have a domain each at once, by trying everything. */
function most(needs: readonly JobNeed[], free: readonly Domain[]): number {
  const [first, ...rest] = needs;
  if (first === undefined) return 0;
  const fitting = free.filter((domain) => usableNodes(domain, first.nodeSelector) > 0);
  const tries = fitting.map((domain) => 1 + most(rest, free.filter((other) => other !== domain)));
  return Math.max(most(rest, free), ...tries);
}

test("planLabels finds a domain for every Job wherever there is a way to", () => {
  fc.assert(
    fc.property(clusters, jobs, (nodes, needs) => {
      const empty = nodes.filter((entry) => holderOf(entry) === undefined && !isTainted(entry));
      const plan = planLabels({ topologyKey: KEY, nodes: empty, needs });
      expect(plan.kind === "plan").toBe(most(needs, domainsOf(empty, KEY)) === needs.length);
    }),
    { numRuns: 1000 },
  );
});
