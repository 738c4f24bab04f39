import { type Domain, usableNodes } from "./domains.ts";
import type { JobNeed } from "./job_need.ts";

interface Chooser {
  readonly need: JobNeed;
  /** The domains that it can live in, the one that suits it best first. */
  readonly options: readonly Domain[];
  /** How many of them have a node for each of its Pods. */
  readonly fitting: number;
}

/**
 * A domain for each Job, as long as there are enough. How many nodes a Job needs is not known here, as several Pods may share a
 * node: so a Job gets the smallest domain with a node for each of its Pods, and where there is none the largest. The Jobs with
 * the fewest domains to choose from choose first; and rather than leave one without, others move to what else suits them.
 */
export function chooseDomains(needs: readonly JobNeed[], free: readonly Domain[]): ReadonlyMap<JobNeed, Domain> {
  const owners = new Map<Domain, Chooser>();
  const dead = new Set<Domain>();
  for (const chooser of choosers(needs, free)) {
    const home = chooser.options.find((domain) => !owners.has(domain));
    if (home !== undefined) owners.set(home, chooser);
    else settle(chooser, owners, dead);
  }
  return new Map([...owners].map(([domain, { need }]) => [need, domain]));
}

/**
 * Kuhn's algorithm: takes a domain from a Job that has another place to go to. What a search that fails has `seen` leads nowhere
 * for the next one either: failing searches in a row look at each domain once.
 */
function settle(chooser: Chooser, owners: Map<Domain, Chooser>, seen: Set<Domain>): boolean {
  for (const domain of chooser.options) {
    if (seen.has(domain)) continue;
    seen.add(domain);
    const owner = owners.get(domain);
    if (owner !== undefined && !settle(owner, owners, seen)) continue;
    owners.set(domain, chooser);
    for (const entry of seen) seen.delete(entry);
    return true;
  }
  return false;
}

function choosers(needs: readonly JobNeed[], free: readonly Domain[]): readonly Chooser[] {
  const ofNeed = (need: JobNeed): Chooser => {
    const sizes = free.map((domain) => ({ domain, size: usableNodes(domain, need.nodeSelector) }))
      .filter(({ size }) => size > 0);
    const fitting = sizes.filter(({ size }) => size >= need.pods).sort((a, b) => a.size - b.size);
    const others = sizes.filter(({ size }) => size < need.pods).sort((a, b) => b.size - a.size);
    return { need, options: [...fitting, ...others].map(({ domain }) => domain), fitting: fitting.length };
  };
  // Those that nothing fits come last: they are content with what is left.
  const rank = ({ fitting, options }: Chooser) => fitting > 0 ? fitting : free.length + options.length;
  return needs.map(ofNeed).sort((a, b) => rank(a) - rank(b));
}
