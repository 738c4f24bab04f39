/** Which nodes are given back. Pure. */
import type { JobSet } from "../api/job_set.ts";
import { splitChildJobName } from "../api/names.ts";
import { byName } from "./domains.ts";
import { holderOf, type NodeView } from "./node_view.ts";
import type { NodeWish } from "./node_wish.ts";

export interface UnlabelInput {
  /** Those that are labelled for a Job. */
  readonly nodes: readonly NodeView[];
  readonly topologyKey: string | undefined;
  /** Undefined: every namespace. */
  readonly namespace: string | undefined;
  /** Undefined: every JobSet, also those that are gone. */
  readonly jobSet: string | undefined;
  /** The JobSets of the namespace, where one is named: they tell `a`'s Job `a-b-w-0` from that of a JobSet `a-b`. */
  readonly jobSets: readonly JobSet[];
}

export function planUnlabels({ nodes, topologyKey, namespace, jobSet, jobSets }: UnlabelInput): readonly NodeWish[] {
  return nodes.toSorted((a, b) => byName(a.name, b.name)).flatMap((node): readonly NodeWish[] => {
    const holder = holderOf(node);
    if (holder === undefined) return [];
    const [home, job] = splitHolder(holder);
    if (namespace !== undefined && home !== namespace) return [];
    if (jobSet !== undefined && !isJobOf(job, jobSet, jobSets)) return [];
    const domain = topologyKey === undefined ? undefined : node.labels[topologyKey];
    return [{ kind: "release", node: node.name, domain, holder }];
  });
}

/** Namespace and Job of a label value; a namespace has no underscore. */
export function splitHolder(holder: string): readonly [namespace: string, job: string] {
  const underscore = holder.indexOf("_");
  return underscore < 0 ? ["", holder] : [holder.slice(0, underscore), holder.slice(underscore + 1)];
}

/** Whatever its index: replicas may have become fewer. Of a JobSet that is gone only the name is known. */
function isJobOf(job: string, name: string, jobSets: readonly JobSet[]): boolean {
  const prefix = splitChildJobName(job)?.prefix;
  const isOf = (jobSet: JobSet) => jobSet.replicatedJobs.some((entry) => prefix === `${jobSet.name}-${entry.name}`);
  const known = jobSets.find((jobSet) => jobSet.name === name);
  if (known !== undefined) return isOf(known);
  return prefix?.startsWith(`${name}-`) === true && !jobSets.some(isOf);
}
