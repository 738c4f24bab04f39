/** Which nodes are labelled and tainted for which Job. Pure. */
import { chooseDomains } from "./choose_domains.ts";
import { byName, type Domain, domainsOf, usableNodes } from "./domains.ts";
import { type JobNeed, labelProblem } from "./job_need.ts";
import { holderOf, type NodeView } from "./node_view.ts";
import type { NodeWish } from "./node_wish.ts";

export interface LabelInput {
  readonly topologyKey: string;
  /** Those with the topology label, and those that are labelled for a Job. */
  readonly nodes: readonly NodeView[];
  /** In the order in which they may choose. */
  readonly needs: readonly JobNeed[];
}

export type LabelPlan =
  | { readonly kind: "plan"; readonly wishes: readonly NodeWish[]; readonly notes: readonly string[] }
  /** Nothing is to be written; one line that says why. */
  | { readonly kind: "refused"; readonly problem: string };

/** Throws nowhere: what can't be done is a refusal of the whole, so that no run leaves a JobSet with half of its domains. */
export function planLabels({ topologyKey, nodes, needs }: LabelInput): LabelPlan {
  const unfit = needs.map(labelProblem).find((problem) => problem !== undefined);
  if (unfit !== undefined) return { kind: "refused", problem: unfit };
  const domains = domainsOf(nodes, topologyKey);
  const homes = new Map<JobNeed, Domain>();
  for (const need of needs) {
    const held = heldDomain({ need, domains, nodes, topologyKey });
    if (held.kind === "refused") return held;
    if (held.domain !== undefined) homes.set(need, held.domain);
  }
  const homeless = needs.filter((need) => !homes.has(need));
  const chosen = chooseDomains(homeless, domains.filter(isFree));
  const missing = homeless.filter((need) => !chosen.has(need));
  if (missing.length > 0) {
    return { kind: "refused", problem: shortage({ topologyKey, domains, missing, wanted: homeless.length }) };
  }
  return {
    kind: "plan",
    wishes: needs.flatMap((need) => wishesOf(need, homes.get(need) ?? chosen.get(need))),
    notes: homeless.flatMap((need) => narrowness(need, chosen.get(need))),
  };
}

type Held = { readonly kind: "held"; readonly domain: Domain | undefined } | Extract<LabelPlan, { kind: "refused" }>;

/** A Job keeps the domain that it has. Labels that contradict the idea of a domain of its own are for a person to resolve. */
function heldDomain(
  { need, domains, nodes, topologyKey }: {
    readonly need: JobNeed;
    readonly domains: readonly Domain[];
    readonly nodes: readonly NodeView[];
    readonly topologyKey: string;
  },
): Held {
  const refused = (why: string): Held => ({
    kind: "refused",
    problem: `label nodes for Job ${need.namespace}/${need.name}: ${why}; ` +
      "take labels away with 'jobset nodes unlabel' or kubectl, then run this again",
  });
  const strays = nodes.filter((node) => holderOf(node) === need.holder && node.labels[topologyKey] === undefined);
  const [stray] = strays.toSorted((a, b) => byName(a.name, b.name));
  if (stray !== undefined) return refused(`node ${stray.name} is labelled for it and has no label "${topologyKey}"`);
  const [held, second] = domains.filter(({ holders }) => holders.has(need.holder));
  if (held === undefined) return { kind: "held", domain: undefined };
  if (second !== undefined) return refused(`nodes of ${held.name} and of ${second.name} are labelled for it`);
  const other = [...held.holders.keys()].find((holder) => holder !== need.holder);
  if (other !== undefined) return refused(`domain ${held.name} is labelled for it and for ${other}`);
  return { kind: "held", domain: held };
}

function isFree({ holders, foreign, usable }: Domain): boolean {
  return holders.size === 0 && foreign === 0 && usable > 0;
}

/** Every node of the domain, also one that is not ready now. */
function wishesOf(need: JobNeed, domain: Domain | undefined): readonly NodeWish[] {
  return (domain?.nodes ?? []).map(({ name }) => ({
    kind: "hold",
    node: name,
    domain: domain?.name,
    holder: need.holder,
  }));
}

function narrowness(need: JobNeed, domain: Domain | undefined): readonly string[] {
  if (domain === undefined) return [];
  const size = usableNodes(domain, need.nodeSelector);
  if (size >= need.pods) return [];
  const nodes = size === 1 ? "1 node" : `${size} nodes`;
  return [`Job ${need.namespace}/${need.name} has ${need.pods} Pods, its domain ${domain.name} ${nodes} for them`];
}

function shortage(
  { topologyKey, domains, missing, wanted }: {
    readonly topologyKey: string;
    readonly domains: readonly Domain[];
    readonly missing: readonly JobNeed[];
    readonly wanted: number;
  },
): string {
  const [first] = missing;
  const more = missing.length === 1 ? "1 more is" : `${missing.length} more are`;
  const held = domains.filter(({ holders }) => holders.size > 0);
  const foreign = domains.filter(({ holders, foreign }) => holders.size === 0 && foreign > 0);
  const unusable = domains.filter(({ holders, foreign, usable }) =>
    holders.size === 0 && foreign === 0 && usable === 0
  );
  const parts = [
    `of ${domains.length} domain${domains.length === 1 ? "" : "s"} ${domains.filter(isFree).length} free`,
    ...(held.length > 0 ? [`${held.length} labelled for Jobs`] : []),
    ...(foreign.length > 0 ? [`${foreign.length} tainted by others`] : []),
    ...(unusable.length > 0 ? [`${unusable.length} without a node that is ready and schedulable`] : []),
  ];
  const jobs = wanted === 1 ? "the Job" : `${wanted} Jobs`;
  const name = `${first?.namespace}/${first?.name}`;
  return `not enough domains of node label "${topologyKey}": ${more} needed for ${jobs} that ` +
    `${wanted === 1 ? "has" : "have"} none (${parts.join(", ")}); left without: ${name}` +
    `${missing.length > 1 ? ` and ${missing.length - 1} more` : ""}`;
}
