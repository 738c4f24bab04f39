import { holderOf, isTainted, type NodeView } from "./node_view.ts";

/** The nodes that share a value of the topology label. */
export interface Domain {
  readonly name: string;
  /** By name. */
  readonly nodes: readonly NodeView[];
  /** The Jobs that nodes of it are labelled for, as `<namespace>_<job>`, and how many nodes each. */
  readonly holders: ReadonlyMap<string, number>;
  /** Nodes with the taint that no label of a Job stands beside: somebody else keeps them. */
  readonly foreign: number;
  readonly usable: number;
}

/** The domains of a topology, `rack-2` before `rack-10`. Nodes without the label are in none. */
export function domainsOf(nodes: readonly NodeView[], topologyKey: string): readonly Domain[] {
  const groups = Map.groupBy(nodes, ({ labels }) => labels[topologyKey]);
  return [...groups].flatMap(([name, members]) => name === undefined ? [] : [domain(name, members)])
    .sort((a, b) => byName(a.name, b.name));
}

/** Numbers within names count as numbers. */
export function byName(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true }) || (a < b ? -1 : a > b ? 1 : 0);
}

/** Nodes that a Pod with this node selector could go to. */
export function usableNodes({ nodes }: Domain, nodeSelector: Readonly<Record<string, string>>): number {
  const asked = Object.entries(nodeSelector);
  return nodes.filter(({ isUsable, labels }) => isUsable && asked.every(([key, value]) => labels[key] === value))
    .length;
}

function domain(name: string, members: readonly NodeView[]): Domain {
  const nodes = members.toSorted((a, b) => byName(a.name, b.name));
  const holders = new Map<string, number>();
  for (const node of nodes) {
    const holder = holderOf(node);
    if (holder !== undefined) holders.set(holder, (holders.get(holder) ?? 0) + 1);
  }
  const foreign = nodes.filter((node) => isTainted(node) && holderOf(node) === undefined).length;
  return { name, nodes, holders, foreign, usable: nodes.filter(({ isUsable }) => isUsable).length };
}
