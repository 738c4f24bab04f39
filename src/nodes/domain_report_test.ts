import { expect, test } from "bun:test";
import { domainReport, reportLines } from "./domain_report.ts";
import { KEY, need, node, rack } from "./test_nodes.ts";

const nodes = [
  ...rack("r10", 2, { holder: "default_w-0" }),
  node("r10-9", { rack: "r10", isReady: false }),
  ...rack("r2", 1, { isTainted: true }),
  ...rack("r3", 1),
  node("lost", { holder: "team_x-0" }),
];
const needs = [need("w-0"), need("w-1", 4)];

test("show tells of each domain its nodes and its Job, and of Jobs and nodes that have none", () => {
  expect(reportLines(domainReport({ topologyKey: KEY, nodes, needs }))).toEqual([
    "DOMAIN   NODES   READY   JOB",
    "r2       1       1       tainted by others (1 of 1)",
    "r3       1       1       -",
    "r10      3       2       default/w-0 (2 of 3)",
    "Job default/w-1 has no domain",
    'node lost is labelled for Job team/x-0 and has no label "example.com/rack"',
  ]);
  expect(reportLines(domainReport({ topologyKey: "no/such", nodes: [], needs: [] }))).toEqual([
    'no node has label "no/such"',
  ]);
});

test("as data it has the same in fields", () => {
  const { domains, waiting, strays } = domainReport({ topologyKey: KEY, nodes, needs });
  expect(domains[2]).toEqual({
    name: "r10",
    nodes: 3,
    ready: 2,
    jobs: [{ namespace: "default", name: "w-0", nodes: 2 }],
    taintedByOthers: 0,
  });
  expect(waiting).toEqual([{ namespace: "default", name: "w-1", pods: 4 }]);
  expect(strays).toEqual([{ name: "lost", job: "team/x-0" }]);
});
