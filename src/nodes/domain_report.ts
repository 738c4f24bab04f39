/** What `jobset nodes show` tells. Pure. */
import { byName, type Domain, domainsOf } from "./domains.ts";
import type { JobNeed } from "./job_need.ts";
import { holderOf, type NodeView } from "./node_view.ts";
import { splitHolder } from "./plan_unlabels.ts";
import { tableLines } from "./table.ts";

export interface DomainReport {
  readonly topology: string;
  readonly domains: readonly {
    readonly name: string;
    readonly nodes: number;
    /** Ready and schedulable. */
    readonly ready: number;
    readonly jobs: readonly { readonly namespace: string; readonly name: string; readonly nodes: number }[];
    /** Nodes with the taint and without the label of a Job. */
    readonly taintedByOthers: number;
  }[];
  /** Jobs that wait for a domain. */
  readonly waiting: readonly { readonly namespace: string; readonly name: string; readonly pods: number }[];
  /** Nodes that are labelled for a Job and in no domain. */
  readonly strays: readonly { readonly name: string; readonly job: string }[];
}

export function domainReport(
  { topologyKey, nodes, needs }: {
    readonly topologyKey: string;
    readonly nodes: readonly NodeView[];
    readonly needs: readonly JobNeed[];
  },
): DomainReport {
  const domains = domainsOf(nodes, topologyKey);
  const isWaiting = ({ holder }: JobNeed) => !domains.some(({ holders }) => holders.has(holder));
  const strays = nodes.filter((node) => node.labels[topologyKey] === undefined && holderOf(node) !== undefined);
  return {
    topology: topologyKey,
    domains: domains.map(reportOf),
    waiting: needs.filter(isWaiting).map(({ namespace, name, pods }) => ({ namespace, name, pods })),
    strays: strays.map((node) => ({ name: node.name, job: readable(holderOf(node) ?? "") }))
      .sort((a, b) => byName(a.name, b.name)),
  };
}

/** `namespace/job` of a label value. */
export function readable(holder: string): string {
  return splitHolder(holder).filter((part) => part !== "").join("/");
}

export function reportLines({ topology, domains, waiting, strays }: DomainReport): readonly string[] {
  const rows = domains.map(({ name, nodes, ready, jobs, taintedByOthers }) => {
    const held = jobs.map((job) =>
      `${job.namespace}/${job.name}${job.nodes < nodes ? ` (${job.nodes} of ${nodes})` : ""}`
    );
    const foreign = taintedByOthers === 0 ? [] : [`tainted by others (${taintedByOthers} of ${nodes})`];
    const cell = [...held, ...foreign].join(", ");
    return [name === "" ? '""' : name, String(nodes), String(ready), cell === "" ? "-" : cell];
  });
  return [
    ...(rows.length === 0
      ? [`no node has label "${topology}"`]
      : tableLines(["DOMAIN", "NODES", "READY", "JOB"], rows)),
    ...waiting.map(({ namespace, name }) => `Job ${namespace}/${name} has no domain`),
    ...strays.map(({ name, job }) => `node ${name} is labelled for Job ${job} and has no label "${topology}"`),
  ];
}

function reportOf({ name, nodes, holders, foreign, usable }: Domain): DomainReport["domains"][number] {
  const jobs = [...holders].map(([holder, count]) => {
    const [namespace, job] = splitHolder(holder);
    return { namespace, name: job, nodes: count };
  });
  return { name, nodes: nodes.length, ready: usable, jobs, taintedByOthers: foreign };
}
