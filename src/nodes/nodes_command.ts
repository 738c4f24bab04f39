/** `jobset nodes label`, `unlabel` and `show`: read, plan, tell, and write where that was asked for. */
import type { JobSet } from "../api/job_set.ts";
import { NAMESPACED_JOB } from "../api/keys.ts";
import { UsageError } from "../config/usage_error.ts";
import { domainReport, readable, reportLines } from "./domain_report.ts";
import { isAlive, type JobNeed, jobNeeds } from "./job_need.ts";
import type { NodeCluster } from "./node_cluster.ts";
import type { NodeView } from "./node_view.ts";
import { type NodeWish, stepOf } from "./node_wish.ts";
import { planLabels } from "./plan_labels.ts";
import { planUnlabels } from "./plan_unlabels.ts";
import { tableLines } from "./table.ts";
import { writeNodes } from "./write_nodes.ts";

export interface NodesRequest {
  readonly cluster: NodeCluster;
  readonly topologyKey: string;
  /** Undefined: every namespace. */
  readonly namespace: string | undefined;
  /** Undefined: every JobSet. */
  readonly jobSet: string | undefined;
  /** Write, rather than tell what would be written. */
  readonly isConfirmed: boolean;
  /** Takes one line, without its line break. */
  readonly print: (line: string) => void;
  /** Of `show`: the report as JSON or YAML. */
  readonly format: ((report: unknown) => string) | undefined;
}

export async function labelNodes(request: NodesRequest): Promise<void> {
  const { cluster, topologyKey, print } = request;
  const [needs, nodes] = await Promise.all([readNeeds(request), readNodes(cluster, topologyKey)]);
  if (needs.length === 0) {
    print(`nothing to label: no unfinished JobSet asks for domains of "${topologyKey}" by node selector`);
    return;
  }
  const plan = planLabels({ topologyKey, nodes, needs });
  if (plan.kind === "refused") throw new Error(plan.problem);
  const jobs = needs.length === 1 ? "1 Job has its domain" : `${needs.length} Jobs have their domains`;
  await carryOut(request, { wishes: plan.wishes, nodes, notes: plan.notes, nothing: `nothing to label: ${jobs}` });
}

export async function unlabelNodes(
  request: Omit<NodesRequest, "topologyKey"> & { readonly topologyKey: string | undefined },
): Promise<void> {
  const { cluster, topologyKey, namespace, jobSet } = request;
  const selector = topologyKey === undefined ? NAMESPACED_JOB : `${NAMESPACED_JOB},${topologyKey}`;
  const [nodes, jobSets] = await Promise.all([
    cluster.nodes(selector),
    jobSet === undefined ? [] : cluster.jobSets(namespace),
  ]);
  const wishes = planUnlabels({ nodes, topologyKey, namespace, jobSet, jobSets });
  await carryOut(request, {
    wishes,
    nodes,
    notes: [],
    nothing: "nothing to unlabel: no node is labelled for these Jobs",
  });
}

export async function showNodes(request: NodesRequest): Promise<void> {
  const { cluster, topologyKey, print, format } = request;
  const [needs, nodes] = await Promise.all([readNeeds(request), readNodes(cluster, topologyKey)]);
  const report = domainReport({ topologyKey, nodes, needs });
  for (const line of format === undefined ? reportLines(report) : [format(report).trimEnd()]) print(line);
}

/** Nodes of the topology, and those outside of it that are labelled for a Job all the same. */
async function readNodes(cluster: NodeCluster, topologyKey: string): Promise<readonly NodeView[]> {
  const [within, strays] = await Promise.all([
    cluster.nodes(topologyKey),
    cluster.nodes(`${NAMESPACED_JOB},!${topologyKey}`),
  ]);
  // A Node whose label came or went between the two lists is in both.
  return [...new Map([...strays, ...within].map((node) => [node.name, node])).values()];
}

async function readNeeds({ cluster, topologyKey, namespace, jobSet }: NodesRequest): Promise<readonly JobNeed[]> {
  const jobSets = await cluster.jobSets(namespace);
  if (jobSet === undefined) return jobSets.filter(isAlive).flatMap((found) => jobNeeds(found, topologyKey));
  const named = jobSets.find(({ name }) => name === jobSet);
  if (named === undefined) throw new UsageError(`there is no JobSet ${namespace}/${jobSet}`);
  return namedNeeds(named, topologyKey);
}

/** A JobSet that was named and needs nothing is more likely a mistake than a wish. */
function namedNeeds(jobSet: JobSet, topologyKey: string): readonly JobNeed[] {
  const name = `JobSet ${jobSet.namespace}/${jobSet.name}`;
  if (!isAlive(jobSet)) throw new UsageError(`${name} is finished or being deleted: its Jobs need no nodes`);
  const needs = jobNeeds(jobSet, topologyKey);
  if (needs.length > 0) return needs;
  throw new UsageError(
    `${name} has no Job with the annotations alpha.jobset.sigs.k8s.io/exclusive-topology: ${topologyKey} ` +
      "and alpha.jobset.sigs.k8s.io/node-selector",
  );
}

type Confirmable = Pick<NodesRequest, "cluster" | "isConfirmed" | "print"> & {
  readonly topologyKey: string | undefined;
};

async function carryOut(
  { cluster, topologyKey, isConfirmed, print }: Confirmable,
  { wishes, nodes, notes, nothing }: {
    readonly wishes: readonly NodeWish[];
    readonly nodes: readonly NodeView[];
    readonly notes: readonly string[];
    readonly nothing: string;
  },
): Promise<void> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const rows = wishes.flatMap((wish) => rowOf(wish, byName.get(wish.node), topologyKey));
  if (rows.length === 0) return print(nothing);
  for (const line of tableLines(["NODE", "DOMAIN", "JOB", "CHANGE"], rows)) print(line);
  for (const note of notes) print(note);
  const count = rows.length === 1 ? "1 node" : `${rows.length} nodes`;
  if (!isConfirmed) return print(`${count} to change, nothing is changed yet (dry run): add --yes to do it`);
  await writeNodes({ cluster, wishes, nodes: byName, topologyKey });
  print(`${count} changed`);
}

function rowOf(
  wish: NodeWish,
  node: NodeView | undefined,
  topologyKey: string | undefined,
): readonly (readonly string[])[] {
  const step = node === undefined ? undefined : stepOf(wish, node, topologyKey);
  if (step?.kind !== "change") return [];
  const what = [...(step.label ? ["label"] : []), ...(step.taint ? ["taint"] : [])].join(", ");
  return [[wish.node, wish.domain ?? "-", readable(wish.holder), wish.kind === "hold" ? what : `remove ${what}`]];
}
