/** Whether a follower may be created (spec 4.1): the checks in their order, and the texts that users search events for. */
import type { Follower } from "./pod_role.ts";

/** A Pod with completion index 0 that a Job controls, neither being deleted nor failed. */
export interface Leader {
  readonly name: string;
  /** Of the Job that controls it. */
  readonly ownerUid: string;
  /** Undefined until it is scheduled. */
  readonly nodeName: string | undefined;
  /** It has completed: its index is never made again, so that it can lead only where nobody else does. */
  readonly isSucceeded: boolean;
}

/** A leader that has a node. */
export interface ScheduledLeader extends Leader {
  readonly nodeName: string;
}

/** Whether a follower's own node selector names a value of the topology. */
export function hasOwnSelector({ nodeSelector, topologyKey }: Follower): boolean {
  return nodeSelector !== undefined && Object.hasOwn(nodeSelector, topologyKey);
}

/** The first checks, which need no look-up; undefined for a follower whose node selector has the topology key. */
export function selectorProblem(follower: Follower): string | undefined {
  if (follower.nodeSelector === undefined) return "follower pod node selector not set";
  return hasOwnSelector(follower) ? undefined : domainProblem(follower);
}

/** Also what is said of a leader's node that is gone or has no such label: there is no domain to select. */
export function domainProblem({ topologyKey }: Follower): string {
  return `follower pod node selector for topology domain not found. missing selector: ${topologyKey}`;
}

/**
 * The follower's leader, or why it has none; `leaders` are those of its job key. The uid decides: what an earlier Job of the same name
 * left behind, in whatever number, is no leader of this one.
 *
 * Beyond spec 4.1, by which a leader that has succeeded is none: without one its Job's later followers would be refused for ever, as those
 * with more completions than parallelism, or a worker that is retried. They still belong beside the first ones. The domain is no
 * other Job's: the anti-affinity of whoever came in meanwhile keeps them waiting.
 */
export function leaderOf(follower: Follower, leaders: readonly Leader[]): ScheduledLeader | string {
  const { jobUid, jobName } = follower;
  const all = leaders.filter(({ ownerUid }) => ownerUid !== "" && ownerUid === jobUid);
  const running = all.filter(({ isSucceeded }) => !isSucceeded);
  const own = running.length === 0 ? all : running;
  const candidates = own.length === 0 ? leaders.filter(({ isSucceeded }) => !isSucceeded) : own;
  const [leader] = candidates;
  if (leader === undefined || candidates.length > 1) {
    return `expected 1 leader pod (${jobName}-0), but got ${candidates.length}. this is an expected, transient error`;
  }
  const { ownerUid, nodeName } = leader;
  if (own.length === 0) return `follower pod owner UID (${jobUid}) != leader pod owner UID (${ownerUid})`;
  if (nodeName === undefined || nodeName === "") {
    return "leader pod not yet scheduled, not creating follower pod. this is an expected, transient error";
  }
  return { ...leader, nodeName };
}
