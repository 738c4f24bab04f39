/** Which Pods violate exclusive placement by affinity (spec 4.2). */
import { asString, type JsonObject } from "../base/json.ts";
import { hasLeaderIndex, isEnding, isLeader, type Pod } from "../api/pod.ts";

/** A leader whose Node's domain is known. */
export interface PlacedLeader {
  readonly topologyKey: string;
  readonly domain: string;
}

/** A leader with a Node, which asks for exclusive placement. */
export interface ScheduledLeader {
  readonly pod: Pod;
  readonly topologyKey: string;
}

/** The leaders among the Pods of a Job that say where the others belong. One that waits for a Node says nothing yet. */
export function scheduledLeaders(pods: Iterable<Pod>): readonly ScheduledLeader[] {
  const leaders: ScheduledLeader[] = [];
  for (const pod of pods) {
    const { topologyKey, nodeName } = pod;
    if (topologyKey !== undefined && nodeName !== "" && isLeader(pod)) leaders.push({ pod, topologyKey });
  }
  return leaders;
}

/**
 * All followers of one Job in a domain that is no leader's, by the node selector that they were given; R09: of this very Job, for an
 * earlier one of the same name had Pods of its own. Those in the right domain stay, whatever the others did, and so do finished ones,
 * which hold no Node, and those being deleted. Should a Job have two leaders (one made by hand, say), either of them will do: which one
 * is wrong is not known here.
 */
export function placementViolations(
  { jobUid, leaders, pods }: {
    readonly jobUid: string;
    readonly leaders: readonly PlacedLeader[];
    readonly pods: Iterable<Pod>;
  },
): readonly Pod[] {
  if (leaders.length === 0) return [];
  return [...pods].filter((pod) => {
    if (pod.jobUid !== jobUid || hasLeaderIndex(pod) || isEnding(pod)) return false;
    return leaders.every(({ topologyKey, domain }) => pod.topologyKey !== topologyKey || pod.topologyValue !== domain);
  });
}

/** Whether the trimmed Pod says what it selects of this leader's topology: it keeps but the label that its own annotation names. */
export function isSelectorKnown({ topologyKey }: Pod, leaders: readonly PlacedLeader[]): boolean {
  return leaders.every((leader) => leader.topologyKey === topologyKey);
}

/** The same by the node selector itself. */
export function isMisplaced(nodeSelector: JsonObject | undefined, leaders: readonly PlacedLeader[]): boolean {
  return leaders.every(({ topologyKey, domain }) =>
    nodeSelector === undefined || !Object.hasOwn(nodeSelector, topologyKey) ||
    asString(nodeSelector[topologyKey]) !== domain
  );
}
